import { type Clock, isoTime } from "../platform/clock.ts";
import type { AuditRecord } from "./audit_trail.ts";

/** Somebody asked for the value of a secret, as the local API tells it. */
interface SecretRead {
  /** The secret's name. */
  readonly key: string;
  /** Where the request came in: a socket's path or an address. */
  readonly listener: string;
  /** The HTTP status of the answer: 200 when the value was given. */
  readonly status: number;
}

/** Reads of one kind that are told one by one, in each minute. */
const TOLD_OF_A_KIND = 10;

/** Reads of all kinds that are. */
const TOLD_OF_ALL = 100;

const MINUTE_MS = 60_000;

/** Kinds of reads that are counted apart. */
const MOST_KINDS = 256;

/** Reads of one name at one listener that ended alike. */
interface Kind {
  /** Undefined: of many names, which are more than can be counted apart. */
  readonly read: SecretRead | Omit<SecretRead, "key">;
  beganMs: number;
  told: number;
  /** Those since the last record. */
  merged: { count: number; firstMs: number; lastMs: number } | undefined;
}

/**
 * Makes audit records of reads of secrets: one for each, until there are many
 * alike; then one for all of them with their count, at each flush. So a program
 * that reads in a loop, or guesses names, leaves room for what others did. What is
 * kept is bounded, whatever names are asked for.
 */
export class SecretReadLog {
  readonly #record: (record: AuditRecord) => void;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();
  /** Those told one by one in this minute. */
  #told = 0;
  #beganMs = -Infinity;

  constructor(record: (record: AuditRecord) => void, clock: Clock) {
    this.#record = record;
    this.#clock = clock;
  }

  /** Notes a read. */
  note(read: SecretRead): void {
    const nowMs = this.#clock.elapsed();
    if (nowMs - this.#beganMs >= MINUTE_MS) {
      this.#beganMs = nowMs;
      this.#told = 0;
    }
    const kind = this.#kindOf(read, nowMs);
    if (nowMs - kind.beganMs >= MINUTE_MS) {
      kind.beganMs = nowMs;
      kind.told = 0;
    }
    if (
      "key" in kind.read && !kind.merged &&
      kind.told < TOLD_OF_A_KIND && this.#told < TOLD_OF_ALL
    ) {
      kind.told++;
      this.#told++;
      this.#record(recordOf(kind.read, {}));
      return;
    }
    const atMs = this.#clock.now();
    kind.merged ??= { count: 0, firstMs: atMs, lastMs: atMs };
    kind.merged.count++;
    kind.merged.lastMs = atMs;
  }

  /** Records what has been merged so far, as before records are sent. */
  flush(): void {
    const nowMs = this.#clock.elapsed();
    for (const [id, kind] of this.#kinds) {
      const { read, merged } = kind;
      if (merged) {
        kind.merged = undefined;
        this.#record(recordOf(read, {
          count: merged.count,
          first_at: isoTime(merged.firstMs),
          last_at: isoTime(merged.lastMs),
        }));
      } else if (nowMs - kind.beganMs >= MINUTE_MS) this.#kinds.delete(id);
    }
  }

  #kindOf(read: SecretRead, beganMs: number): Kind {
    const { key, listener, status } = read;
    const id = JSON.stringify([listener, status, key]);
    return this.#kinds.get(id) ??
      (this.#kinds.size < MOST_KINDS
        ? this.#begin(id, read, beganMs)
        // There are few listeners and statuses.
        : this.#others({ listener, status }, beganMs));
  }

  #others(read: Omit<SecretRead, "key">, beganMs: number): Kind {
    const id = JSON.stringify([read.listener, read.status]);
    return this.#kinds.get(id) ?? this.#begin(id, read, beganMs);
  }

  #begin(id: string, read: Kind["read"], beganMs: number): Kind {
    const kind = { read, beganMs, told: 0, merged: undefined };
    this.#kinds.set(id, kind);
    return kind;
  }
}

/** A record without a name is about many names. */
function recordOf(
  read: Kind["read"],
  merged: Readonly<Record<string, unknown>>,
): AuditRecord {
  const { listener, status } = read;
  return {
    eventType: "secret_read",
    action: "read",
    subject: { type: "local_program", listener },
    object: {
      type: "secret",
      ...("key" in read ? { key: read.key } : {}),
      status,
      ...merged,
    },
    result: status === 200 ? "success" : "failure",
  };
}
