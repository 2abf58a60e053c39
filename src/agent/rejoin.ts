import type { Config } from "../config/settings.ts";
import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import { RegistrationError } from "../sync/registration_answer.ts";
import { type FoundToken, TokenError } from "../sync/token_sources.ts";
import { backoffMs } from "../uplink/backoff.ts";
import type { ControlClient } from "../uplink/control_client.ts";
import { forgetFormer, forgetPosition, joinWith, tokenFinder } from "./join.ts";

/** Between two looks for a token while the node has not joined, ms. */
const FIRST_LOOK_MS = 2_000;

/** What {@linkcode buildRejoin} puts together. */
export interface RejoinParts {
  readonly config: Config;
  readonly store: Membership;
  readonly client: ControlClient;
  readonly onChange: () => void;
  readonly io: Platform;
}

/** Joins anew at the configured control plane, with tokens not used before. */
export function buildRejoin(
  { config, store, client, onChange, io }: RejoinParts,
): Rejoin {
  return new Rejoin({
    findToken: (isRefused, signal) =>
      tokenFinder(
        config,
        io,
        (token) => isRefused(token) || store.spentTokens.has(token),
      )(signal),
    join: (found, leave, signal) =>
      joinWith(store, client, config, io, signal, {
        findToken: () => Promise.resolve(found),
        async forgetFormer() {
          await leave();
          const former = await store.identity.load();
          const same = former?.controlPlane === config["api.base_url"];
          await (same ? forgetPosition(store) : forgetFormer(store));
        },
      }),
    intervalMs: config["stream.reprobe_interval"],
    what: "Joining anew",
    onChange,
    io,
  });
}

/**
 * Joins for the first time, or after the credentials were taken away: looks for
 * a token every few seconds, so that a file which is put in place is enough.
 */
export function buildJoining(
  { config, store, client, onChange, io }: RejoinParts,
): Rejoin {
  return new Rejoin({
    findToken: (isRefused, signal) =>
      tokenFinder(
        config,
        io,
        (token) =>
          isRefused(token) ||
          store.credentials.isSignedOff && store.spentTokens.has(token),
      )(signal),
    join: (found, leave, signal) =>
      joinWith(store, client, config, io, signal, {
        findToken: () => Promise.resolve(found),
        async forgetFormer() {
          await leave();
          await forgetFormer(store);
        },
      }),
    intervalMs: FIRST_LOOK_MS,
    what: "Joining",
    onChange,
    io,
  });
}

/** Options for {@linkcode Rejoin}. */
export interface RejoinOptions {
  /**
   * Looks for a token, but for those that `isSpent` names.
   *
   * @throws {TokenError} kind "none" when there is none.
   */
  readonly findToken: (
    isSpent: (token: string) => boolean,
    signal: AbortSignal,
  ) => Promise<FoundToken>;
  /**
   * Joins anew.
   *
   * @param leave To be awaited when the new identity is certain, before
   * anything is stored: it ends all work under the former one.
   */
  readonly join: (
    found: FoundToken,
    leave: () => Promise<void>,
    signal: AbortSignal,
  ) => Promise<Identity>;
  /** Time between two looks for a token. */
  readonly intervalMs: number;
  /** What is done, as the log names it. */
  readonly what: "Joining" | "Joining anew";
  /** Called when there is news about the next look. */
  readonly onChange: () => void;
  readonly io: Platform;
}

/** Joining anew that a person asked for. */
interface Asked {
  readonly token: string;
  readonly resolve: (identity: Identity) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Joins anew when the control plane does not know this node any more, once with
 * each fresh token. Without one it looks again at intervals; the agent goes on
 * meanwhile.
 *
 * Lives as long as the agent: after it has joined, it looks at the next refusal
 * no earlier than an interval later, whatever a control plane answers.
 *
 * @see docs/wire.md, section c.5
 */
export class Rejoin {
  readonly #options: RejoinOptions;
  /** Tokens that were refused. */
  readonly #refused = new Set<string>();
  /** Found, but the control plane could not be asked; an environment gives once. */
  #kept: FoundToken | undefined;
  #wanted = false;
  #asked: Asked | undefined;
  #wake: (() => void) | undefined;
  /** Monotonic time of the earliest next look. */
  #earliestMs = -Infinity;
  #nextTryMs: number | undefined;
  #outcome: string | undefined;

  constructor(options: RejoinOptions) {
    this.#options = options;
  }

  /** Monotonic: when it looks again; undefined while it need not. */
  get nextTryMs(): number | undefined {
    return this.#nextTryMs;
  }

  /** What came of the last look, in words for people. */
  get outcome(): string | undefined {
    return this.#outcome;
  }

  /** Whether the control plane says that it does not know this node. */
  want(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (!wanted) {
      this.#nextTryMs = undefined;
      this.#outcome = undefined;
    }
    this.#wake?.();
  }

  /**
   * Joins anew with this token, at once and whatever the control plane says of
   * the present identity, which stays in use when it fails.
   *
   * @param stop Aborts when the agent is to end.
   * @throws {RegistrationError | StoreWriteError}
   */
  joinNow(token: string, stop: AbortSignal): Promise<Identity> {
    const { promise, resolve, reject } = Promise.withResolvers<Identity>();
    const asked = { token, resolve, reject };
    this.#asked = asked;
    const abandon = () => {
      // Once it has begun, what comes of it is the answer.
      if (this.#asked === asked) reject(stop.reason);
    };
    stop.addEventListener("abort", abandon, { once: true });
    this.#wake?.();
    return promise.finally(() => {
      stop.removeEventListener("abort", abandon);
      if (this.#asked === asked) this.#asked = undefined;
    });
  }

  /**
   * Works until `signal` aborts or the node has left its former identity.
   *
   * @param leave Ends all work under the former identity.
   * @returns whether it has: then the stored identity is to be loaded anew,
   * which is the former one if the new one could not be stored. Never rejects.
   */
  async run(leave: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    let left = false;
    const leaving = () => {
      left = true;
      return leave();
    };
    try {
      while (!left) {
        await this.#untilDue(signal);
        await this.#look(leaving, signal);
      }
    } catch {
      // Aborted.
    }
    return left;
  }

  /**
   * One look for a token before anything works; without an outcome when there
   * is none. What fails is for {@linkcode outcome} and for {@linkcode run}.
   *
   * @throws when `signal` aborts.
   */
  async once(signal: AbortSignal): Promise<void> {
    await this.#look(() => Promise.resolve(), signal);
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.io;
    for (;;) {
      const early = this.#earliestMs - clock.elapsed();
      if (this.#asked || this.#wanted && early <= 0) return;
      const woken = new AbortController();
      const either = AbortSignal.any([signal, woken.signal]);
      this.#wake = () => woken.abort();
      if (this.#wanted) {
        this.#nextTryMs = this.#earliestMs;
        this.#options.onChange();
      }
      try {
        await clock.sleep(this.#wanted ? early : FOREVER_MS, either);
      } catch {
        signal.throwIfAborted();
      } finally {
        this.#wake = undefined;
      }
    }
  }

  async #look(leave: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { join, intervalMs, what, io } = this.#options;
    const asked = this.#asked;
    this.#asked = undefined;
    let found: FoundToken | undefined;
    try {
      found = asked ? { token: asked.token } : await this.#find(signal);
      if (!asked) this.#kept = found;
      io.log.info(`${what}, with a fresh bootstrap token`);
      const identity = await join(found, leave, signal);
      const { nodeId } = identity;
      this.#kept = undefined;
      this.#outcome = undefined;
      this.#wanted = false;
      io.log.info("Joined", { node_id: nodeId });
      asked?.resolve(identity);
    } catch (error) {
      asked?.reject(signal.aborted ? signal.reason : error);
      signal.throwIfAborted();
      this.#note(error, found);
    } finally {
      this.#nextTryMs = undefined;
      const unit = () => io.random.unit();
      this.#earliestMs = io.clock.elapsed() +
        backoffMs(0, unit, { baseMs: intervalMs, maxMs: intervalMs });
    }
  }

  async #find(signal: AbortSignal): Promise<FoundToken> {
    const isRefused = (token: string) => this.#refused.has(token);
    try {
      return await this.#options.findToken(isRefused, signal);
    } catch (error) {
      const none = error instanceof TokenError && error.kind === "none";
      if (none && this.#kept) return this.#kept;
      throw error;
    }
  }

  #note(error: unknown, found: FoundToken | undefined) {
    const { what, io: { log } } = this.#options;
    if (error instanceof TokenError && error.kind === "none") {
      // What became of the last one is worth more.
      this.#outcome ??= "there is no fresh bootstrap token to join with";
      log.debug("No fresh bootstrap token");
      return;
    }
    const former = this.#outcome;
    this.#outcome = `${what.toLowerCase()} failed: ${describeError(error)}`;
    // A file that cannot be read is looked at again and again.
    const level = this.#outcome === former ? "debug" : "warn";
    log[level](`${what} failed`, { error: describeError(error) });
    const again = !(error instanceof RegistrationError) ||
      error.kind === "unreachable";
    if (again || !found) return;
    this.#refused.add(found.token);
    this.#kept = undefined;
  }
}

/** Until something wakes it: a day is as good as any. */
const FOREVER_MS = 86_400_000;

/**
 * Works until `stop` aborts, or until the node has left its identity.
 *
 * @param work Settles only when nothing works under the identity any more.
 * @returns whether the node has left it.
 * @throws what `work` throws.
 */
export async function runUntilRejoined(
  work: (stop: AbortSignal) => Promise<void>,
  rejoin: Pick<Rejoin, "run">,
  stop: AbortSignal,
): Promise<boolean> {
  const left = new AbortController();
  const over = new AbortController();
  const working = work(AbortSignal.any([stop, left.signal]))
    .finally(() => over.abort());
  const leave = async () => {
    left.abort();
    await working;
  };
  const rejoining = rejoin.run(leave, AbortSignal.any([stop, over.signal]));
  const [worked, hasLeft] = await Promise.allSettled([working, rejoining]);
  if (worked.status === "rejected") throw worked.reason;
  return hasLeft.status === "fulfilled" && hasLeft.value;
}
