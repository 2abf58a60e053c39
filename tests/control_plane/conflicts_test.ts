import assert from "node:assert/strict";
import { join2, register2, request2, token2 } from "./dialect2_node.ts";
import { type Answer, RunningPlane } from "./running_plane.ts";

/** How many calls do the same at once. */
const AT_ONCE = 8;

function atOnce(call: (at: number) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: AT_ONCE }, (_, at) => call(at)));
}

/** Asserts that one call won, and all others were told why they did not. */
function assertOneWon(
  answers: readonly Answer[],
  won: number,
  lost: number,
  code: string,
): void {
  const winners = answers.filter(({ status }) => status === won);
  assert.equal(winners.length, 1, answers.map(({ text }) => text).join());
  for (const answer of answers) {
    if (answer.status !== won) answer.assertProblem(lost as 409, code);
  }
}

Deno.test("one of many makes an operator, a domain, and removes what is there", async () => {
  await using plane = await RunningPlane.start();
  const make = (path: string, body: unknown) =>
    atOnce(() => plane.admin("POST", path, body));
  const operator = { name: "o", scopes: ["read"] };
  assertOneWon(await make("/operators", operator), 201, 409, "operator_exists");
  assertOneWon(
    await make("/domains", { name: "d" }),
    201,
    409,
    "domain_exists",
  );
  const node = await plane.join();
  await node.admin("PUT", "/metadata/k", { value: "v" });
  const remove = (path: string) => atOnce(() => plane.admin("DELETE", path));
  assertOneWon(
    await remove(`/nodes/${node.id}/metadata/k`),
    204,
    404,
    "key_not_found",
  );
  assertOneWon(await remove(`/nodes/${node.id}`), 204, 404, "node_not_found");
});

Deno.test("one of many nodes gets a token", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token();
  assertOneWon(
    await atOnce(() => plane.register(token)),
    201,
    409,
    "token_consumed",
  );
  const token2nd = await token2(plane);
  assertOneWon(
    await atOnce(() => register2(plane, request2(token2nd))),
    201,
    403,
    "token_consumed",
  );
  const { json } = await plane.admin("GET", "/nodes");
  assert.equal((json["nodes"] as unknown[]).length, 2);
});

Deno.test("an expired token makes no node, in either dialect", async () => {
  await using plane = await RunningPlane.start();
  const token = await plane.token({ ttl: "1s" });
  const other = await token2(plane, { ttl: "1s" });
  await plane.clock.advance(1_000);
  (await plane.register(token)).assertProblem(401, "token_expired");
  (await register2(plane, request2(other))).assertProblem(403, "token_expired");
  const { json } = await plane.admin("GET", "/nodes");
  assert.deepEqual(json["nodes"], []);
});

Deno.test("an execution is accepted or rejected, not both", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const asked = await node.admin("POST", "/actions", { action: "restart" });
  const id = String(asked.json["execution_id"]);
  const answers = await atOnce((at) =>
    node.call("POST", `/executions/${id}/ack`, {
      execution_id: id,
      ...(at % 2 === 0
        ? { status: "accepted", reason: "" }
        : { status: "rejected", reason: "unknown_action" }),
    })
  );
  const said = answers.filter(({ status }) => status === 200).length;
  assert.equal(said, AT_ONCE / 2);
  for (const answer of answers) {
    if (answer.status !== 200) answer.assertProblem(409, "execution_conflict");
  }
});

Deno.test("writes to one key all count, and the last one stays", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  const answers = await atOnce((at) =>
    node.admin("PUT", "/data/k", { content_type: "a/b", payload: at })
  );
  const versions = answers.map(({ json }) => Number(json["version"]));
  assert.deepEqual(
    [...versions].sort((a, b) => a - b),
    Array.from({ length: AT_ONCE }, (_, at) => at + 1),
  );
  const { json } = await node.admin("GET", "");
  const [entry] = json["data"] as [{ payload: number; version: number }];
  assert.equal(entry.version, AT_ONCE);
  assert.equal(versions[entry.payload], AT_ONCE);
});
