import assert from "node:assert/strict";
import { systemDisk } from "../../src/store/disk.ts";
import { serviceMembers } from "../../src/wire/service_assignment.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { inFolder, openStore, WEB } from "../store/open_store.ts";
import { forgePart } from "../store/tamper.ts";
import { SigningPlane } from "../sync/signing_plane.ts";
import { VECTORS_NOW_MS } from "../vectors/load.ts";

const POLICY = { id: "ssh", rules: '[{"port":22}]' };
const LATER = { ...WEB, expiresAt: "2026-03-09T00:00:00Z" };

function contentWith(services: unknown): string {
  return `{"metadata":{},"data":[],"secret_refs":[],"policies":[` +
    `{"id":"ssh","rules":${POLICY.rules}}],"services":${
      JSON.stringify(services)
    }}`;
}

/** A node that has pulled one signed state, and is started again. */
async function restarted(
  clock: FakeClock,
  between: (root: string) => void,
  check: (
    node: SigningPlane,
    recovered: readonly { readonly file: string }[],
  ) => void,
): Promise<void> {
  await inFolder(async (dataDir) => {
    const first = await openStore(dataDir, systemDisk, clock);
    const before = await SigningPlane.start(first.store, clock);
    before.sends({ content: contentWith([serviceMembers(LATER)]) });
    await before.pull();
    assert.deepEqual(first.store.state.view.services, [LATER]);
    await first.store.close();
    between(first.store.paths.root);
    const second = await openStore(dataDir, systemDisk, clock);
    try {
      const node = await SigningPlane.start(second.store, clock);
      check(node, second.recovered);
    } finally {
      await second.store.close();
    }
  });
}

Deno.test("a start finds policies and services as they were", () =>
  restarted(new FakeClock(VECTORS_NOW_MS), () => {}, ({ store }, recovered) => {
    assert.deepEqual(store.state.view.policies, [POLICY]);
    assert.deepEqual(store.state.view.services, [LATER]);
    assert.deepEqual(recovered, []);
  }));

Deno.test("a forged policy is gone at the next start, and that is told", () =>
  restarted(
    new FakeClock(VECTORS_NOW_MS),
    (root) =>
      forgePart(root, "directory", (directory) => ({
        ...directory,
        policies: [{ id: "all", rules: [{ action: "allow" }] }],
      })),
    ({ store }, recovered) => {
      assert.deepEqual(store.state.view.policies, [POLICY]);
      assert.deepEqual(
        recovered.map(({ file }) => file),
        ["peers/directory.json"],
      );
    },
  ));

Deno.test("a forged service is gone at the next start, and that is told", () =>
  restarted(
    new FakeClock(VECTORS_NOW_MS),
    (root) =>
      forgePart(root, "services", (file) => ({
        ...file,
        services: [{ ...file.services[0], name: "miner", roles: ["admin"] }],
      })),
    ({ store }, recovered) => {
      assert.deepEqual(store.state.view.services, [LATER]);
      assert.deepEqual(
        recovered.map(({ file }) => file),
        ["services/assignments.json"],
      );
    },
  ));

Deno.test("a service whose time is over is not there any more, and that is no repair", () => {
  const clock = new FakeClock(VECTORS_NOW_MS);
  return restarted(
    clock,
    () => clock.jump(Date.parse(LATER.expiresAt) - VECTORS_NOW_MS),
    ({ store }, recovered) => {
      assert.deepEqual(store.state.view.services, []);
      assert.deepEqual(recovered, []);
    },
  );
});

Deno.test("a state that leaves a service out ends it", () =>
  inFolder(async (dataDir) => {
    const clock = new FakeClock(VECTORS_NOW_MS);
    const { store } = await openStore(dataDir, systemDisk, clock);
    const node = await SigningPlane.start(store, clock);
    node.sends({ content: contentWith([serviceMembers(LATER)]) });
    await node.pull();
    assert.equal(store.state.view.services.length, 1);
    node.sends({ version: 2, content: contentWith([]) });
    await node.pull();
    assert.deepEqual(store.state.view.services, []);
    await store.close();
  }));

Deno.test("a peer that the active snapshot does not hold is gone at the next start", () =>
  restarted(
    new FakeClock(VECTORS_NOW_MS),
    (root) =>
      forgePart(root, "directory", (directory) => ({
        ...directory,
        peers: [{
          id: "n_x",
          public_key: "k",
          mesh_ip: "10.42.0.9",
          endpoint: "",
          allowed_ips: [],
        }],
      })),
    ({ store }, recovered) => {
      assert.deepEqual(store.state.view.peers, []);
      // It may have come by an event, which is no damage.
      assert.deepEqual(recovered, []);
    },
  ));

Deno.test("a stored state whose key was revoked is not used again, and that is told", () =>
  inFolder(async (dataDir) => {
    const clock = new FakeClock(VECTORS_NOW_MS);
    const first = await openStore(dataDir, systemDisk, clock);
    const before = await SigningPlane.start(first.store, clock);
    before.sends({ content: contentWith([serviceMembers(LATER)]) });
    await before.pull();
    const { trustBundle, snapshots } = first.store;
    const known = trustBundle.load();
    const { keyId } = snapshots.pointer!.active;
    trustBundle.save({
      roots: [],
      signedText: "",
      ...known,
      version: (known?.version ?? 0) + 1,
      revokedKeyIds: [keyId!],
    });
    await first.store.close();
    const { store, recovered } = await openStore(dataDir, systemDisk, clock);
    try {
      await SigningPlane.start(store, clock);
      assert.deepEqual(store.state.view.policies, []);
      assert.deepEqual(store.state.view.services, []);
      assert.match(recovered[0]?.what ?? "", /revoked/);
    } finally {
      await store.close();
    }
  }));
