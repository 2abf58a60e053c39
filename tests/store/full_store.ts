import { encodeSnapshot } from "../../src/wire/signed_snapshot.ts";
import type { Membership } from "../../src/store/membership.ts";
import type { Identity } from "../../src/store/identity.ts";
import { signedSnapshot } from "../trust/snapshots.ts";
import { fillCaches } from "./fill_caches.ts";
import { entry, openStore, WEB } from "./open_store.ts";

/** An identity with every member filled in. */
export const IDENTITY: Identity = {
  nodeId: "node-1",
  meshIp: "10.0.0.1",
  domainId: "domain-1",
  dialect: 1,
  controlPlane: "https://control.example",
  enrolledAt: "2026-03-01T12:00:00Z",
  publicKey: "public",
  privateKey: new TextEncoder().encode("canary-private-key-canary-privat"),
  nodeSecretKey: "canary-node-secret",
  signingPublicKey: "signing",
};

/** Activates a signed snapshot of the given number. */
export async function activateSnapshot(
  { snapshots }: Membership,
  version: number,
): Promise<void> {
  const content = `{"policies":[],"metadata":{"v":"${version}"}}`;
  const snapshot = signedSnapshot({ epoch: 1, version, content });
  await snapshots.stage(encodeSnapshot(snapshot));
  await snapshots.activate({
    epoch: 1,
    version,
    contentSha256: snapshot.contentSha256,
    issuedAtMs: Date.parse(snapshot.issuedAt),
    expiresAtMs: Date.parse(snapshot.expiresAt),
  });
}

/** Makes a membership with something in each of its stores, and closes it. */
export async function fillStore(dataDir: string): Promise<void> {
  const { store } = await openStore(dataDir);
  await store.identity.save(IDENTITY);
  store.spentTokens.add("token");
  await store.trust.save({
    current: "current",
    retired: ["retired"],
    signedChange: true,
  });
  store.trustBundle.save({
    roots: ["root"],
    revokedKeyIds: ["revoked"],
    version: 1,
    signedText: "text",
  });
  await store.state.update(() => ({
    metadata: new Map([["zone", "a"]]),
    data: [entry("one"), entry("two")],
    secretRefs: [{ key: "password", version: 1 }],
    peers: [],
    policies: [],
    services: [WEB],
    position: { epoch: 1, version: 2 },
    complete: true,
  }));
  await activateSnapshot(store, 1);
  await activateSnapshot(store, 2);
  for (const key of ["disk", "net"]) {
    await store.reports.put(key, { contentType: "a/b", payload: "1" });
  }
  const entries = [...store.reports.view.entries.values()].slice(0, 1);
  await store.syncLedger.markSynced({ entries, deleted: [] });
  await store.events.record([{
    eventId: "event-1",
    type: "node_state_updated",
    nonce: "nonce-1",
    issuedAtMs: Date.parse("2026-03-01T11:59:00Z"),
    cursor: "cursor-1",
  }]);
  await store.executions.begin("execution-1", "restart");
  await store.executions.begin("execution-2", "restart");
  await store.executions.finish({
    execution_id: "execution-2",
    status: "success",
    exit_code: 0,
    stdout: "done",
    stderr: "",
    duration: "1s",
    finished_at: "2026-03-01T12:00:00Z",
  });
  await store.executions.settle("execution-2");
  store.recoveries.note({ file: "a", what: "damaged", action: "kept" });
  await store.health.save({ reasons: [], contact: { lastPullMs: 1 } });
  await fillCaches(store);
  await store.granted.save(IDENTITY.nodeId, {
    peers: [],
    policies: [],
    services: [WEB],
  });
  store.sessions.note({ sessionId: "session-1", target: "db" });
  store.transitions.note("start", { reason: "plexd 1.0.0" });
  store.updates.running("1.0.0");
  store.identityRecord.observe({
    nodeId: IDENTITY.nodeId,
    enrollment: "enrolled",
    sealRef: "file:/etc/plexd/machine.key",
    sealKeyId: store.sealKey.id,
    revocations: [],
  });
  await store.close();
}

/** Every file below a folder with its bytes, by path. */
export function filesBelow(
  folder: string,
  start = "",
): Map<string, Uint8Array<ArrayBuffer>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) {
      const below = filesBelow(path, `${start}${name}/`);
      for (const [file, bytes] of below) files.set(file, bytes);
    } else files.set(`${start}${name}`, Deno.readFileSync(path));
  }
  return files;
}
