/** A nonce that was accepted, and the time its event was issued. */
export interface SeenNonce {
  readonly nonce: string;
  /** Ms since the Unix epoch. */
  readonly issuedAtMs: number;
}

/** Options for {@linkcode ReplayWindow}. */
export interface ReplayWindowOptions {
  /** Most nonces kept. @default {200_000} */
  readonly maxEntries?: number;
}

/**
 * Age at which an event is refused for its age alone, so its nonce is of no
 * more use. An event may be dated as far ahead: a nonce lives up to twice this.
 */
export const EVENT_WINDOW_MS = 300_000;

/** Nonces are dropped by the second of issue, oldest first, in one go. */
const BUCKET_MS = 1_000;

/**
 * The nonces of accepted events.
 *
 * Holds at any time: an event issued at or before `floorMs` is refused as
 * stale, and every accepted nonce above it is remembered. So neither a full
 * window nor a clock that jumps ahead and back lets an event in twice.
 *
 * @see docs/wire.md, section b.3
 */
export class ReplayWindow {
  readonly #maxEntries: number;
  readonly #issuedAt = new Map<string, number>();
  readonly #buckets = new Map<number, Set<string>>();
  #floorMs = -Infinity;
  #prunedBucket = -Infinity;

  /** @throws {RangeError} unless `maxEntries` is at least 1. */
  constructor(
    entries: Iterable<SeenNonce> = [],
    options: ReplayWindowOptions = {},
  ) {
    const { maxEntries = 200_000 } = options;
    if (!(maxEntries >= 1)) {
      throw new RangeError(
        `Cannot keep nonces as "maxEntries" must be >= 1: current value is ${maxEntries}`,
      );
    }
    this.#maxEntries = maxEntries;
    for (const { nonce, issuedAtMs } of entries) this.#add(nonce, issuedAtMs);
  }

  /** Events issued at or before this moment are refused. Ms since the epoch. */
  get floorMs(): number {
    return this.#floorMs;
  }

  get size(): number {
    return this.#issuedAt.size;
  }

  has(nonce: string): boolean {
    return this.#issuedAt.has(nonce);
  }

  remember(nonce: string, issuedAtMs: number, nowMs: number): void {
    this.#prune(nowMs);
    this.#add(nonce, issuedAtMs);
  }

  /** Takes a nonce back whose event had no effect, so that it may come again. */
  forget(nonce: string): void {
    const issuedAtMs = this.#issuedAt.get(nonce);
    if (issuedAtMs === undefined) return;
    this.#issuedAt.delete(nonce);
    const bucket = bucketOf(issuedAtMs);
    const nonces = this.#buckets.get(bucket);
    nonces?.delete(nonce);
    if (nonces?.size === 0) this.#buckets.delete(bucket);
  }

  #add(nonce: string, issuedAtMs: number) {
    if (issuedAtMs <= this.#floorMs || this.#issuedAt.has(nonce)) return;
    const bucket = bucketOf(issuedAtMs);
    const nonces = this.#buckets.get(bucket);
    if (nonces) nonces.add(nonce);
    else this.#buckets.set(bucket, new Set([nonce]));
    this.#issuedAt.set(nonce, issuedAtMs);
    while (this.#issuedAt.size > this.#maxEntries) {
      this.#drop(Math.min(...this.#buckets.keys()));
    }
  }

  #prune(nowMs: number) {
    const oldest = bucketOf(nowMs - EVENT_WINDOW_MS);
    // Looking through the buckets once a second is often enough.
    if (oldest === this.#prunedBucket) return;
    this.#prunedBucket = oldest;
    for (const bucket of this.#buckets.keys()) {
      if (bucket < oldest) this.#drop(bucket);
    }
  }

  #drop(bucket: number) {
    for (const nonce of this.#buckets.get(bucket) ?? []) {
      const issuedAtMs = this.#issuedAt.get(nonce) ?? -Infinity;
      this.#floorMs = Math.max(this.#floorMs, issuedAtMs);
      this.#issuedAt.delete(nonce);
    }
    this.#buckets.delete(bucket);
  }
}

function bucketOf(ms: number): number {
  return Math.floor(ms / BUCKET_MS);
}
