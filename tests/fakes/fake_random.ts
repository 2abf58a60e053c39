import type { Random } from "../../src/platform/random.ts";

/** Predictable chance: `unit()` is the middle, so jitter vanishes; bytes count up. */
export class FakeRandom implements Random {
  #next = 1;

  constructor(readonly middle = 0.5) {}

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.#next++ & 0xff);
  }

  unit(): number {
    return this.middle;
  }
}
