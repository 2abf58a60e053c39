/** Which nodes read their events from the message bus. */
import type { Dialect } from "../../wire/dialect.ts";
import type { Eventual } from "./eventual.ts";

/** A node that has credentials for the message bus. */
export interface BusReader {
  readonly nodeId: string;
  readonly domainId: string;
  readonly dialect: Dialect;
  /** Sequence of the last event before it became one. */
  readonly since: number;
  /** When the credentials that it was given last expire. */
  readonly expiresAtMs: number;
}

export interface BusReaderRows {
  /** Those whose key counts. */
  all(): Eventual<BusReader[]>;
  /**
   * Notes a reader, or a later expiry of one that is known.
   *
   * @returns false when there is no such node, or its key does not count.
   */
  keep(
    reader: Pick<BusReader, "nodeId" | "since" | "expiresAtMs">,
  ): Eventual<boolean>;
  remove(nodeId: string): Eventual<void>;
}
