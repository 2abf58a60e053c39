import { isoTime } from "../platform/clock.ts";
import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import type { Identity, PendingRegistration } from "../store/identity.ts";
import type { KeyringRecord } from "../store/trust_store.ts";
import { createNodeKeyPair } from "../trust/node_keys.ts";
import { actionAfter } from "../uplink/after_failure.ts";
import { backoffMs, RETRY_AFTER_CAP_MS } from "../uplink/backoff.ts";
import { ControlError } from "../uplink/control_error.ts";
import type { Dialect } from "../wire/dialect.ts";
import {
  type AnnouncedTrust,
  checkAnswer,
  refusalOf,
  type RegistrationAnswer,
  RegistrationError,
} from "./registration_answer.ts";
import {
  isForDialect2,
  registrationDialect,
  type Resource,
} from "./registration_dialect.ts";
import {
  askInDialect1,
  askInDialect2,
  type AskToRegister,
  type RegistrationUplink,
} from "./registration_requests.ts";
import { removeTokenFile } from "./remove_token_file.ts";
import type { FoundToken } from "./token_sources.ts";

/** Where the identity is kept. */
export interface IdentityPort {
  load(): Promise<Identity | undefined>;
  loadPending(): Promise<PendingRegistration | undefined>;
  savePending(pending: PendingRegistration): Promise<void>;
  save(identity: Identity): Promise<void>;
}

/** Where the keys that sign events are kept. */
export interface RegistrationTrust {
  save(keys: KeyringRecord): Promise<void>;
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
  /** Keeps what is announced of signed states: called after `forgetFormer`. */
  readonly pinTrust: (announced: AnnouncedTrust) => Promise<void>;
  readonly controlPlane: string;
  /** @default {"auto"} by the form of the token. */
  readonly dialect?: Dialect | "auto";
  /** What to register as in dialect 2, which cannot do without. */
  readonly resource?: Resource;
  /** Sent in dialect 1 only, as is `metadata`. */
  readonly hostname: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Whether a person waits for the outcome: what will not end differently by
   * itself is then told at once, where the wire would have it tried again.
   * @default {false}
   */
  readonly attended?: boolean;
  /** How long joining is tried. @default {300000} */
  readonly maxRetryMs?: number;
  readonly io: Platform;
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
 * @throws {TypeError} when dialect 2 is asked for without a `resource`.
 * @see docs/wire.md, sections c.3 and h.3; design, section 6
 */
export async function register(
  options: RegistrationOptions,
  signal: AbortSignal,
): Promise<Identity> {
  const { identity: store, trust, controlPlane, io } = options;
  const { dialect: wanted = "auto", resource } = options;
  const found = await options.findToken(signal);
  const dialect = registrationDialect(wanted, found.token, resource);
  if (dialect === 1 && wanted === "auto" && isForDialect2(found.token)) {
    io.log.warn(
      "The bootstrap token is one of dialect 2, but joining in it needs " +
        "registration.project_id and registration.resource_handle: " +
        "trying dialect 1",
    );
  }
  const pending = await store.loadPending() ?? await newPending(store, io);
  const ask = askIn(dialect, options, found.token, pending);
  const answer = await askWithRetry(ask, dialect, options, signal);
  checkAnswer(dialect, answer);
  const { announced, ...issued } = answer;
  const identity: Identity = {
    ...issued,
    dialect,
    controlPlane,
    enrolledAt: isoTime(io.clock.now()),
    publicKey: pending.publicKey,
    privateKey: pending.privateKey,
  };
  await options.forgetFormer();
  // The keys first: an identity whose keys are missing could not go on.
  await trust.save(keyringOf(answer));
  await options.pinTrust(announced);
  await store.save(identity);
  if (found.file !== undefined) await removeTokenFile(found.file, io.log);
  io.log.info("Node registered", { node_id: identity.nodeId, dialect });
  return identity;
}

function keyringOf(answer: RegistrationAnswer): KeyringRecord {
  const { signingPublicKey, signingKeyId } = answer;
  return {
    current: signingPublicKey,
    ...(signingKeyId === undefined ? {} : { currentId: signingKeyId }),
    retired: [],
    signedChange: false,
  };
}

const NONCE_SEED_BYTES = 16;

async function newPending(
  store: IdentityPort,
  { random }: Platform,
): Promise<PendingRegistration> {
  const pair = await createNodeKeyPair();
  const nonceSeed = random.bytes(NONCE_SEED_BYTES).toHex();
  const pending = { ...pair, nonceSeed };
  await store.savePending(pending);
  return pending;
}

function askIn(
  dialect: Dialect,
  options: RegistrationOptions,
  token: string,
  pending: PendingRegistration,
): AskToRegister {
  const { uplink, resource } = options;
  if (dialect === 1) return askInDialect1(uplink, token, pending, options);
  if (resource) return askInDialect2(uplink, token, pending, resource);
  throw new TypeError("Cannot register in dialect 2 without a resource");
}

async function askWithRetry(
  ask: AskToRegister,
  dialect: Dialect,
  { maxRetryMs = 300_000, attended = false, io }: RegistrationOptions,
  signal: AbortSignal,
): Promise<RegistrationAnswer> {
  const { clock, random, log } = io;
  const startedMs = clock.elapsed();
  for (let attempt = 0;; attempt++) {
    try {
      return await ask(signal);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      if (actionAfter("register", error, dialect) === "stop") {
        throw refusalOf(error);
      }
      if (attended && isLasting(error)) {
        throw new RegistrationError(
          "bad_answer",
          "The control plane cannot be joined this way",
          error,
        );
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

/** Whether somebody has to change something before it can end differently. */
function isLasting(error: ControlError): boolean {
  const { kind, status } = error;
  return kind === "unexpected_status" && status !== 408 ||
    kind === "too_large" || kind === "bad_answer" || status === 501 ||
    kind === "unreachable" && /certificate/i.test(describeError(error));
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
