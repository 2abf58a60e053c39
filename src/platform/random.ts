import type { Clock } from "./clock.ts";

/** Chance, as everything in plexd sees it; tests hand in a predictable one. */
export interface Random {
  /** `length` unpredictable bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
  /** A number in [0, 1), for jitter only. */
  unit(): number;
}

/** The operating system's randomness. */
export const systemRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  unit: () => Math.random(),
};

/** A new UUIDv7: sortable by time. @see RFC 9562, section 5.7 */
export function uuidV7(clock: Clock, random: Random): string {
  const bytes = random.bytes(16);
  const view = new DataView(bytes.buffer);
  const now = clock.now();
  view.setUint16(0, Math.floor(now / 2 ** 32));
  view.setUint32(2, now % 2 ** 32);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  return uuidText(bytes);
}

/** Text form of the 16 bytes of a UUID, in lower case. */
export function uuidText(bytes: Uint8Array): string {
  const hex = bytes.toHex();
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
