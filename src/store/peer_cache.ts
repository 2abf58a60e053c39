import * as z from "zod/mini";
import { checkShape } from "../wire/shape_error.ts";
import { CacheFile, type CacheForm } from "./cache_file.ts";
import type { StoreContext } from "./store_context.ts";

/** Path of the observations, below the membership's folder. */
export const OBSERVATIONS_FILE = "peers/observations.json";

/** How long an observation is worth something: a day. */
export const OBSERVATION_LIFETIME_MS = 24 * 3_600_000;

/** Tries of which loss is told. */
export const TRIES_KEPT = 20;

/** Failures that are kept of each peer. */
export const FAILURES_KEPT = 8;

/** Why a peer did not answer. */
export const FAILURE_REASONS = ["timeout", "unreachable", "error"] as const;
export type FailureReason = typeof FAILURE_REASONS[number];

/**
 * How a peer was found to be. A hint: it grants nothing and decides nothing
 * that is not decided anew. Times are ms since the Unix epoch.
 *
 * @see seed Node Local State Store, section 4 "Peer Cache"
 */
export interface PeerObservation {
  readonly peerId: string;
  readonly lastTriedMs: number;
  /** Absent when it never answered. */
  readonly lastSuccessMs?: number;
  /** Smoothed time of an answer in ms; absent when it never answered. */
  readonly latencyMs?: number;
  /** The last tries, oldest first: `1` for an answer, `0` for none. */
  readonly tries: string;
  /** From 0, never answers, to 1; later tries count more. */
  readonly score: number;
  /** Newest last. */
  readonly failures: readonly {
    readonly atMs: number;
    readonly reason: FailureReason;
  }[];
  /** State of this node when the peer answered last. */
  readonly configVersion?: { readonly epoch: number; readonly version: number };
}

/** Share of the last tries that were not answered, 0 to 1. */
export function lossOf({ tries }: PeerObservation): number {
  return tries.length === 0
    ? 0
    : [...tries].filter((one) => one === "0").length / tries.length;
}

const ms = z.int().check(z.nonnegative());
const counter = z.int().check(z.positive());
const observationsSchema = z.array(z.object({
  peer_id: z.string(),
  last_tried_ms: ms,
  last_success_ms: z.optional(ms),
  latency_ms: z.optional(z.number().check(z.nonnegative())),
  tries: z.string().check(z.regex(/^[01]{1,20}$/)),
  score: z.number().check(z.minimum(0), z.maximum(1)),
  failures: z.array(z.object({
    at_ms: ms,
    reason: z.enum(FAILURE_REASONS),
  })).check(z.maxLength(FAILURES_KEPT)),
  config_version: z.optional(z.object({ epoch: counter, version: counter })),
}));
type Stored = z.infer<typeof observationsSchema>[number];

export const OBSERVATIONS_FORM: CacheForm<PeerObservation> = {
  file: OBSERVATIONS_FILE,
  what: "what was observed of peers",
  formats: [
    (entries) =>
      checkShape("observations", observationsSchema, entries).map(fromStored),
  ],
  members: toStored,
  maxEntries: 10_000,
  maxBytes: 4 * 1024 * 1024,
};

/**
 * What was observed of peers: taken in memory, stored when it is told to. Absent
 * is what was not observed; nothing is guessed.
 */
export class PeerCache {
  readonly #file: CacheFile<PeerObservation>;
  readonly #observations: Map<string, PeerObservation>;
  /** Peers that were offered to the disk, which may have had no room. */
  #offered: ReadonlySet<string>;

  private constructor(file: CacheFile<PeerObservation>) {
    this.#file = file;
    this.#observations = new Map(
      file.entries.map((entry) => [entry.peerId, entry]),
    );
    this.#offered = new Set(this.#observations.keys());
  }

  static open(context: StoreContext): PeerCache {
    return new PeerCache(CacheFile.open(context, OBSERVATIONS_FORM));
  }

  get size(): number {
    return this.#observations.size;
  }

  /** Whether there is a peer of which nothing was ever stored. */
  get hasNew(): boolean {
    return this.#observations.keys().some((id) => !this.#offered.has(id));
  }

  get(peerId: string): PeerObservation | undefined {
    return this.#observations.get(peerId);
  }

  /** Takes what was observed, in memory only. */
  note(observation: PeerObservation): void {
    this.#observations.set(observation.peerId, observation);
  }

  /**
   * Forgets what is too old, what is dated ahead by more than that, and what is
   * of nobody in the directory.
   *
   * @param isPeer Whether a node is in the directory.
   */
  prune(nowMs: number, isPeer: (id: string) => boolean): void {
    for (const [id, { lastTriedMs }] of this.#observations) {
      const ageMs = Math.abs(nowMs - lastTriedMs);
      if (ageMs < OBSERVATION_LIFETIME_MS && isPeer(id)) continue;
      this.#observations.delete(id);
    }
  }

  /**
   * Stores what is known, if it is not on disk yet; beyond the bounds those that
   * were tried last.
   *
   * @throws {StoreWriteError}
   */
  async flush(): Promise<void> {
    await this.#file.save(
      [...this.#observations.values()].sort((a, b) =>
        b.lastTriedMs - a.lastTriedMs || (a.peerId < b.peerId ? -1 : 1)
      ),
    );
    this.#offered = new Set(this.#observations.keys());
  }

  /** Forgets all of them, on disk, too. @throws {StoreWriteError} */
  async forget(): Promise<void> {
    this.#observations.clear();
    await this.flush();
  }
}

function toStored(observation: PeerObservation): Stored {
  return {
    peer_id: observation.peerId,
    last_tried_ms: observation.lastTriedMs,
    last_success_ms: observation.lastSuccessMs,
    latency_ms: observation.latencyMs,
    tries: observation.tries,
    score: observation.score,
    failures: observation.failures.map(({ atMs, reason }) => ({
      at_ms: atMs,
      reason,
    })),
    config_version: observation.configVersion,
  };
}

function fromStored(stored: Stored): PeerObservation {
  const { last_success_ms, latency_ms, config_version } = stored;
  return {
    peerId: stored.peer_id,
    lastTriedMs: stored.last_tried_ms,
    ...(last_success_ms === undefined
      ? {}
      : { lastSuccessMs: last_success_ms }),
    ...(latency_ms === undefined ? {} : { latencyMs: latency_ms }),
    tries: stored.tries,
    score: stored.score,
    failures: stored.failures.map(({ at_ms, reason }) => ({
      atMs: at_ms,
      reason,
    })),
    ...(config_version ? { configVersion: config_version } : {}),
  };
}
