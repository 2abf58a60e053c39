import { isIPv4 } from "node:net";

/** An IPv4 network, as numbers. */
export interface MeshNetwork {
  /** First address. */
  readonly first: number;
  /** How many addresses there are. */
  readonly size: number;
}

/** Larger ones are whole continents, smaller ones have no two hosts. */
const MIN_BITS = 8;
const MAX_BITS = 30;

/**
 * Reads a network such as `10.42.0.0/16`.
 *
 * @returns undefined unless it is one of 8 to 30 bits, named by its first
 * address.
 */
export function parseNetwork(text: string): MeshNetwork | undefined {
  const [, address = "", digits = ""] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ??
    [];
  const bits = Number(digits);
  if (!isIPv4(address) || bits < MIN_BITS || bits > MAX_BITS) return undefined;
  const first = numberOf(address);
  const size = 2 ** (32 - bits);
  return first % size === 0 ? { first, size } : undefined;
}

/** Whether two networks have an address in common. */
export function overlap(one: MeshNetwork, two: MeshNetwork): boolean {
  return one.first < two.first + two.size && two.first < one.first + one.size;
}

/**
 * The lowest address of a host that is not taken; undefined when there is none.
 * Neither the address of the network nor the one for all of it is a host's.
 */
export function freeHost(
  { first, size }: MeshNetwork,
  taken: ReadonlySet<string>,
): string | undefined {
  for (let at = first + 1; at < first + size - 1; at++) {
    const address = textOf(at);
    if (!taken.has(address)) return address;
  }
  return undefined;
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256)
    .join(".");
}
