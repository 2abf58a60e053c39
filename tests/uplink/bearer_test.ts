import assert from "node:assert/strict";
import { ControlClient } from "../../src/uplink/control_client.ts";
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
