import assert from "node:assert/strict";
import type { ObservedFacts } from "../../src/store/identity_record.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { inFolder, openStore } from "./open_store.ts";

const AT = "2026-03-01T12:00:00.000Z";
const SEEN: ObservedFacts = {
  nodeId: "node-1",
  enrollment: "enrolled",
  sealRef: "file:/etc/plexd/machine.key",
  sealKeyId: "0123456789abcdef",
  certificate: {
    certificateRef: "file:/etc/plexd/client.pem",
    keyRef: "file:/etc/plexd/client.key",
    subject: "CN=node-1",
    issuer: "CN=ca",
    serial: "01",
    fingerprint: "ab".repeat(32),
    notBefore: "2026-01-01T00:00:00.000Z",
    notAfter: "2027-01-01T00:00:00.000Z",
  },
  revocations: [{ kind: "signing_key", id: "k1", source: "trust_bundle" }],
};

Deno.test("IdentityRecord keeps a membership's id, and when it first heard of a revocation", () =>
  inFolder(async (dataDir) => {
    const clock = new FakeClock();
    const first = await openStore(dataDir, undefined, clock);
    const record = first.store.identityRecord;
    assert.equal(record.facts, undefined);
    record.observe(SEEN);
    const { membershipId } = record.facts!;
    await first.store.close();

    clock.jump(60_000);
    const second = await openStore(dataDir, undefined, clock);
    const again = second.store.identityRecord;
    const refused = {
      kind: "node",
      id: "node-1",
      source: "control_plane",
    } as const;
    again.observe({
      ...SEEN,
      enrollment: "refused",
      revocations: [...SEEN.revocations, refused],
    });
    assert.deepEqual(again.facts, {
      ...SEEN,
      membershipId,
      enrollment: "refused",
      revocations: [
        { ...SEEN.revocations[0], at: AT },
        { ...refused, at: "2026-03-01T12:01:00.000Z" },
      ],
    });
    await second.store.close();

    const third = await openStore(dataDir, undefined, clock);
    assert.deepEqual(third.store.identityRecord.facts, again.facts);
    third.store.identityRecord.observe({ ...SEEN, nodeId: "node-2" });
    const other = third.store.identityRecord.facts!;
    assert.notEqual(other.membershipId, membershipId);
    assert.equal(other.revocations[0]?.at, "2026-03-01T12:01:00.000Z");
    await third.store.close();
  }));

Deno.test("IdentityRecord writes nothing when nothing has changed", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    store.identityRecord.observe(SEEN);
    const file = `${store.paths.identity}/record.json`;
    const before = Deno.statSync(file).ino;
    store.identityRecord.observe({ ...SEEN });
    assert.equal(Deno.statSync(file).ino, before);
    await store.close();
  }));

Deno.test("a damaged record is begun anew by name, and the identity is what it was", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    first.store.identityRecord.observe(SEEN);
    await first.store.close();
    Deno.writeTextFileSync(`${first.store.paths.identity}/record.json`, "{}");
    const second = await openStore(dataDir);
    assert.equal(second.store.identityRecord.facts, undefined);
    assert.deepEqual(second.recovered.map(({ file }) => file), [
      "identity/record.json",
    ]);
    await second.store.close();
  }));

Deno.test("revocations are bounded", () =>
  inFolder(async (dataDir) => {
    const { store } = await openStore(dataDir);
    const revocations = Array.from({ length: 300 }, (_, at) => ({
      kind: "signing_key" as const,
      id: `k${at}`,
      source: "trust_bundle" as const,
    }));
    store.identityRecord.observe({ ...SEEN, revocations });
    const { facts } = store.identityRecord;
    assert.equal(facts?.revocations.length, 256);
    assert.equal(facts?.revocations.at(-1)?.id, "k299");
    await store.close();
  }));
