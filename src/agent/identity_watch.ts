import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { ClientCertificate } from "../store/identity_record.ts";
import type { Membership } from "../store/membership.ts";
import type { StatusDocument } from "../wire/status.ts";
import {
  type CertificateState,
  certificateState,
  clientCertificateOf,
} from "./client_certificate.ts";
import type { NodeContext } from "./node_context.ts";

/** Between two looks at certificate and revocations. */
const INTERVAL_MS = 3_600_000;

/** What {@linkcode IdentityWatch} works with. */
type WatchedContext =
  & Pick<
    NodeContext,
    "config" | "identity" | "degraded" | "io"
  >
  & {
    readonly store: Pick<
      Membership,
      "credentials" | "identityRecord" | "sealKey"
    >;
  };

/**
 * Keeps the facts of the node's identity up to date: every hour, and whenever
 * the control plane begins or ceases to refuse the node.
 */
export class IdentityWatch implements Part {
  readonly name = "identity_watch";
  readonly #context: WatchedContext;
  readonly #revokedKeyIds: () => Iterable<string>;
  #certificate: ClientCertificate | undefined;
  #told: CertificateState = "valid";

  /** @param revokedKeyIds Signing keys that the trust bundle revokes. */
  constructor(
    context: WatchedContext,
    revokedKeyIds: () => Iterable<string>,
  ) {
    this.#context = context;
    this.#revokedKeyIds = revokedKeyIds;
    this.#certificate = context.store.identityRecord.facts?.certificate;
    this.#look();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { degraded, io } = this.#context;
    const stopListening = degraded.onChange(() => this.#observe());
    try {
      for (;;) {
        await io.clock.sleep(INTERVAL_MS, signal);
        this.#look();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      stopListening();
    }
  }

  /** What the status tells of the identity: no keys, and names only by count. */
  status(): StatusDocument["identity"] {
    const { identity, io, store } = this.#context;
    const { facts } = store.identityRecord;
    const certificate = this.#certificate;
    const { enrolledAt, domainId } = identity;
    const { nodeName, domainName } = store.credentials.current ?? {};
    return {
      membership_id: facts?.membershipId ?? null,
      domain_id: domainId ?? null,
      node_name: nodeName ?? null,
      domain_name: domainName ?? null,
      enrollment: facts?.enrollment ?? "enrolled",
      enrolled_at: enrolledAt,
      seal_ref: facts?.sealRef ?? null,
      client_certificate: certificate
        ? {
          subject: certificate.subject,
          fingerprint: certificate.fingerprint,
          not_after: certificate.notAfter,
          state: certificateState(certificate, io.clock.now()),
        }
        : null,
      revocations: facts?.revocations.length ?? 0,
    };
  }

  #look() {
    const { config, io } = this.#context;
    try {
      this.#certificate = clientCertificateOf(config);
    } catch (error) {
      // What was known of it goes on being shown.
      io.log.warn("The client certificate cannot be read", {
        error: describeError(error),
      });
    }
    this.#warn();
    this.#observe();
  }

  /** Once for each step towards its end. */
  #warn() {
    const { io } = this.#context;
    const certificate = this.#certificate;
    const state = certificate
      ? certificateState(certificate, io.clock.now())
      : "valid";
    if (state === this.#told) return;
    this.#told = state;
    if (!certificate || state === "valid") return;
    const { certificateRef, notAfter } = certificate;
    io.log.warn(
      state === "expired"
        ? "The client certificate has expired: renew it, then reload plexd"
        : "The client certificate expires soon: renew it, then reload plexd",
      { certificate: certificateRef, not_after: notAfter },
    );
  }

  #observe() {
    const { config, identity, degraded, io, store } = this.#context;
    const { nodeId } = identity;
    const isRefused = degraded.list()
      .some(({ reason }) => reason === "unauthorized");
    const { source, id } = store.sealKey;
    const certificate = this.#certificate;
    try {
      store.identityRecord.observe({
        nodeId,
        enrollment: isRefused ? "refused" : "enrolled",
        sealRef: source === "file"
          ? `file:${config["seal.key_file"]}`
          : "credential:plexd.seal",
        sealKeyId: id,
        ...(certificate ? { certificate } : {}),
        revocations: [
          ...[...this.#revokedKeyIds()].map((keyId) => ({
            kind: "signing_key" as const,
            id: keyId,
            source: "trust_bundle" as const,
          })),
          ...(isRefused
            ? [{
              kind: "node" as const,
              id: nodeId,
              source: "control_plane" as const,
            }]
            : []),
        ],
      });
    } catch (error) {
      io.log.debug("Facts of the identity not stored", {
        error: describeError(error),
      });
    }
  }
}
