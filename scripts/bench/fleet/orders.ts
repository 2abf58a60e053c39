import type { Target } from "./raw_connection.ts";
import type { SimulatedNode } from "./requests.ts";

/** Whom a part of the fleet talks to, and as which nodes. */
interface Calls {
  readonly target: Target;
  readonly nodes: readonly SimulatedNode[];
}

/** How much load is put on. */
interface Load {
  readonly connections: number;
  readonly ms: number;
}

/** What the process that plays the fleet can be told to do. */
export interface Orders {
  /** Opens streams beside those that are open. */
  open(details: Calls): Promise<{ readonly open: number }>;
  /** Closes all streams. */
  close(details: Record<string, never>): Promise<Record<string, never>>;
  /**
   * Makes changes, and measures until each open stream has been told, in ms.
   * Without a `changer` a bare server is told to send as many bytes.
   */
  fanOut(details: {
    readonly target: Target;
    readonly rounds: number;
    readonly changer?: SimulatedNode;
    readonly bytes: number;
  }): Promise<
    { readonly p50: number; readonly p99: number; readonly bytes: number }
  >;
  /** @param details.bytes Asked of a bare server, which knows no states. */
  pulls(
    details: Calls & Load & {
      readonly withEtag: boolean;
      readonly bytes?: number;
    },
  ): Promise<{ readonly rate: number; readonly bytes: number }>;
  heartbeats(details: Calls & Load): Promise<{ readonly rate: number }>;
  registrations(details: {
    readonly target: Target;
    readonly tokens: readonly string[];
    readonly connections: number;
  }): Promise<{ readonly rate: number }>;
  /** Opens streams that come back by themselves when the server goes. */
  prepareReturn(details: Calls): Promise<Record<string, never>>;
  /** Resolves when all are back and current. */
  awaitReturn(details: Record<string, never>): Promise<Return>;
}

/** How a fleet came back. */
export interface Return {
  /** Most streams opened within one second, over the mean of all seconds. */
  readonly peakOverMean: number;
  /** From the end of the first stream until the last node was current, in s. */
  readonly seconds: number;
  /** Attempts that found no server, or one that did not serve yet. */
  readonly failed: number;
}

/** One order as it travels. */
export type Order = {
  [Name in keyof Orders]: {
    readonly name: Name;
    readonly with: Parameters<Orders[Name]>[0];
  };
}[keyof Orders];
