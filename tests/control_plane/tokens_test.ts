import assert from "node:assert/strict";
import { register2, request2 } from "./dialect2_node.ts";
import { type Answer, RunningPlane } from "./running_plane.ts";

Deno.test("tokens are listed by names that nobody can join with", async () => {
  await using plane = await RunningPlane.start();
  const made = await plane.admin("POST", "/tokens", { ttl: "10m" });
  const { token, token_id, domain_id, expires_at } = made.json;
  const { json, text } = await plane.admin("GET", "/tokens");
  assert.deepEqual(json["tokens"], [
    { token_id, domain_id, expires_at, used_at: null, node_id: null },
  ]);
  assert.ok(!text.includes(String(token)));
  (await plane.register(String(token_id)))
    .assertProblem(401, "token_invalid");
  const joined = await plane.register(String(token));
  const after = (await plane.admin("GET", "/tokens")).json["tokens"];
  assert.deepEqual(after, [{
    token_id,
    domain_id,
    expires_at,
    used_at: new Date(plane.clock.now()).toISOString(),
    node_id: joined.json["node_id"],
  }]);
});

Deno.test("a token that is ended lets nobody in, and is audited", async () => {
  await using plane = await RunningPlane.start();
  const { token, token_id } = (await plane.admin("POST", "/tokens", {})).json;
  const path = `/tokens/${token_id}`;
  assert.equal((await plane.admin("DELETE", path)).status, 204);
  (await plane.register(String(token))).assertProblem(401, "token_invalid");
  (await plane.admin("DELETE", path)).assertProblem(404, "token_not_found");
  const audit = (await plane.admin("GET", "/audit")).json["audit"];
  const [row] = audit as Record<string, unknown>[];
  assert.equal(row!["relation"], "token.remove");
  assert.equal(row!["object"], `token:${token_id}`);
});

/** Moves time on, and waits until what is due then is done. */
async function daysLater(plane: RunningPlane, days: number) {
  plane.clock.jump(days * 24 * 3_600_000);
  await plane.clock.advance(3_600_000);
}

async function tokenIds(plane: RunningPlane): Promise<string[]> {
  const { json } = await plane.admin("GET", "/tokens");
  return (json["tokens"] as { token_id: string }[])
    .map(({ token_id }) => token_id);
}

/** A way in, and the answers to tokens that are no good. */
interface Registration {
  readonly dialect: 1 | 2;
  readonly join: (plane: RunningPlane, token: string) => Promise<Answer>;
  readonly codes: Readonly<
    Record<"used" | "expired" | "unknown", readonly [number, string]>
  >;
}

const REGISTRATIONS: readonly Registration[] = [
  {
    dialect: 1,
    join: (plane, token) => plane.register(token),
    codes: {
      used: [409, "token_consumed"],
      expired: [401, "token_expired"],
      unknown: [401, "token_invalid"],
    },
  },
  {
    dialect: 2,
    join: (plane, token) => register2(plane, request2(token)),
    codes: {
      used: [403, "token_consumed"],
      expired: [403, "token_expired"],
      unknown: [403, "token_revoked"],
    },
  },
];

for (const { dialect, join, codes } of REGISTRATIONS) {
  Deno.test(`tokens of dialect ${dialect} are known for 30 days after their use, or else their expiry`, async () => {
    await using plane = await RunningPlane.start();
    const make = async (ttl: string) => {
      const body = { ttl, dialect };
      const { json } = await plane.admin("POST", "/tokens", body);
      return { token: String(json["token"]), id: json["token_id"] };
    };
    const used = await make("720h");
    const expired = await make("1h");
    const good = await make("720h");
    assert.equal((await join(plane, used.token)).status, 201);

    await daysLater(plane, 29);
    assert.equal((await tokenIds(plane)).length, 3);
    (await join(plane, used.token)).assertProblem(...codes.used);
    (await join(plane, expired.token)).assertProblem(...codes.expired);

    await daysLater(plane, 1);
    for (let tries = 0; (await tokenIds(plane)).length > 1; tries++) {
      assert.ok(tries < 1_000, "they are still there");
    }
    assert.deepEqual(await tokenIds(plane), [good.id]);
    (await join(plane, used.token)).assertProblem(...codes.unknown);
    (await join(plane, expired.token)).assertProblem(...codes.unknown);
  });
}
