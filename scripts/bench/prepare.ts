import { generateKeyPairSync } from "node:crypto";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { openMembership } from "../../src/store/membership.ts";
import { loadSealKey } from "../../src/store/seal_key.ts";
import { createNodeKeyPair } from "../../src/trust/node_keys.ts";
import type { DataEntry } from "../../src/wire/data_entry.ts";
import { silentLog } from "./silent_log.ts";

/** Entries of the node's state in every row. */
export const ENTRIES = 1_000;

/** Nobody listens on a port this low, and asking costs nothing. */
const NO_CONTROL_PLANE = "http://127.0.0.1:1";

/** A node that has joined and pulled, as it lies on disk. */
export interface PreparedNode {
  /** What `plexd up` has to be told to run as this node. */
  readonly env: Readonly<Record<string, string>>;
  readonly socket: string;
}

/** Writes a node with {@linkcode ENTRIES} entries, by the store's own means. */
export async function prepareNode(folder: string): Promise<PreparedNode> {
  const keyFile = `${folder}/machine.key`;
  const store = await openMembership({
    dataDir: folder,
    cluster: "default",
    seal: () => loadSealKey({ keyFile, create: true, random: systemRandom }),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  const signingKey = generateKeyPairSync("ed25519").publicKey
    .export({ type: "spki", format: "der" }).subarray(-32).toString("base64");
  await store.identity.save({
    nodeId: "01900000-0000-7000-8000-000000000001",
    meshIp: "10.100.0.1",
    dialect: 1,
    controlPlane: NO_CONTROL_PLANE,
    enrolledAt: "2026-01-01T00:00:00.000Z",
    ...await createNodeKeyPair(),
    nodeSecretKey: systemRandom.bytes(32).toBase64(),
    signingPublicKey: signingKey,
  });
  await store.trust.save({
    current: signingKey,
    retired: [],
    signedChange: false,
  });
  await store.state.update(() => ({
    metadata: new Map([["region", "eu-1"], ["role", "web"]]),
    data: Array.from({ length: ENTRIES }, (_, at) => dataEntry(at)),
    secretRefs: [{ key: "database", version: 1 }],
    position: { epoch: 1, version: 1 },
    complete: true,
  }));
  await store.close();
  const socket = `${folder}/api.sock`;
  return {
    socket,
    env: {
      PLEXD_DATA_DIR: folder,
      PLEXD_SEAL_KEY_FILE: keyFile,
      PLEXD_API_BASE_URL: NO_CONTROL_PLANE,
      PLEXD_NODE_API_SOCKET_PATH: socket,
      PLEXD_NODE_API_SECRETS_SOCKET_PATH: `${folder}/secrets.sock`,
      PLEXD_NODE_API_GROUP: "",
      PLEXD_NODE_API_SECRETS_GROUP: "",
    },
  };
}

/** An entry as configuration is: a few hundred bytes. */
export function dataEntry(at: number, version = 1): DataEntry {
  const payload = JSON.stringify({
    service: `service-${at}`,
    replicas: 1 + at % 7,
    image: `registry.example/service-${at}:1.${version}.0`,
    ports: [8080, 9090],
    limits: { cpu: "500m", memory: "256Mi" },
  });
  return {
    key: keyOf(at),
    contentType: "application/json",
    payload,
    version,
    updatedAt: "2026-01-01T00:00:00Z",
  };
}

/** Key of the entry at a place. */
export function keyOf(at: number): string {
  return `config.service-${at.toString().padStart(5, "0")}`;
}
