import assert from "node:assert/strict";
import { bearerFor } from "../../src/uplink/bearer.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import type { Dialect } from "../../src/wire/dialect.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { vectors } from "../vectors/load.ts";

const dialect1 = vectors.bearer.filter((vector) => vector.dialect === 1);

Deno.test("there are bearer vectors of dialect 1", () => {
  assert.ok(dialect1.length > 0);
});

for (const { name, nsk, authorization } of dialect1) {
  Deno.test(`ControlClient sends the bearer of vector ${name}`, async () => {
    const seen: (string | null)[] = [];
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => {
        seen.push(request.headers.get("authorization"));
        return new Response();
      },
    );
    const client = new ControlClient({
      baseUrl: `http://127.0.0.1:${server.addr.port}`,
      version: "test",
      clock: new FakeClock(),
      log: new MemoryLog(),
    });
    client.setAuthToken(nsk);
    await client.ping(new AbortController().signal);
    assert.deepEqual(seen, [authorization]);
    await server.shutdown();
  });
}

for (const vector of vectors.bearer) {
  const { name, dialect, node_id, nsk } = vector;
  const make = () => bearerFor(dialect as Dialect, node_id, nsk);
  Deno.test(`bearerFor() agrees with vector ${name}`, () => {
    if (vector.expect === "error") assert.throws(make, RangeError);
    else assert.equal(`Bearer ${make()}`, vector.authorization);
  });
}

Deno.test("bearerFor() refuses a secret that holds no key, and does not quote it", () => {
  const id = "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2";
  assert.throws(
    () => bearerFor(2, id, "canary"),
    (error) => error instanceof ShapeError && !error.message.includes("canary"),
  );
  assert.throws(
    () => bearerFor(1, "n_1", "cana\nry"),
    (error) => error instanceof RangeError && !error.message.includes("cana"),
  );
});
