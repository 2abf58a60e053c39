import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { Stage } from "./stage.ts";

interface Roots {
  readonly roots: readonly string[];
  readonly bundle_version: number;
}

function pinned(stage: Stage): readonly string[] {
  const file = `${stage.membership}/trust/bundle.json`;
  return JSON.parse(Deno.readTextFileSync(file)).roots;
}

async function pins(stage: Stage, roots: readonly string[]) {
  await eventually(
    `it pins ${roots.length} roots`,
    () => pinned(stage).join() === roots.join() || undefined,
  );
}

async function arrives(stage: Stage, nodeId: string, value: string) {
  await stage.admin.call("PUT", `/nodes/${nodeId}/metadata/a`, { value });
  await eventually(`"${value}" arrives`, async () => {
    const { status, body } = await stage.local("/v1/state/metadata/a");
    return status === 200 && JSON.parse(body).value === value || undefined;
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`another root takes over, and nodes follow the one that they have pinned, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await using later = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    const before = await stage.admin.call("GET", "/trust-roots") as Roots;
    assert.equal(before.roots.length, 1);

    const both = await stage.admin.call("POST", "/trust-roots/rotate") as Roots;
    assert.equal(both.roots[0], before.roots[0]);
    assert.equal(both.roots.length, 2);
    assert.ok(both.bundle_version > before.bundle_version);
    assert.deepEqual(
      await stage.admin.call("POST", "/trust-roots/rotate"),
      both,
    );
    await pins(stage, both.roots);
    // Whoever joins meanwhile pins both as well.
    later.shareControlPlane(stage);
    await later.leaveToken();
    const { node_id: second } = await later.startAgent();
    await pins(later, both.roots);

    const after = await stage.admin.call(
      "POST",
      "/trust-roots/finish",
    ) as Roots;
    assert.deepEqual(after.roots, both.roots.slice(1));
    assert.deepEqual(
      await stage.admin.call("POST", "/trust-roots/finish"),
      after,
    );
    await pins(stage, after.roots);
    await pins(later, after.roots);

    // What the new root vouches for is believed, after restarts of both, too.
    await stage.stopControlPlane();
    await stage.startControlPlane();
    await stage.killAgent();
    await stage.startAgent();
    await stage.admin.call("POST", "/signing-keys/rotate", {
      transition: "0s",
    });
    await arrives(stage, node_id, "one");
    await arrives(later, second, "two");
    const { signed_state } = await stage.statusWhen(
      "the bundle of that key is taken",
      ({ signed_state }) =>
        (signed_state.trust_bundle_version ?? 0) > after.bundle_version,
    );
    assert.ok(signed_state.snapshot);
  });
}
