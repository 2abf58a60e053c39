import { describeError } from "../platform/log.ts";
import { isoTime } from "../platform/clock.ts";
import type { Platform } from "../platform/platform.ts";
import type { Identity, NodeKeyPair } from "../store/identity.ts";
import type { KeyringRecord } from "../store/trust_store.ts";
import { createNodeKeyPair } from "../trust/node_keys.ts";
import { importSigningKey } from "../trust/signing_key.ts";
import { backoffMs, RETRY_AFTER_CAP_MS } from "../uplink/backoff.ts";
import { AFTER_FAILURE, ControlError } from "../uplink/control_error.ts";
import { checkBearer } from "../uplink/request_headers.ts";
import type { RegisterRequest, RegisterResponse } from "../wire/bodies.ts";
import { encodeSegment } from "../wire/endpoints.ts";
import { nodeSecretToKey } from "../wire/node_secret.ts";
import { ShapeError } from "../wire/shape_error.ts";
import type { FoundToken } from "./token_sources.ts";

/** Where the identity is kept. */
export interface IdentityPort {
  load(): Promise<Identity | undefined>;
  loadPending(): Promise<NodeKeyPair | undefined>;
  savePending(pair: NodeKeyPair): Promise<void>;
  save(identity: Identity): Promise<void>;
}

/** Where the keys that sign events are kept. */
export interface RegistrationTrust {
  save(keys: KeyringRecord): Promise<void>;
}

/** Where this node is registered. */
export interface RegistrationUplink {
  register(
    bootstrapToken: string,
    request: RegisterRequest,
    signal: AbortSignal,
  ): Promise<RegisterResponse>;
}

/** Options for {@linkcode register}. */
export interface RegistrationOptions {
  readonly identity: IdentityPort;
  readonly trust: RegistrationTrust;
  readonly uplink: RegistrationUplink;
  readonly findToken: (signal: AbortSignal) => Promise<FoundToken>;
  /**
   * Forgets what only held for the identity before: called once the new one is
   * certain, and before it is stored.
   */
  readonly forgetFormer: () => Promise<void>;
  readonly controlPlane: string;
  readonly hostname: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** How long joining is tried. @default {300000} */
  readonly maxRetryMs?: number;
  readonly io: Platform;
}

/** This node could not be registered. */
export class RegistrationError extends Error {
  override readonly name = "RegistrationError";

  constructor(
    readonly kind: "refused" | "unreachable" | "bad_answer",
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/**
 * Registers this node with a one-time token.
 *
 * The key pair is stored before it is sent, and used again after a lost answer
 * or a crash: the control plane recognises the same token and key, and the
 * token is not burnt. The token's file is removed only when the identity is
 * complete on disk.
 *
 * @throws {TokenError | RegistrationError | StoreWriteError}
 * @see docs/wire.md, section c.3; design, section 6
 */
export async function register(
  options: RegistrationOptions,
  signal: AbortSignal,
): Promise<Identity> {
  const { identity: store, trust, controlPlane, io } = options;
  const found = await options.findToken(signal);
  const pair = await store.loadPending() ?? await newPair(store);
  const answer = await registerWithRetry(options, found.token, pair, signal);
  checkAnswer(answer);
  const identity: Identity = {
    nodeId: answer.node_id,
    meshIp: answer.mesh_ip,
    ...(answer.domain_id === undefined ? {} : { domainId: answer.domain_id }),
    dialect: 1,
    controlPlane,
    enrolledAt: isoTime(io.clock.now()),
    publicKey: pair.publicKey,
    privateKey: pair.privateKey,
    nodeSecretKey: answer.node_secret_key,
    signingPublicKey: answer.signing_public_key,
  };
  await options.forgetFormer();
  // The keys first: an identity whose keys are missing could not go on.
  await trust.save({
    current: answer.signing_public_key,
    retired: [],
    signedChange: false,
  });
  await store.save(identity);
  if (found.file !== undefined) await removeTokenFile(found.file, io);
  io.log.info("Node registered", { node_id: identity.nodeId });
  return identity;
}

async function newPair(store: IdentityPort): Promise<NodeKeyPair> {
  const pair = await createNodeKeyPair();
  await store.savePending(pair);
  return pair;
}

async function registerWithRetry(
  options: RegistrationOptions,
  token: string,
  pair: NodeKeyPair,
  signal: AbortSignal,
): Promise<RegisterResponse> {
  const { uplink, hostname, metadata = {}, maxRetryMs = 300_000, io } = options;
  const { clock, random, log } = io;
  const request: RegisterRequest = {
    token,
    public_key: pair.publicKey,
    hostname,
    ...(Object.keys(metadata).length > 0 ? { metadata: { ...metadata } } : {}),
  };
  const startedMs = clock.elapsed();
  for (let attempt = 0;; attempt++) {
    try {
      return await uplink.register(token, request, signal);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      const decision = AFTER_FAILURE[error.kind].registration;
      if (decision === "stop") {
        throw new RegistrationError("refused", refusalText(error), error);
      }
      if (clock.elapsed() - startedMs >= maxRetryMs) {
        throw new RegistrationError(
          "unreachable",
          "The control plane could not be reached in time",
          error,
        );
      }
      const wait_ms = Math.round(
        waitAfter(error, attempt, () => random.unit()),
      );
      log.warn("Registration failed, trying again", {
        attempt: attempt + 1,
        wait_ms,
        error: describeError(error),
      });
      await clock.sleep(wait_ms, signal);
    }
  }
}

/** At least the first step of the back-off: "at once" must not be a busy loop. */
function waitAfter(
  { retryAfterMs }: ControlError,
  attempt: number,
  unit: () => number,
): number {
  if (retryAfterMs === undefined) return backoffMs(attempt, unit);
  return Math.max(
    Math.min(retryAfterMs, RETRY_AFTER_CAP_MS),
    backoffMs(0, unit),
  );
}

function refusalText({ kind, status, serverText }: ControlError): string {
  const said = serverText ? ` (it said: ${serverText})` : "";
  const why = kind === "unauthorized" || kind === "forbidden"
    ? "refused the bootstrap token"
    : kind === "conflict"
    ? "says that the bootstrap token has been used"
    : "refused the registration";
  return `The control plane ${why}: status ${status}${said}`;
}

/** Nothing is stored of an answer that could not be used later. */
function checkAnswer(answer: RegisterResponse) {
  if (!importSigningKey(answer.signing_public_key)) {
    throw new RegistrationError(
      "bad_answer",
      "The control plane's answer holds no usable signing key",
    );
  }
  try {
    nodeSecretToKey(answer.node_secret_key);
    checkBearer(answer.node_secret_key);
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof RangeError)) {
      throw error;
    }
    throw new RegistrationError(
      "bad_answer",
      "The control plane's answer holds no usable node secret key",
    );
  }
  try {
    encodeSegment(answer.node_id);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new RegistrationError(
      "bad_answer",
      "The control plane's answer holds a node id that no path can carry",
    );
  }
}

async function removeTokenFile(path: string, { log }: Platform) {
  try {
    await Deno.remove(path);
  } catch (error) {
    log.warn("The used bootstrap token's file could not be removed", {
      path,
      error: describeError(error),
    });
  }
}
