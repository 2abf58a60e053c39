import assert from "node:assert/strict";
import {
  decodeEntryFile,
  encodeEntryFile,
} from "../../src/store/entry_file.ts";
import { newLog, readLog } from "../../src/store/receipt_log.ts";
import { sealKeyFrom } from "../../src/store/seal_key.ts";
import { seal, unseal } from "../../src/store/sealed_file.ts";
import { decodeSums, encodeSums } from "../../src/store/state_sums.ts";
import { checkSum, withSum } from "../../src/store/summed_json.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { entry } from "./open_store.ts";

/** Every flipped bit and every missing end. */
function* damaged(
  whole: Uint8Array<ArrayBuffer>,
): Generator<[string, Uint8Array<ArrayBuffer>]> {
  for (let at = 0; at < whole.length; at++) {
    yield [`cut to ${at}`, whole.slice(0, at)];
    for (let bit = 0; bit < 8; bit++) {
      const bytes = whole.slice();
      bytes[at]! ^= 1 << bit;
      yield [`bit ${bit} of byte ${at}`, bytes];
    }
  }
  yield ["one byte more", new Uint8Array([...whole, 0x0a])];
}

const place = { cluster: "default", role: "private_key" } as const;
const key = await sealKeyFrom(new Uint8Array(32).fill(7), "file");
const sum = "0".repeat(64);

const cases = [
  {
    what: "a data entry",
    bytes: encodeEntryFile(entry("k\u00e9y", `{"a":"\u{1f600}\\n"}`)).bytes,
    reads: (bytes: Uint8Array<ArrayBuffer>) => decodeEntryFile(bytes),
  },
  {
    what: "a JSON object with its sum",
    bytes: withSum(`{"a":[1,2]}`).bytes,
    reads: (bytes: Uint8Array<ArrayBuffer>) => checkSum(bytes),
  },
  {
    what: "the sums of a state",
    bytes: encodeSums({
      position: { epoch: 3, version: 4 },
      complete: true,
      parts: { metadata: sum, secrets: null, directory: sum, services: sum },
      data: { count: 1, digest: sum },
      redo: [{ file: "state/data/a.json", old: null, text: "x\n" }],
    }),
    reads: (bytes: Uint8Array<ArrayBuffer>) => decodeSums(bytes),
  },
];
for (const { what, bytes, reads } of cases) {
  Deno.test(`every flipped bit and every missing end of ${what} is noticed`, () => {
    assert.notEqual(reads(bytes), undefined);
    for (const [how, copy] of damaged(bytes)) {
      assert.equal(reads(copy), undefined, how);
    }
  });
}

Deno.test("every flipped bit and every missing end of a sealed file is noticed", async () => {
  const secret = new TextEncoder().encode("secret");
  const bytes = await seal(key, place, secret, new FakeRandom());
  assert.deepEqual(await unseal(key, place, bytes), secret);
  for (const [how, copy] of damaged(bytes)) {
    await assert.rejects(unseal(key, place, copy), (error) => {
      assert.ok(error instanceof Error);
      return /^(?:DamagedSealError|SealKeyError)$/.test(error.name);
    }, how);
  }
});

Deno.test("every flipped bit of the lines of a log, and every missing end, is noticed", () => {
  const receipt = {
    eventId: "e",
    type: "t",
    nonce: "n",
    issuedAtMs: 1,
    cursor: "7",
  };
  const { bytes, end } = newLog([
    { receipt },
    { summary: { cursor: "7", issued: [["t", 1]] } },
  ]);
  assert.equal(readLog(bytes).fault, undefined);
  assert.equal(readLog(bytes).end, end);
  for (let at = 0; at < bytes.length; at += at < end ? 1 : 997) {
    const flipped = bytes.slice();
    flipped[at]! ^= 1 << (at % 8);
    assert.notEqual(readLog(flipped).fault, undefined, `byte ${at}`);
    assert.notEqual(readLog(bytes.slice(0, at)).fault, undefined, `to ${at}`);
  }
});

Deno.test("readLog() uses the sound lines around a damaged one", () => {
  const receipts = ["a", "b", "c"].map((eventId) => ({
    receipt: { eventId, type: "t", nonce: eventId, issuedAtMs: 1 },
  }));
  const { bytes } = newLog(receipts);
  const text = new TextDecoder().decode(bytes);
  bytes[text.indexOf(`"id":"b"`) + 6] = 0x78;
  const { records, fault } = readLog(bytes);
  assert.deepEqual(records, [receipts[0], receipts[2]]);
  assert.equal(fault, "a line is damaged");
});
