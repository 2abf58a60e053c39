import assert from "node:assert/strict";
import type { PeerRow } from "../../../src/control_plane/state/composition_source.ts";
import { PeerTexts } from "../../../src/control_plane/state/peer_texts.ts";
import { MemoryLog } from "../../fakes/memory_log.ts";

function row(number: number, members: Partial<PeerRow> = {}): PeerRow {
  return {
    nodeId: `01890000-0000-7000-8000-${String(number).padStart(12, "0")}`,
    meshIp: `10.42.0.${number}`,
    publicKey: "key",
    endpoint: "",
    ...members,
  };
}

const addressed = (nodeId: string) => ({ nodeId, domainId: "d" });

Deno.test("each node is told all nodes of its domain but itself", () => {
  const texts = new PeerTexts(({ meshIp }) => meshIp);
  const members = Object.freeze([row(1), row(2), row(3)]);
  const told = [1, 2, 3, 4].map((number) =>
    texts.of(members, addressed(row(number).nodeId), new MemoryLog()).text
  );
  assert.deepEqual(told, [
    '["10.42.0.2","10.42.0.3"]',
    '["10.42.0.1","10.42.0.3"]',
    '["10.42.0.1","10.42.0.2"]',
    '["10.42.0.1","10.42.0.2","10.42.0.3"]',
  ]);
});

Deno.test("peers are written once for a list that cannot change, and each time for one that can", () => {
  let written = 0;
  const texts = new PeerTexts(({ meshIp }) => {
    written++;
    return meshIp;
  });
  const frozen = Object.freeze([row(1), row(2)]);
  for (const { nodeId } of frozen) {
    texts.of(frozen, addressed(nodeId), new MemoryLog());
  }
  assert.equal(written, 2);
  const list = [row(1), row(2)];
  const { nodeId } = list[0]!;
  const before = texts.of(list, addressed(nodeId), new MemoryLog());
  list[1] = row(3);
  const after = texts.of(list, addressed(nodeId), new MemoryLog());
  assert.notEqual(after.digest, before.digest);
  assert.equal(after.text, '["10.42.0.3"]');
});

Deno.test("digests are the same for the same peers of the same node only", () => {
  const texts = new PeerTexts((peer) => peer);
  const digest = (rows: PeerRow[], nodeId: string) =>
    texts.of(Object.freeze(rows), addressed(nodeId), new MemoryLog()).digest;
  const { nodeId } = row(1);
  const first = digest([row(1), row(2)], nodeId);
  assert.equal(digest([row(1), row(2)], nodeId), first);
  assert.notEqual(digest([row(1), row(2)], row(2).nodeId), first);
  assert.notEqual(
    digest([row(1), row(2, { endpoint: "192.0.2.1:1" })], nodeId),
    first,
  );
});

Deno.test("a corrupt row is dropped with a warning for each state, but not for its own node", () => {
  const texts = new PeerTexts(({ meshIp }) => meshIp);
  const members = Object.freeze([row(1), row(2, { publicKey: "" })]);
  const log = new MemoryLog();
  for (const number of [1, 1, 2]) {
    texts.of(members, addressed(row(number).nodeId), log);
  }
  assert.equal(log.lines.length, 2);
});
