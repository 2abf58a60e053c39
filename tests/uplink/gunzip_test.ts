import assert from "node:assert/strict";
import { gunzip } from "../../src/uplink/gunzip.ts";
import { until } from "./serve.ts";

async function packed(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** All of it at once, as a fast server sends it. */
function inOne(bytes: Uint8Array<ArrayBuffer>) {
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

for (const length of [0, 1, 4_096, 100_000]) {
  Deno.test(`gunzip() gives ${length} bytes back as they were`, async () => {
    const plain = new Uint8Array(length).map((_, at) => at * at % 251);
    const stream = gunzip(inOne(await packed(plain)));
    const found = new Uint8Array(await new Response(stream).arrayBuffer());
    assert.deepEqual(found, plain);
  });
}

Deno.test("gunzip() makes a little of a bomb at a time, and no more once it is left", async () => {
  const bomb = await packed(new Uint8Array(64_000_000));
  assert.ok(bomb.length < 100_000);
  let left: unknown;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(bomb),
    cancel: (reason) => void (left = reason),
  });
  const reader = gunzip(source).getReader();
  for (let turn = 0; turn < 3; turn++) {
    const { value } = await reader.read();
    assert.ok(value!.length <= 8_000_000, `${value!.length} bytes at once`);
  }
  const enough = new Error("enough");
  await reader.cancel(enough);
  await until("the source is left", () => left !== undefined);
  assert.equal(left, enough);
});

Deno.test("gunzip() fails for what is no gzip", async () => {
  const stream = gunzip(inOne(new Uint8Array(20)));
  await assert.rejects(new Response(stream).arrayBuffer());
});
