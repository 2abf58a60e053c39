/**
 * Section 2 of the seed Node Local State Store: what a node keeps for itself
 * grants none of eight things. Somebody who can write the files that are not
 * sealed, and knows their form, edits them while the agent is off; at the next
 * start, far from any control plane, each of the eight is as it was.
 */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { systemDisk } from "../../src/store/disk.ts";
import type { Membership } from "../../src/store/membership.ts";
import { SUMS_FILE } from "../../src/store/state_sums.ts";
import { sha256 } from "../../src/store/summed_json.ts";
import { CacheKeeper } from "../../src/sync/cache_keeper.ts";
import { serviceMembers } from "../../src/wire/service_assignment.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { fillCaches } from "../store/fill_caches.ts";
import { filesBelow, IDENTITY } from "../store/full_store.ts";
import { copyFolder, inFolder, openStore, WEB } from "../store/open_store.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { forgePart, forgeSummed, plantSummed } from "../store/tamper.ts";
import { SigningPlane } from "../sync/signing_plane.ts";
import { publicKeyOf } from "../trust/signers.ts";
import { VECTORS_NOW_MS } from "../vectors/load.ts";

const EVIL = "forged-3f9a";
const WEB_LASTING = { ...WEB, expiresAt: "2026-03-09T00:00:00Z" };
const CONTENT = `{"metadata":{"a":"x"},"data":[],"secret_refs":[],` +
  `"peers":[{"id":"n_b","public_key":"k","mesh_ip":"10.42.0.2"}],` +
  `"policies":[{"id":"ssh","rules":[{"port":22}]}],` +
  `"services":[${JSON.stringify(serviceMembers(WEB_LASTING))}]}`;

/** Whether the control plane signs states. */
type Kind = "signed" | "unsigned";

/** A node that has joined, pulled a state, and something everywhere. */
async function makeNode(dataDir: string, kind: Kind): Promise<void> {
  const clock = new FakeClock(VECTORS_NOW_MS);
  const { store } = await openStore(dataDir, systemDisk, clock);
  await store.identity.save({ ...IDENTITY, nodeId: "n_1" });
  await store.trust.save({
    current: publicKeyOf("A"),
    retired: [],
    signedChange: true,
  });
  store.trustBundle.save({
    roots: [publicKeyOf("C")],
    revokedKeyIds: ["revoked"],
    version: 1,
    signedText: "text",
  });
  const node = await SigningPlane.start(store, clock);
  node.sends({ version: 3, content: CONTENT });
  if (kind === "unsigned") {
    node.answer = { kind: "plain", state: parseStateDocument(CONTENT) };
  }
  await node.pull();
  await fillCaches(store);
  await store.reports.put("service.web", {
    contentType: "application/json",
    payload: '{"state":"running"}',
  });
  await store.health.save({ reasons: [], contact: { lastPullMs: 1 } });
  store.recoveries.note({ file: "a", what: "damaged", action: "kept" });
  store.sessions.note({ sessionId: "session-1", target: "db" });
  store.transitions.note("start");
  store.updates.running("1.0.0");
  store.identityRecord.observe({
    nodeId: "n_1",
    enrollment: "refused",
    sealRef: "file:/etc/plexd/machine.key",
    sealKeyId: store.sealKey.id,
    revocations: [{ kind: "node", id: "n_1", source: "control_plane" }],
  });
  await store.close();
}

/** The eight things of section 2, each as the running agent sees it. */
const THINGS: Readonly<
  Record<string, (store: Membership, dataDir: string) => unknown>
> = {
  "node enrollment approval": async ({ identity }) => {
    const { nodeId, meshIp, enrolledAt } = (await identity.load())!;
    return {
      nodeId,
      meshIp,
      enrolledAt,
      pending: await identity.loadPending(),
    };
  },
  "certificate issuance": async ({ identity, keyRotation, paths }) => ({
    keys: await identity.load(),
    pending: await keyRotation.pending(),
    sealed: sumsOf(paths.identity, /\.sealed$/),
  }),
  "role assignment": ({ state }) =>
    state.view.services.flatMap(({ roles }) => roles),
  "policy mutation": ({ state }) => state.view.policies,
  "trust root mutation": ({ trust, trustBundle, paths }) => ({
    keys: trust.load(),
    bundle: trustBundle.load(),
    files: sumsOf(paths.trust, /\.json$/),
  }),
  "organization mutation": async ({ identity }) => {
    const { domainId, controlPlane } = (await identity.load())!;
    return { domainId, controlPlane };
  },
  "partition promotion": async ({ marks, snapshots }) => ({
    marks: marks.load(),
    active: (await snapshots.load())?.ref,
  }),
  "cross-cluster trust": (_store, dataDir) => ({
    memberships: [...Deno.readDirSync(`${dataDir}/clusters`)]
      .map(({ name }) => name).sort(),
    other: sumsOf(`${dataDir}/clusters/other`, /./),
  }),
  // What all of it is for.
  "new service work": ({ state, executions }) => ({
    services: state.view.services,
    running: executions.running,
  }),
};

function sumsOf(folder: string, name: RegExp): [string, string][] {
  return [...filesBelow(folder)]
    .filter(([path]) => name.test(path))
    .map(([path, bytes]) => [path, hash("sha256", bytes)]);
}

/** What one edit claims; none of it is true. */
const CLAIMS = {
  roles: ["admin", EVIL],
  role: EVIL,
  policies: [{ id: EVIL, rules: [{ action: "allow" }] }],
  services: [{ name: EVIL, desired_state: "running" }],
  roots: [EVIL],
  domain_id: EVIL,
  epoch: 99,
  enrollment: "enrolled",
  approved: true,
};

/** Edits of files that are not sealed, by the state class of section 4. */
const EDITS: Readonly<Record<string, (root: string) => void>> = {
  "peer cache: a directory with more peers and policies": (root) =>
    forgePart(root, "directory", ({ peers, policies }) => ({
      ...CLAIMS,
      peers: [...peers, { ...peers[0], ...CLAIMS, id: EVIL }],
      policies: [...policies, ...CLAIMS.policies],
    })),
  "peer cache: policies that are gone": (root) =>
    forgePart(root, "directory", ({ peers }) => ({ peers, policies: [] })),
  "peer cache: observations of a perfect stranger": (root) =>
    forgeSummed(root, "peers/observations.json", ({ format, entries }) => ({
      format,
      ...CLAIMS,
      entries: [{ ...entries[0], ...CLAIMS, peer_id: EVIL, score: 1 }],
    })),
  "route cache: everything goes to a stranger": (root) =>
    forgeSummed(root, "routes/table.json", ({ format, entries }) => ({
      format,
      ...CLAIMS,
      entries: [{
        ...entries[0],
        ...CLAIMS,
        destination: "0.0.0.0/0",
        selected: { peer_id: EVIL, class: "direct", score: 1 },
      }],
    })),
  "service assignment cache: one more service": (root) =>
    forgePart(root, "services", ({ format, services }) => ({
      format,
      services: [
        ...services,
        { ...services[0], name: EVIL, expires_at: null },
      ],
    })),
  "service assignment cache: one more role": (root) =>
    forgePart(root, "services", ({ format, services }) => ({
      format,
      services: [{ ...services[0], roles: ["admin", "edge"] }],
    })),
  "service assignment cache: a service that never ends": (root) =>
    forgePart(root, "services", ({ format, services }) => ({
      format,
      services: [{ ...services[0], expires_at: null }],
    })),
  "state: a later version of another partition": (root) =>
    forgeSummed(root, SUMS_FILE, (sums) => ({
      ...sums,
      position: { epoch: 99, version: 99 },
      redo: [],
    })),
  "state: a service in the steps of the last commit": (root) =>
    forgeSummed(root, SUMS_FILE, (sums) => {
      const services = [{ name: EVIL, desired_state: "running" }];
      const text = JSON.stringify({ format: 1, services });
      const file = "services/assignments.json";
      const parts = { ...sums.parts, services: sha256(text) };
      return { ...sums, parts, redo: [{ file, text }] };
    }),
  "state: metadata that claims a role": (root) =>
    forgePart(root, "metadata", () => ({ role: "admin", roles: EVIL })),
  "health: well, and another node": (root) =>
    forgeSummed(root, "health/health.json", (health) => ({
      ...health,
      ...CLAIMS,
      node_id: EVIL,
      reasons: [],
    })),
  "health: recoveries that say what was granted": (root) =>
    plantSummed(root, "health/recoveries.json", {
      format: 1,
      ...CLAIMS,
      recoveries: [{ at: "", file: "trust", what: EVIL, action: "trusted" }],
    }),
  "health: a transition that says so": (root) =>
    plantSummed(root, "health/transitions.json", {
      format: 1,
      ...CLAIMS,
      transitions: [{ type: "connect", at: "2026-03-01T12:00:00Z" }],
    }),
  "reports: of a service that nobody assigned": (root) =>
    plantSummed(root, `state/report/service.${EVIL}.json`, {
      key: `service.${EVIL}`,
      content_type: "application/json",
      payload: CLAIMS,
      version: 1,
      updated_at: "2026-03-01T12:00:00Z",
    }),
  "reports: what has been synced": (root) =>
    plantSummed(root, "sync/reports.json", {
      format: 1,
      ...CLAIMS,
      synced: [[`service.${EVIL}`, "0".repeat(64)]],
    }),
  "telemetry: a session that nobody asked for": (root) =>
    plantSummed(root, "telemetry/sessions.json", {
      format: 1,
      ...CLAIMS,
      sessions: [{ session_id: EVIL, target: EVIL }],
    }),
  "updates: another version": (root) =>
    forgeSummed(root, "updates/updates.json", (updates) => ({
      ...updates,
      ...CLAIMS,
      canary_group: EVIL,
    })),
  "identity record: enrolled, with a certificate, and nothing revoked": (
    root,
  ) =>
    forgeSummed(root, "identity/record.json", (facts) => ({
      ...facts,
      ...CLAIMS,
      certificate: {
        certificate_ref: EVIL,
        key_ref: EVIL,
        subject: EVIL,
        issuer: EVIL,
        serial: EVIL,
        fingerprint: EVIL,
        not_before: "2026-03-01T12:00:00Z",
        not_after: "2036-03-01T12:00:00Z",
      },
      revocations: [],
    })),
};

async function thingsOf(store: Membership, dataDir: string) {
  const seen: Record<string, unknown> = {};
  for (const [thing, look] of Object.entries(THINGS)) {
    seen[thing] = await look(store, dataDir);
  }
  return seen;
}

/** Starts as the agent does, without a control plane, for long enough. */
async function startOffline(dataDir: string) {
  const clock = new FakeClock(VECTORS_NOW_MS);
  const { store } = await openStore(dataDir, systemDisk, clock);
  await SigningPlane.start(store, clock);
  const keeper = new CacheKeeper({
    state: store.state,
    peerCache: store.peerCache,
    routes: store.routes,
    onFailure: (failure) => assert.fail(String(failure)),
    io: { clock, random: new FakeRandom(), log: new MemoryLog() },
  });
  const stop = new AbortController();
  const done = keeper.run(stop.signal);
  while (clock.sleeping.length === 0) await settle();
  stop.abort();
  await done;
  return store;
}

const ALL = (["signed", "unsigned"] as const).flatMap((kind) =>
  Object.entries(EDITS).map(([edit, forge]) => ({ kind, edit, forge }))
);
for (const { kind, edit, forge } of ALL) {
  Deno.test(`local state is no authority beside a ${kind} one: ${edit}`, () =>
    inFolder(async (folder) => {
      const [honest, forged] = [`${folder}/honest`, `${folder}/forged`];
      await makeNode(honest, kind);
      copyFolder(
        `${honest}/clusters/default`,
        `${honest}/clusters/other`,
      );
      copyFolder(honest, forged);
      forge(`${forged}/clusters/default`);

      const before = await startOffline(honest);
      const after = await startOffline(forged);
      assert.deepEqual(
        await thingsOf(after, forged),
        await thingsOf(before, honest),
      );
      // Nor do the hints lead anywhere else.
      assert.deepEqual(after.state.view.peers, before.state.view.peers);
      assert.ok(!JSON.stringify(after.routes.routes).includes(EVIL));
      assert.equal(after.peerCache.get(EVIL), undefined);
      await before.close();
      await after.close();
    }));
}

const SEALED = {
  signed: ["snapshots/active.json", "snapshots/1-3.sealed"],
  unsigned: ["services/granted.sealed"],
} as const;

for (const kind of ["signed", "unsigned"] as const) {
  Deno.test(`all that an honest start grants is what the ${kind} state says`, () =>
    inFolder(async (dataDir) => {
      await makeNode(dataDir, kind);
      const store = await startOffline(dataDir);
      assert.deepEqual(store.state.view.services, [WEB_LASTING]);
      assert.deepEqual(store.state.view.policies, [
        { id: "ssh", rules: '[{"port":22}]' },
      ]);
      assert.deepEqual(
        store.routes.routes.map(({ selected }) => selected.peerId),
        ["n_b"],
      );
      await store.close();
    }));

  Deno.test(`without its sealed copy the ${kind} state grants nothing until the next pull`, () =>
    inFolder(async (dataDir) => {
      await makeNode(dataDir, kind);
      const root = `${dataDir}/clusters/default`;
      for (const file of SEALED[kind]) Deno.removeSync(`${root}/${file}`);
      const store = await startOffline(dataDir);
      const { peers, policies, services } = store.state.view;
      assert.deepEqual([peers, policies, services], [[], [], []]);
      assert.equal(store.state.view.metadata.get("a"), "x");
      await store.close();
    }));
}
