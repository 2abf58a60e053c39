import assert from "node:assert/strict";
import { ENDPOINTS, fillPath } from "../../src/wire/endpoints.ts";
import { BUS_AWAY, RunningPlane } from "./running_plane.ts";

const NODE_ROUTES = Object.entries(ENDPOINTS).filter(([, { path }]) =>
  path.includes("{node_id}")
);

for (const [name, { method, path }] of NODE_ROUTES) {
  const pathOf = (id: string) =>
    fillPath(path, { node_id: id, key: "k", execution_id: "x" });

  Deno.test(`${name} answers 401 without a key, and with a wrong one`, async () => {
    await using plane = await RunningPlane.start({ messageBus: BUS_AWAY });
    const node = await plane.join();
    for (const bearer of [undefined, "x", plane.adminToken]) {
      const options = bearer === undefined ? {} : { bearer };
      const answer = await plane.call(method, pathOf(node.id), options);
      answer.assertProblem(401, "unauthorized");
      assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    }
  });

  Deno.test(`${name} answers 403 to a foreign node, whether or not the addressed one exists`, async () => {
    await using plane = await RunningPlane.start({ messageBus: BUS_AWAY });
    const [node, other] = [await plane.join(), await plane.join()];
    for (const id of [other.id, "01890000-0000-7000-8000-000000000000"]) {
      const answer = await plane.call(method, pathOf(id), {
        bearer: node.secretKey,
      });
      answer.assertProblem(403, "insufficient_relation");
    }
    const { json } = await plane.admin("GET", "/audit");
    const refused = (json["audit"] as Record<string, unknown>[]).filter((row) =>
      row["outcome"] === "insufficient_relation"
    );
    assert.equal(refused.length, 2);
  });

  Deno.test(`${name} answers 401 to a node that was removed`, async () => {
    await using plane = await RunningPlane.start({ messageBus: BUS_AWAY });
    const node = await plane.join();
    await node.admin("DELETE", "");
    const answer = await plane.call(method, pathOf(node.id), {
      bearer: node.secretKey,
    });
    answer.assertProblem(401, "unauthorized");
  });

  Deno.test(`${name} answers 405 with Allow to another method`, async () => {
    await using plane = await RunningPlane.start({ messageBus: BUS_AWAY });
    const answer = await plane.call("PATCH", pathOf("n"));
    answer.assertProblem(405, "method_not_allowed");
    assert.equal(answer.headers.get("allow"), method);
  });
}

Deno.test("ping says that this is a control plane", async () => {
  await using plane = await RunningPlane.start();
  const answer = await plane.call("GET", "/v1/ping");
  assert.deepEqual(answer.json, { status: "ok", version: "1.2.3" });
});

for (
  const path of [
    "/",
    "/v1",
    "/v1/ping/",
    "/v1//ping",
    "/v1/nodes//state",
    "/v1/ping%2f",
    "/x",
  ]
) {
  Deno.test(`an unknown path such as ${path} answers 404`, async () => {
    await using plane = await RunningPlane.start();
    (await plane.call("GET", path)).assertProblem(404, "not_found");
  });
}

/** Sends bytes as they are and returns the status line. */
async function rawRequest(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(4096);
  const count = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0))
    .split("\r\n")[0]!;
}

for (
  const { what, target, host, status } of [
    { what: "a plain request", target: "/v1/ping", host: "h", status: 200 },
    {
      what: "a Host that brings a path",
      target: "/x",
      host: "h/v1/ping?",
      status: 400,
    },
    {
      what: "dot segments",
      target: "/v1/x/../ping",
      host: "h",
      status: 404,
    },
    {
      what: "encoded dot segments",
      target: "/v1/x/%2e%2e/ping",
      host: "h",
      status: 404,
    },
    {
      what: "a broken percent-encoding in a name",
      target: "/v1/nodes/%zz/state",
      host: "h",
      status: 400,
    },
  ]
) {
  Deno.test(`${what} answers ${status}`, async () => {
    await using plane = await RunningPlane.start();
    const line = await rawRequest(
      plane.url,
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    assert.match(line, new RegExp(`^HTTP/1.1 ${status} `));
  });
}
