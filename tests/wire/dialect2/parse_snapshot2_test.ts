import assert from "node:assert/strict";
import { parseSnapshot2 } from "../../../src/wire/dialect2/parse_snapshot2.ts";
import { ShapeError } from "../../../src/wire/shape_error.ts";
import { parseStateDocument } from "../../../src/wire/state_document.ts";
import { vectors } from "../../vectors/load.ts";

Deno.test("the vectors hold 3 snapshots of dialect 2", () => {
  assert.equal(vectors.state_dialect2.length, 3);
});

for (const vector of vectors.state_dialect2) {
  Deno.test(`parseSnapshot2() reads vector ${vector.name}`, () => {
    const state = parseSnapshot2(JSON.stringify(vector.document));
    assert.deepEqual(
      Object.fromEntries(state.metadata),
      vector.expected_metadata,
    );
    assert.deepEqual(
      state.data.map(({ key, contentType, payload }) => ({
        key,
        content_type: contentType,
        payload: JSON.parse(payload) as unknown,
      })),
      vector.expected_data,
    );
    assert.equal(state.unversioned, true);
    assert.deepEqual(state.secretRefs, []);
  });
}

const EMPTY = {
  peers: [],
  policy: null,
  bridge: null,
  state: null,
  reports: null,
  reachability: { state: "", changed_at: "2026-02-28T00:00:00Z" },
};

for (const name of Object.keys(EMPTY) as (keyof typeof EMPTY)[]) {
  Deno.test(`parseSnapshot2() refuses a document without ${name}`, () => {
    const { [name]: _left, ...rest } = EMPTY;
    assert.throws(
      () => parseSnapshot2(JSON.stringify(rest)),
      (error) =>
        error instanceof ShapeError && error.message.includes(`no ${name}`),
    );
  });
}

Deno.test("a snapshot is refused as a document of dialect 1, and the other way round", () => {
  const one = '{"peers":[],"policies":[],"data":[],"secret_refs":[]}';
  assert.throws(() => parseSnapshot2(one), ShapeError);
  assert.throws(() => parseStateDocument(JSON.stringify(EMPTY)), ShapeError);
});

Deno.test("parseSnapshot2() takes peers, the policy's raw rules and executions", () => {
  const rules = '[{"action":"allow","n":1.0}]';
  const text = JSON.stringify({ ...EMPTY, policy: "POLICY" }).replace(
    '"POLICY"',
    `{"revision_id":"r1","fingerprint":"x","rules":${rules}}`,
  ).replace(
    '"peers":[]',
    '"peers":[{"node_id":"n2","mesh_ip":"10.0.0.2","public_key":"k",' +
      '"fallback_endpoint":"203.0.113.1:51820"}],' +
      '"executions":[{"execution_id":"x1","action":"a","type":"hook",' +
      '"parameters":{"n":1.0},"status":"pending",' +
      '"expires_at":"2026-03-01T12:00:00Z"},' +
      '{"execution_id":"x2","action":"b","parameters":null,"status":"ack"}]',
  );
  const state = parseSnapshot2(text);
  assert.deepEqual(state.peers, [{
    id: "n2",
    publicKey: "k",
    meshIp: "10.0.0.2",
    endpoint: "203.0.113.1:51820",
    allowedIps: [],
  }]);
  assert.deepEqual(state.policies, [{ id: "r1", rules }]);
  assert.deepEqual(state.executions, [
    {
      executionId: "x1",
      action: "a",
      type: "hook",
      parameters: '{"n":1.0}',
      status: "pending",
      expiresAt: "2026-03-01T12:00:00Z",
    },
    { executionId: "x2", action: "b", parameters: "null", status: "ack" },
  ]);
});

for (
  const [what, change] of [
    ["a key that stands twice", {
      state: {
        metadata: [{ key: "a", value: "1" }, { key: "a", value: "2" }],
        data: [],
      },
    }],
    ["a value that is no text", {
      state: { metadata: [{ key: "a", value: 1 }], data: [] },
    }],
    ["a state block without metadata", { state: { data: [] } }],
    ["a state block without data", { state: { metadata: [] } }],
    ["peers that are no list", { peers: {} }],
    ["a policy without a revision", { policy: { rules: [] } }],
  ] as const
) {
  Deno.test(`parseSnapshot2() refuses ${what}`, () => {
    const text = JSON.stringify({ ...EMPTY, ...change });
    assert.throws(() => parseSnapshot2(text), ShapeError);
  });
}
