import assert from "node:assert/strict";
import { TelemetryBuffers } from "../../src/agent/telemetry_buffers.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

const NODE = {
  controlPlane: "https://one.example",
  domainId: "d1",
  nodeId: "n1",
};

const NOTHING = { logs: 0, audit: 0 };

function filled() {
  const log = new MemoryLog();
  const buffers = new TelemetryBuffers(log);
  const { metrics, audit } = buffers.for(NODE, NOTHING);
  metrics.queue.resize(10);
  metrics.queue.add([
    { timestamp: "2026-03-01T12:00:00Z", data: {} },
    { timestamp: "2026-03-01T12:00:15Z", data: {} },
  ]);
  audit.sent = 3;
  return { buffers, log };
}

const same = [
  { when: "after a reload", node: NODE },
  { when: "as another node of the domain", node: { ...NODE, nodeId: "n2" } },
];
for (const { when, node } of same) {
  Deno.test(`what could not be sent stays ${when}`, () => {
    const { buffers, log } = filled();
    assert.equal(buffers.for(node, NOTHING).metrics.queue.size, 2);
    assert.equal(buffers.for(node, NOTHING).audit.sent, 3);
    assert.deepEqual(log.lines, []);
  });
}

const { domainId: _, ...nowhere } = NODE;
const others = [
  {
    who: "another control plane",
    node: { ...NODE, controlPlane: "https://two.example" },
  },
  { who: "another domain", node: { ...NODE, domainId: "d2" } },
  { who: "who names no domain", node: nowhere },
];
for (const { who, node } of others) {
  Deno.test(`what could not be sent is dropped for ${who}, with a word`, () => {
    const { buffers, log } = filled();
    assert.equal(buffers.for(node, NOTHING).metrics.queue.size, 0);
    assert.equal(buffers.for(node, NOTHING).audit.sent, 0);
    assert.deepEqual(
      log.lines.map(({ message, fields }) => [message, fields]),
      [
        [
          "Telemetry of the former node is dropped",
          { metrics: 2, logs: 0, audit: 0 },
        ],
      ],
    );
  });
}

Deno.test("the first node has nothing to drop, and an empty stop loses nothing", () => {
  const log = new MemoryLog();
  const buffers = new TelemetryBuffers(log);
  buffers.for(NODE, NOTHING);
  buffers.tellLost("Telemetry is lost by the stop");
  assert.deepEqual(log.lines, []);
});

Deno.test("what was lost under a former node is no gap for another, but what was before the first is", () => {
  const buffers = new TelemetryBuffers(new MemoryLog());
  const lost = { logs: 3, audit: 5 };
  const told = (node: typeof NODE) => {
    const { logs, audit } = buffers.for(node, lost);
    return [logs.told, audit.told];
  };
  assert.deepEqual(told(NODE), [0, 0]);
  assert.deepEqual(told({ ...NODE, nodeId: "n2" }), [0, 0]);
  assert.deepEqual(told({ ...NODE, domainId: "d2" }), [3, 5]);
});
