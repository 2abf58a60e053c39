import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import {
  composeSnapshot,
  ZeroDomainIdError,
  ZeroNodeIdError,
} from "../../../src/control_plane/state/compose.ts";
import type {
  CompositionRows,
  CompositionSource,
  PeerRow,
} from "../../../src/control_plane/state/composition_source.ts";
import { type Sql, SqlRow } from "../../../src/control_plane/storage/sql.ts";
import { compositionSource } from "../../../src/control_plane/storage/sql_composition.ts";
import { join2 } from "../dialect2_node.ts";
import { RunningPlane } from "../running_plane.ts";
import { MemoryLog } from "../../fakes/memory_log.ts";

const SELF = "01890000-0000-7000-8000-000000000000";
const DOMAIN = "01890000-0000-7000-8000-0000000000d0";
const ADDRESSED = { nodeId: SELF, domainId: DOMAIN };

function peer(number: number, members: Partial<PeerRow> = {}): PeerRow {
  return {
    nodeId: `01890000-0000-7000-8000-${String(number).padStart(12, "0")}`,
    meshIp: `10.42.0.${number}`,
    publicKey: "A".repeat(43) + "=",
    endpoint: "",
    ...members,
  };
}

function sourceOf(
  rows: Partial<CompositionRows>,
): Pick<CompositionSource, "rowsFor"> {
  return {
    rowsFor: () => ({
      peers: [],
      entries: [],
      executions: [],
      reachability: {
        state: "",
        lastHeartbeatAtMs: undefined,
        changedAtMs: undefined,
      },
      policy: undefined,
      bridge: undefined,
      capabilities: undefined,
      roles: [],
      services: [],
      ...rows,
    }),
  };
}

for (
  const { outcome, row } of [
    { outcome: "invalid_node_id", row: peer(1, { nodeId: "" }) },
    { outcome: "invalid_node_id", row: peer(1, { nodeId: "n1" }) },
    {
      outcome: "invalid_node_id",
      row: peer(1, { nodeId: "00000000-0000-0000-0000-000000000000" }),
    },
    { outcome: "invalid_mesh_ip", row: peer(1, { meshIp: "" }) },
    { outcome: "invalid_mesh_ip", row: peer(1, { meshIp: "10.42.0.256" }) },
    { outcome: "invalid_mesh_ip", row: peer(1, { meshIp: "0.0.0.0" }) },
    { outcome: "invalid_mesh_ip", row: peer(1, { meshIp: "::" }) },
    { outcome: "empty_public_key", row: peer(1, { publicKey: "" }) },
  ]
) {
  Deno.test(`composeSnapshot() drops ${JSON.stringify(row)}, and keeps the others`, async () => {
    const log = new MemoryLog();
    const source = sourceOf({ peers: [row, peer(2)] });
    const { peers } = await composeSnapshot(source, ADDRESSED, 0, log);
    assert.deepEqual(peers.map(({ node_id }) => node_id), [peer(2).nodeId]);
    assert.deepEqual(log.lines.map(({ level, fields }) => [level, fields]), [
      ["warn", {
        outcome,
        domain_id: DOMAIN,
        addressed_node_id: SELF,
        peer_node_id: row.nodeId,
      }],
    ]);
  });
}

Deno.test("composeSnapshot() has every block, and null for what is not populated", async () => {
  const log = new MemoryLog();
  const snapshot = await composeSnapshot(sourceOf({}), ADDRESSED, 0, log);
  const nothing = { metadata: [], data: [], reports: [] };
  const zero = "0001-01-01T00:00:00Z";
  assert.deepEqual(snapshot, {
    peers: [],
    reachability: { state: "", last_heartbeat_at: zero, changed_at: zero },
    policy: null,
    bridge: null,
    state: nothing,
    reports: nothing,
    executions: [],
    sessions: [],
  });
});

Deno.test("composeSnapshot() refuses to guess whose snapshot is meant", async () => {
  const log = new MemoryLog();
  const compose = (nodeId: string, domainId: string) =>
    composeSnapshot(sourceOf({}), { nodeId, domainId }, 0, log);
  await assert.rejects(compose("", DOMAIN), ZeroNodeIdError);
  await assert.rejects(compose(SELF, ""), ZeroDomainIdError);
});

Deno.test("composeSnapshot() composes nothing when the rows cannot be read", async () => {
  const source = { rowsFor: () => Promise.reject(new Error("disk")) };
  await assert.rejects(
    composeSnapshot(source, ADDRESSED, 0, new MemoryLog()),
    /disk/,
  );
});

Deno.test("composeSnapshot() shares nothing with the rows", async () => {
  const rows = [peer(1)];
  const source = sourceOf({ peers: rows });
  const { peers } = await composeSnapshot(
    source,
    ADDRESSED,
    0,
    new MemoryLog(),
  );
  rows[0] = peer(2);
  Object.assign(peers[0]!, { mesh_ip: "changed" });
  assert.equal(peers[0]!.node_id, peer(1).nodeId);
  assert.equal(
    (await composeSnapshot(source, ADDRESSED, 0, new MemoryLog()))
      .peers[0]!.mesh_ip,
    peer(2).meshIp,
  );
});

Deno.test("a snapshot in a domain of 64 nodes takes one statement", async () => {
  await using plane = await RunningPlane.start();
  const node = await join2(plane);
  for (let at = 1; at < 64; at++) await plane.join();
  using database = new DatabaseSync(`${plane.dataDir}/control-plane.db`, {
    readOnly: true,
  });
  const statements: string[] = [];
  const sql: Sql = {
    run: () => assert.fail("a snapshot writes nothing"),
    get: () => assert.fail("a second statement"),
    all(text, ...values) {
      statements.push(text);
      return database.prepare(text).all(...values).map((row) =>
        new SqlRow(row)
      );
    },
  };
  const domainId = String(
    (await plane.admin("GET", `/nodes/${node.id}`)).json["domain_id"],
  );
  const { peers } = await composeSnapshot(
    compositionSource(sql, false),
    { nodeId: node.id, domainId },
    0,
    new MemoryLog(),
  );
  assert.equal(statements.length, 1);
  assert.equal(peers.length, 63);
  const ids = peers.map(({ node_id }) => node_id);
  assert.deepEqual(ids, ids.toSorted());
  assert.ok(!ids.includes(node.id));
});
