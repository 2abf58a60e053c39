import assert from "node:assert/strict";
import { descriptorsMissing } from "../../scripts/bench/fleet/descriptors.ts";
import { RawConnection } from "../../scripts/bench/fleet/raw_connection.ts";
import { requestBytes } from "../../scripts/bench/fleet/requests.ts";

const main = new URL("../../scripts/bench/fleet.ts", import.meta.url).pathname;

/** A server for as long as a test takes. */
async function serving(
  handler: (request: Request) => Response,
  test: (target: Deno.NetAddr) => Promise<void>,
) {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    handler,
  );
  await test(server.addr);
}

Deno.test("bench:fleet --only with an unknown name tells the names there are", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", main, "--only", "nothing"],
  }).output();
  assert.equal(code, 2);
  assert.match(new TextDecoder().decode(stderr), /streams, calls, return/);
});

Deno.test("a fleet too large for the descriptors is told what to do", () => {
  assert.equal(descriptorsMissing(1), undefined);
  const missing = descriptorsMissing(2 ** 31);
  assert.match(missing ?? "", /prlimit --pid \$\$ --nofile=2147483848/);
});

Deno.test("a raw connection counts bodies of any size, one after the other", async () => {
  const sizes = [0, 5, 1_000_000];
  await serving((request) => {
    if (request.headers.has("if-none-match")) {
      return new Response(null, { status: 304, headers: { etag: 'W/"b"' } });
    }
    const bytes = Number(new URL(request.url).searchParams.get("bytes"));
    return new Response("x".repeat(bytes), { headers: { etag: 'W/"a"' } });
  }, async ({ hostname, port }) => {
    using connection = await RawConnection.open({ hostname, port });
    for (const bytes of sizes) {
      const request = requestBytes("GET", `/?bytes=${bytes}`, {});
      const answer = { status: 200, etag: 'W/"a"', bytes };
      assert.deepEqual(await connection.call(request), answer);
    }
    const known = requestBytes("GET", "/", { "if-none-match": 'W/"a"' });
    const { status, etag } = await connection.call(known);
    assert.deepEqual({ status, etag }, { status: 304, etag: 'W/"b"' });
  });
});
