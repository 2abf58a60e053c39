import type { LoadResult } from "./load.ts";
import { type Measured, mediansOf, type Subject, type Turns } from "./row.ts";

/** Connections at a time: a program, a busy node, and more than a node has. */
export const CONNECTIONS = [1, 16, 128] as const;

/** What is told of a load: names and units as rows have them. */
const QUANTITIES = [
  ["rate", "", "/s", ({ rate }: LoadResult) => rate],
  ["p50", ", p50", "ms", ({ p50Ms }: LoadResult) => p50Ms],
  ["p99", ", p99", "ms", ({ p99Ms }: LoadResult) => p99Ms],
  ["cpu", ", CPU of one", "µs", ({ cpuUs }: LoadResult) => cpuUs],
] as const;

/** A row for each quantity of a load. */
export function subjectsOf(name: string, what: string): Subject[] {
  return QUANTITIES.map(([quantity, ofIt, unit]) => ({
    name: `${name}-${quantity}`,
    what: what + ofIt,
    unit,
  }));
}

/** The figures of those rows, in their order. */
export function measuredOf(turns: Turns<LoadResult>): Measured[] {
  return QUANTITIES.map(([, , , of]) => mediansOf(turns, of));
}

/** Connections in words. */
export function clients(connections: number): string {
  return connections === 1 ? "1 connection" : `${connections} connections`;
}
