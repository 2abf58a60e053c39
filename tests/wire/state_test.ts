import assert from "node:assert/strict";
import fc from "fast-check";
import { ShapeError } from "../../src/wire/shape_error.ts";
import {
  encodeDataEntry,
  parseDataEntries,
} from "../../src/wire/data_entry.ts";
import { comparePositions } from "../../src/wire/state.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import {
  parseNodeSecretsUpdate,
  parseNodeStateUpdate,
} from "../../src/wire/state_updates.ts";

const PAYLOAD = '{ "n" : 1.0, "big":12345678901234567890, "s":"\\u003C" }';
const ENTRY = `{"version":3,"payload" : ${PAYLOAD} ,"key":"app",` +
  '"updated_at":"2026-03-01T12:00:00Z","content_type":"application/json"}';
const PARSED_ENTRY = {
  key: "app",
  contentType: "application/json",
  payload: PAYLOAD,
  version: 3,
  updatedAt: "2026-03-01T12:00:00Z",
};

Deno.test("parseStateDocument() reads a whole document, payloads byte for byte", () => {
  const text = `{
    "node_id": "n1", "epoch": 7, "state_version": 42,
    "peers": [{"id":"p1","public_key":"k","mesh_ip":"10.0.0.2",
      "endpoint":"192.0.2.1:51820","allowed_ips":["10.0.0.2/32"],"psk":"s"},
      {"id":"p2","public_key":"k","mesh_ip":"10.0.0.3","allowed_ips":null,
        "endpoint":null}],
    "policies": [{"id":"pol","rules":[ {"port": 1.0} ]},{"id":"empty"}],
    "signing_keys": {"current":"c","previous":null,"transition_expires":"t"},
    "metadata": {"role":"db"},
    "data": [${ENTRY}],
    "secret_refs": [{"key":"pw","version":1}],
    "relay_config": {"sessions":[]}
  }`;
  assert.deepEqual(parseStateDocument(text), {
    nodeId: "n1",
    position: { epoch: 7, version: 42 },
    peers: [
      {
        id: "p1",
        publicKey: "k",
        meshIp: "10.0.0.2",
        endpoint: "192.0.2.1:51820",
        allowedIps: ["10.0.0.2/32"],
      },
      {
        id: "p2",
        publicKey: "k",
        meshIp: "10.0.0.3",
        endpoint: "",
        allowedIps: [],
      },
    ],
    policies: [
      { id: "pol", rules: '[ {"port": 1.0} ]' },
      { id: "empty", rules: "null" },
    ],
    signingKeys: { current: "c", transitionExpires: "t" },
    metadata: new Map([["role", "db"]]),
    data: [PARSED_ENTRY],
    secretRefs: [{ key: "pw", version: 1 }],
  });
});

for (
  const text of [
    '{"data":null,"policies":null,"secret_refs":null,"metadata":null,"peers":null}',
    '{"data":[],"policies":[],"secret_refs":[],"metadata":{},"peers":[]}',
    '{"data":[]}',
  ]
) {
  Deno.test(`parseStateDocument() takes ${text} as an empty state`, () => {
    assert.deepEqual(parseStateDocument(text), {
      metadata: new Map(),
      data: [],
      secretRefs: [],
      peers: [],
      policies: [],
    });
  });
}

const entryWith = (more: string) =>
  `{"data":[{${more},"content_type":"t",` +
  '"payload":1,"updated_at":"u"}]}';
const refused = [
  { what: "text that is not JSON", text: "<html>" },
  { what: "an array", text: "[]" },
  { what: "null", text: "null" },
  { what: "no members", text: "{}" },
  {
    what: "a snapshot of the other dialect",
    text: '{"policy":null,"state":null,"reports":null,"reachability":{}}',
  },
  { what: "data twice", text: '{"data":[],"data":[]}' },
  { what: "data twice, once escaped", text: '{"data":[],"d\\u0061ta":[]}' },
  { what: "data as an object", text: '{"data":{}}' },
  { what: "a fraction as version", text: entryWith('"key":"k","version":1.5') },
  { what: "a negative version", text: entryWith('"key":"k","version":-1') },
  { what: "a version past 2^53", text: entryWith('"key":"k","version":1e16') },
  { what: "an empty key", text: entryWith('"key":"","version":1') },
  {
    what: "a key that stands twice",
    text: `{"data":[${ENTRY},${ENTRY}]}`,
  },
  {
    what: "a secret that stands twice",
    text: '{"secret_refs":[{"key":"a","version":1},{"key":"a","version":2}]}',
  },
  { what: "metadata that is no text", text: '{"data":[],"metadata":{"a":1}}' },
  {
    what: "metadata that is no text under __proto__",
    text: '{"data":[],"metadata":{"__proto__":{"a":1}}}',
  },
  { what: "an epoch of zero", text: '{"data":[],"epoch":0,"state_version":1}' },
];
for (const { what, text } of refused) {
  Deno.test(`parseStateDocument() refuses ${what}`, () => {
    assert.throws(() => parseStateDocument(text), ShapeError);
  });
}

Deno.test("parseStateDocument() holds any metadata name", () => {
  const text =
    '{"data":[],"metadata":{"__proto__":"a","constructor":"b","":"c"}}';
  assert.deepEqual([...parseStateDocument(text).metadata], [
    ["__proto__", "a"],
    ["constructor", "b"],
    ["", "c"],
  ]);
});

Deno.test("parseStateDocument() names the place but not the value it refuses", () => {
  const text = '{"data":[],"metadata":{"password":["hunter2"]}}';
  assert.throws(() => parseStateDocument(text), (error: Error) => {
    assert.match(error.message, /metadata\.password: expected string/);
    assert(!error.message.includes("hunter2"));
    return true;
  });
});

Deno.test("parseStateDocument() bounds the place it names", () => {
  const text = `{"data":[],"metadata":{"${"k".repeat(1e6)}":1}}`;
  assert.throws(
    () => parseStateDocument(text),
    (error: Error) => error.message.length < 400,
  );
});

Deno.test("parseStateDocument() stands a payload nested a million deep", () => {
  const bomb = "[".repeat(1e6) + "]".repeat(1e6);
  const text = `{"data":[{"key":"k","content_type":"t","payload":${bomb},` +
    '"version":1,"updated_at":"u"}]}';
  assert.equal(parseStateDocument(text).data[0]?.payload, bomb);
});

Deno.test("parseNodeStateUpdate() tells an absent part from an empty one", () => {
  assert.deepEqual(parseNodeStateUpdate("{}"), {});
  assert.deepEqual(parseNodeStateUpdate('{"metadata":{}}'), {
    metadata: new Map(),
  });
  assert.deepEqual(parseNodeStateUpdate('{"metadata":null,"data":null}'), {
    metadata: new Map(),
    data: [],
  });
  assert.deepEqual(parseNodeStateUpdate(`{"data":[${ENTRY}]}`), {
    data: [PARSED_ENTRY],
  });
});

Deno.test("parseNodeSecretsUpdate() tells an absent index from an empty one", () => {
  assert.deepEqual(parseNodeSecretsUpdate("{}"), {});
  assert.deepEqual(parseNodeSecretsUpdate('{"secret_refs":null}'), {
    secretRefs: [],
  });
  const text = '{"secret_refs":[{"key":"pw","version":2}],"node_id":"n",' +
    '"epoch":1,"state_version":9}';
  assert.deepEqual(parseNodeSecretsUpdate(text), {
    secretRefs: [{ key: "pw", version: 2 }],
    nodeId: "n",
    position: { epoch: 1, version: 9 },
  });
});

for (
  const text of ["", "null", "[]", '{"data":[1]}', '{"data":[],"data":[]}']
) {
  Deno.test(`parseNodeStateUpdate() refuses ${text || "no text"}`, () => {
    assert.throws(() => parseNodeStateUpdate(text), ShapeError);
  });
}

Deno.test("parseDataEntries() reads back what encodeDataEntry() wrote", () => {
  const entry = fc.record({
    key: fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
    contentType: fc.string(),
    payload: fc.json(),
    version: fc.nat(),
    updatedAt: fc.string(),
  }, { noNullPrototype: true });
  const entries = fc.uniqueArray(entry, { selector: ({ key }) => key });
  fc.assert(fc.property(entries, (written) => {
    const text = `[${written.map(encodeDataEntry).join(",")}]`;
    assert.deepEqual(parseDataEntries("entries", text), written);
  }));
});

Deno.test("comparePositions() orders by epoch, then by version", () => {
  const of = (epoch: number, version: number) => ({ epoch, version });
  assert.equal(comparePositions(of(1, 9), of(2, 1)), -1);
  assert.equal(comparePositions(of(2, 1), of(1, 9)), 1);
  assert.equal(comparePositions(of(2, 1), of(2, 2)), -1);
  assert.equal(comparePositions(of(2, 2), of(2, 2)), 0);
});
