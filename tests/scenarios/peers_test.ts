import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

interface Listed {
  readonly peers: readonly { readonly id: string; readonly endpoint: string }[];
}

async function peersOf(stage: Stage): Promise<Listed["peers"]> {
  const { code, stdout, stderr } = await stage.run("peers", "--output=json");
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as Listed).peers;
}

/** What only a policy in the words of either dialect holds. */
const POLICY = {
  1: '"web"',
  2: '"destination_cidr"',
} as const;

for (const dialects of [[1, 1], [2, 2], [1, 2]] as const) {
  Deno.test(`two nodes see each other join, move and leave, dialects ${dialects.join(" and ")}`, async () => {
    await using one = await Stage.open(dialects[0]);
    await using two = await Stage.open(dialects[1]);
    await one.startControlPlane();
    await one.leaveToken();
    // Pulls are far apart: what is seen at once was brought by events.
    const settings = { reconcile: { interval: "10m" } };
    const first = await one.startAgent({ settings });
    assert.deepEqual(await peersOf(one), []);
    assert.match((await one.run("peers")).stderr, /knows no peers/);

    two.shareControlPlane(one);
    await two.leaveToken();
    const nat = { public_endpoint: "203.0.113.7:51820" };
    const second = await two.startAgent({
      settings: { ...settings, nat },
    });
    await eventually("the first sees the second, and where it is", async () => {
      const [peer] = await peersOf(one);
      return peer?.id === second.node_id &&
          peer.endpoint === nat.public_endpoint
        ? peer
        : undefined;
    });
    await eventually("the second sees the first", async () => {
      const [peer] = await peersOf(two);
      return peer?.id === first.node_id ? peer : undefined;
    });
    const { stdout, stderr } = await one.run("peers");
    assert.match(stdout, /^ID +MESH IP +ENDPOINT/);
    assert.ok(stdout.includes(second.node_id));
    assert.match(stderr, /^plexd: last changed 2\S+Z\n$/);

    await one.admin.call("PUT", "/policies/web", {
      rules: [{
        src: "10.0.0.0/8",
        dst: "10.0.0.1/32",
        port: 443,
        protocol: "tcp",
        action: "allow",
      }],
    });
    await eventually("the policy holds", async () => {
      const { stdout } = await one.run("policies", "--output=json");
      return stdout.includes(POLICY[dialects[0]]) ? stdout : undefined;
    });

    await two.stopAgent();
    await one.admin.call("DELETE", `/nodes/${second.node_id}`);
    await eventually("the first sees the second leave", async () => {
      return (await peersOf(one)).length === 0 ? true : undefined;
    });

    const session = await one.admin.call(
      "POST",
      `/nodes/${first.node_id}/sessions`,
      {
        target_host: "db.internal",
        target_port: 22,
        authorized_key: "ssh-ed25519 AAAA",
        expires_at: new Date(Date.now() + 600_000).toISOString(),
      },
    ) as { session_id: string };
    await eventually("the session is noted", async () => {
      if (dialects[0] === 2) {
        // There an event is a hint, whatever it carries.
        return (await one.status()).events.by_type["session_setup"];
      }
      const { stdout } = await one.run("sessions", "--output=json");
      return stdout.includes(session.session_id) ? stdout : undefined;
    });
    await one.stopAgent();
  });
}

for (const command of ["peers", "policies", "sessions"]) {
  Deno.test(`plexd ${command} without a node exits 77 and says what to do`, async () => {
    await using stage = await Stage.open();
    await stage.configure({ url: "http://127.0.0.1:9" });
    const { code, stderr } = await stage.run(command);
    assert.equal(code, 77);
    assert.match(stderr, /plexd join/);
  });
}
