import * as z from "zod/mini";
import { isoTime } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import { uuidV7 } from "../platform/random.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { readIfThere } from "./disk.ts";
import { replaceFileNow } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { checkSum, withSum } from "./summed_json.ts";
import { isShortage } from "./typed_reads.ts";

/** Path of the file, below the membership's folder. */
export const IDENTITY_RECORD_FILE = "identity/record.json";

/** Revocations that are kept; the oldest give way. */
const MAX_REVOCATIONS = 256;

/** The certificate that the node shows to its control plane. */
export interface ClientCertificate {
  /** Where it was read, and its key: `file:` and a path. */
  readonly certificateRef: string;
  readonly keyRef: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  /** SHA-256 of the certificate, in lower-case hex. */
  readonly fingerprint: string;
  /** RFC 3339 text. */
  readonly notBefore: string;
  readonly notAfter: string;
}

/** Who or what is not accepted any more, as far as this node has heard. */
export interface Revocation {
  readonly kind: "node" | "signing_key";
  /** Node id, or key id. */
  readonly id: string;
  /** When this node first heard of it, RFC 3339 text. */
  readonly at: string;
  /** Who said so. */
  readonly source: "control_plane" | "trust_bundle";
}

/** What is known of an identity beside what proves it. It decides nothing. */
export interface IdentityFacts {
  /** Made by this node when it joined. */
  readonly membershipId: string;
  /** Whose facts these are. */
  readonly nodeId: string;
  /** `refused`: the control plane does not accept the node now. */
  readonly enrollment: "enrolled" | "refused";
  /**
   * What opens the node's sealed keys: `file:` and a path, or `credential:` and
   * a name.
   */
  readonly sealRef: string;
  readonly sealKeyId: string;
  /** Absent when none is configured. */
  readonly certificate?: ClientCertificate;
  readonly revocations: readonly Revocation[];
}

const factsSchema = z.object({
  format: z.literal(1),
  membership_id: z.string(),
  node_id: z.string(),
  enrollment: z.enum(["enrolled", "refused"]),
  seal_ref: z.string(),
  seal_key_id: z.string(),
  certificate: z.optional(z.object({
    certificate_ref: z.string(),
    key_ref: z.string(),
    subject: z.string(),
    issuer: z.string(),
    serial: z.string(),
    fingerprint: z.string(),
    not_before: z.string(),
    not_after: z.string(),
  })),
  revocations: z.array(z.object({
    kind: z.enum(["node", "signing_key"]),
    id: z.string(),
    at: z.string(),
    source: z.enum(["control_plane", "trust_bundle"]),
  })),
});

/** What is looked up anew each time. */
export type ObservedFacts =
  & Omit<IdentityFacts, "membershipId" | "revocations">
  & { readonly revocations: readonly Omit<Revocation, "at">[] };

/**
 * Keeps what is known of the node's identity beside the identity itself. For
 * people and for the status alone, so a damaged file is begun anew.
 *
 * @see seed Node Local State Store, section 4 "Identity State"
 */
export class IdentityRecord {
  readonly #context: StoreContext;
  #facts: IdentityFacts | undefined;

  private constructor(
    context: StoreContext,
    facts: IdentityFacts | undefined,
  ) {
    this.#context = context;
    this.#facts = facts;
  }

  /** Opens the file. A damaged one is begun anew, and that is told. */
  static open(context: StoreContext): IdentityRecord {
    const { disk, root, damaged, recovered } = context;
    try {
      const bytes = readIfThere(disk, `${root}/${IDENTITY_RECORD_FILE}`);
      return new IdentityRecord(context, bytes && decode(bytes));
    } catch (error) {
      if (isShortage(error)) throw error;
      const what = describeError(error);
      const aside = damaged.setAside(IDENTITY_RECORD_FILE);
      const action = `${aside}; it is written anew`;
      recovered({ file: IDENTITY_RECORD_FILE, what, action });
      return new IdentityRecord(context, undefined);
    }
  }

  /** As last observed; undefined before the node has joined. */
  get facts(): IdentityFacts | undefined {
    return this.#facts;
  }

  /**
   * Notes what holds now. Of the same node, the membership keeps its id and a
   * revocation its time. Nothing is written when nothing has changed.
   *
   * @throws {StoreWriteError} when it could not be made durable; it is known in
   * this run all the same.
   */
  observe(seen: ObservedFacts): void {
    const { clock, random } = this.#context;
    const former = this.#facts;
    const same = former?.nodeId === seen.nodeId ? former : undefined;
    const now = isoTime(clock.now());
    const next: IdentityFacts = {
      ...seen,
      membershipId: same?.membershipId ?? uuidV7(clock, random),
      revocations: seen.revocations.slice(-MAX_REVOCATIONS).map((one) => ({
        ...one,
        at: same?.revocations.find(isSame(one))?.at ?? now,
      })),
    };
    const bytes = encode(next);
    const isNew = former === undefined || !equal(bytes, encode(former));
    this.#facts = next;
    if (isNew) this.#write(bytes);
  }

  #write(bytes: Uint8Array<ArrayBuffer>) {
    const { disk, temp, folders } = this.#context;
    try {
      const target = folders.target(IDENTITY_RECORD_FILE);
      replaceFileNow(disk, temp, target, bytes);
    } catch (error) {
      throw new StoreWriteError("what is known of the identity", error);
    }
  }
}

function isSame(one: Omit<Revocation, "at">): (other: Revocation) => boolean {
  return ({ kind, id, source }) =>
    kind === one.kind && id === one.id && source === one.source;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function encode(facts: IdentityFacts): Uint8Array<ArrayBuffer> {
  const { certificate } = facts;
  return withSum(JSON.stringify({
    format: 1,
    membership_id: facts.membershipId,
    node_id: facts.nodeId,
    enrollment: facts.enrollment,
    seal_ref: facts.sealRef,
    seal_key_id: facts.sealKeyId,
    certificate: certificate && {
      certificate_ref: certificate.certificateRef,
      key_ref: certificate.keyRef,
      subject: certificate.subject,
      issuer: certificate.issuer,
      serial: certificate.serial,
      fingerprint: certificate.fingerprint,
      not_before: certificate.notBefore,
      not_after: certificate.notAfter,
    },
    revocations: facts.revocations.map(({ kind, id, at, source }) => ({
      kind,
      id,
      at,
      source,
    })),
  })).bytes;
}

/** @throws {ShapeError} unless every byte is as it was written. */
function decode(bytes: Uint8Array<ArrayBuffer>): IdentityFacts {
  const checked = checkSum(bytes);
  if (!checked) throw new ShapeError("its sum is wrong");
  const file = parseShape("identity facts", factsSchema, checked.text);
  const { certificate } = file;
  return {
    membershipId: file.membership_id,
    nodeId: file.node_id,
    enrollment: file.enrollment,
    sealRef: file.seal_ref,
    sealKeyId: file.seal_key_id,
    ...(certificate
      ? {
        certificate: {
          certificateRef: certificate.certificate_ref,
          keyRef: certificate.key_ref,
          subject: certificate.subject,
          issuer: certificate.issuer,
          serial: certificate.serial,
          fingerprint: certificate.fingerprint,
          notBefore: certificate.not_before,
          notAfter: certificate.not_after,
        },
      }
      : {}),
    revocations: file.revocations,
  };
}
