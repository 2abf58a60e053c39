import assert from "node:assert/strict";
import { PROBLEM_CODES } from "../../../src/control_plane/http/problem_codes.ts";
import { openApiDocument } from "../../../src/control_plane/openapi/document.ts";
import { walkSync } from "../../walk.ts";
import { RunningPlane } from "../running_plane.ts";
import { Published } from "./published.ts";

const BODIES = ["POST", "PUT"];

Deno.test("the document is OpenAPI 3.1, for everybody, whatever is missing", async () => {
  for (const without of [[], ["storage", "events"]] as const) {
    await using plane = await RunningPlane.start({ without: [...without] });
    const { document, operations } = await Published.of(plane);
    assert.equal(document.openapi, "3.1.0");
    assert.equal(document.info.version, "1.2.3");
    const ids = operations.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, "an operationId stands twice");
    assert.ok(ids.length > 80, `only ${ids.length}`);
  }
});

Deno.test("it has the names of the published control plane", async () => {
  await using plane = await RunningPlane.start();
  const published = await Published.of(plane);
  const { path, method, responses } = published.operation("GetNodeState");
  assert.deepEqual([method, path], ["GET", "/v1/nodes/{node_id}/state"]);
  const { schemas } = published.document.components;
  for (
    const name of [
      "NodeStateSnapshot",
      "NodeStatePeer",
      "NodeStatePolicy",
      "NodeStateBridge",
      "NodeStateReports",
      "Problem",
    ]
  ) assert.ok(Object.hasOwn(schemas, name), name);
  assert.deepEqual(schemas.NodeStateSnapshot.required, [
    "peers",
    "reachability",
    "policy",
    "bridge",
    "state",
    "reports",
    "executions",
    "sessions",
  ]);
  for (const status of ["401", "403", "404", "500", "501"]) {
    assert.ok(Object.hasOwn(responses, status), status);
  }
});

Deno.test("every reference leads somewhere, and every schema is used", async () => {
  await using plane = await RunningPlane.start();
  const { document } = await Published.of(plane);
  const text = JSON.stringify(document);
  const refs = new Set(
    [...text.matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)]
      .map(([, kind, name]) => `${kind}/${name}`),
  );
  const there = ["schemas", "responses"].flatMap((kind) =>
    Object.keys(document.components[kind]).map((name) => `${kind}/${name}`)
  );
  assert.deepEqual([...refs].sort(), there.sort());
});

Deno.test("every place of a path is a parameter, and bodies are described", async () => {
  await using plane = await RunningPlane.start();
  const { document, operations } = await Published.of(plane);
  const without: string[] = [];
  for (const { id, method, path, request } of operations) {
    const { parameters } = document.paths[path][method.toLowerCase()];
    const inPath = parameters
      .filter((one: { in: string }) => one.in === "path")
      .map(({ name }: { name: string }) => `{${name}}`);
    assert.deepEqual(path.match(/\{\w+\}/g) ?? [], inPath, id);
    if (BODIES.includes(method) && !request) without.push(id);
  }
  assert.deepEqual(without.sort(), [
    "AskForKeyRotation",
    "DeregisterNode",
    "FinishTrustRoot",
    "GiveRole",
    "RevokeNode",
    "RevokeSigningKey",
    "RotateTrustRoot",
  ]);
});

Deno.test("a route without an operation, or the other way round, has no document", () => {
  assert.throws(
    () => openApiDocument([{ method: "GET", path: "/new" }], "1"),
    /Routes without an operation: GET \/new; operations without a route: GET/,
  );
});

Deno.test("every published code is used somewhere", () => {
  const root = new URL("../../../src/control_plane/", import.meta.url);
  const sources = walkSync(root, ".ts")
    .filter((path) => !path.endsWith("problem_codes.ts"))
    .filter((path) => !path.startsWith("openapi/"))
    .map((path) => Deno.readTextFileSync(new URL(path, root))).join("\n");
  const unused = PROBLEM_CODES.filter((code) => !sources.includes(`"${code}"`));
  assert.deepEqual(unused, []);
});
