import assert from "node:assert/strict";
import { IdentityWatch } from "../../src/agent/identity_watch.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import type { Identity } from "../../src/store/identity.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { inFolder, openStore } from "../store/open_store.ts";

const IDENTITY: Identity = {
  nodeId: "node-1",
  meshIp: "10.0.0.1",
  domainId: "domain-1",
  dialect: 1,
  controlPlane: "http://127.0.0.1:8443",
  enrolledAt: "2026-03-01T11:00:00.000Z",
  publicKey: "",
  signingPublicKey: "",
  privateKey: new Uint8Array(32),
  nodeSecretKey: "",
};

Deno.test("IdentityWatch notes when the control plane refuses the node, and which keys are revoked", () =>
  inFolder(async (dataDir) => {
    const { store, clock, log } = await openStore(dataDir);
    const degraded = new Degraded(clock, log);
    const io = { clock, log, random: new FakeRandom() };
    const { config } = await loadConfig({
      file: { path: `${dataDir}/none.yaml`, required: false },
      env: {},
      flags: {},
    });
    const revoked: string[] = [];
    const context = { config, identity: IDENTITY, degraded, io, store };
    const watch = new IdentityWatch(context, () => revoked);
    const { membership_id, ...rest } = watch.status();
    assert.match(membership_id ?? "", /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {
      domain_id: "domain-1",
      node_name: null,
      domain_name: null,
      enrollment: "enrolled",
      enrolled_at: "2026-03-01T11:00:00.000Z",
      seal_ref: "file:/etc/plexd/machine.key",
      client_certificate: null,
      revocations: 0,
    });
    const stop = new AbortController();
    const done = watch.run(stop.signal);
    degraded.raise("unauthorized", { detail: "401" });
    assert.equal(watch.status().enrollment, "refused");
    assert.deepEqual(store.identityRecord.facts?.revocations, [{
      kind: "node",
      id: "node-1",
      source: "control_plane",
      at: "2026-03-01T12:00:00.000Z",
    }]);
    degraded.clear("unauthorized");
    assert.equal(watch.status().enrollment, "enrolled");

    revoked.push("k1");
    await clock.advance(3_600_000);
    assert.deepEqual(
      store.identityRecord.facts?.revocations.map(({ id }) => id),
      ["k1"],
    );
    stop.abort();
    await done;
    assert.deepEqual(clock.sleeping, []);
    await store.close();
  }));
