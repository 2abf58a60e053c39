import { createControlPlane } from "../../../src/control_plane/control_plane.ts";
import { hashOf, newToken } from "../../../src/control_plane/credentials.ts";
import { addDomain } from "../../../src/control_plane/domains.ts";
import { compileForNewNode } from "../../../src/control_plane/policies.ts";
import { openSqliteStorage } from "../../../src/control_plane/sqlite_storage.ts";
import type { Rows } from "../../../src/control_plane/storage/storage.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { createLogger } from "../../../src/platform/log.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import { systemRandom, uuidV7 } from "../../../src/platform/random.ts";
import { bearerFor } from "../../../src/uplink/bearer.ts";
import { encodeBase64 } from "../../../src/wire/base64.ts";
import type { SimulatedNode } from "./requests.ts";

/** A data folder with nodes in it. */
export interface PreparedFleet {
  /** By name of the domain. */
  readonly domains: ReadonlyMap<string, readonly SimulatedNode[]>;
  /** Each good for one registration into a domain without nodes. */
  readonly tokens: readonly string[];
}

const io: Platform = {
  clock: systemClock,
  random: systemRandom,
  log: createLogger({ clock: systemClock, format: () => "", write() {} }),
};

const DAY_MS = 86_400_000;

/**
 * Writes nodes into the database as registration would leave them, with first
 * call, pull and heartbeat behind them: to register thousands one by one would
 * take longer than all that is measured.
 *
 * @param sizes How many nodes each domain gets, by its name.
 */
export async function prepareFleet(
  dataDir: string,
  sizes: ReadonlyMap<string, number>,
  tokens: number,
): Promise<PreparedFleet> {
  await makeDatabase(dataDir);
  const storage = openSqliteStorage(`${dataDir}/control-plane.db`);
  try {
    return await storage.write(async (rows) => {
      const domains = new Map<string, SimulatedNode[]>();
      for (const [name, size] of sizes) {
        const { id } = await addDomain(rows, { name }, io);
        const { meshCidr } = (await rows.domains.byId(id))!;
        const nodes: SimulatedNode[] = [];
        for (let at = 1; at <= size; at++) {
          nodes.push(await addNode(rows, id, addressAt(meshCidr, at)));
        }
        domains.set(name, nodes);
      }
      const joining = await addDomain(rows, { name: "joining" }, io);
      return { domains, tokens: await addTokens(rows, joining.id, tokens) };
    });
  } finally {
    storage.close();
  }
}

/** Keys and settings are made by the first start of a control plane. */
async function makeDatabase(dataDir: string) {
  const plane = await createControlPlane({
    dataDir,
    listen: { hostname: "127.0.0.1", port: 0 },
    version: "0",
    io,
  });
  await plane.run(AbortSignal.abort());
}

async function addNode(
  rows: Rows,
  domainId: string,
  meshIp: string,
): Promise<SimulatedNode> {
  const id = uuidV7(io.clock, io.random);
  const secretKey = encodeBase64(io.random.bytes(32));
  const atMs = io.clock.now();
  await rows.nodes.add({
    id,
    domainId,
    dialect: 2,
    hostname: "bench",
    publicKey: encodeBase64(io.random.bytes(32)),
    meshIp,
    labels: "{}",
    // Nothing that is measured opens it.
    sealedKey: new Uint8Array(64),
    firstSequence: await rows.events.lastSequence(),
    registeredAtMs: atMs,
  }, hashOf(secretKey));
  await compileForNewNode(rows, { id, domainId }, io);
  const self = `node:${id}`;
  await rows.relations.add({
    subject: self,
    relation: "node-agent",
    object: self,
  });
  await rows.nodes.firstCall(id, atMs);
  await rows.nodes.pulled(id, 1);
  await rows.nodes.heartbeat(id, { atMs, text: "{}" });
  await rows.nodes.reachabilityChanged(id, { state: "healthy", atMs });
  return { id, bearer: bearerFor(2, id, secretKey) };
}

async function addTokens(
  rows: Rows,
  domainId: string,
  count: number,
): Promise<string[]> {
  const tokens = Array.from(
    { length: count },
    () => newToken("bench", io.random),
  );
  for (const token of tokens) {
    await rows.tokens.add({
      hash: hashOf(token),
      domainId,
      expiresAtMs: io.clock.now() + DAY_MS,
    });
  }
  return tokens;
}

/** @param meshCidr A network of 16 bits. */
function addressAt(meshCidr: string, at: number): string {
  const [first, second] = meshCidr.split(".");
  return `${first}.${second}.${at >> 8}.${at & 255}`;
}
