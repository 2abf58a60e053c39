import assert from "node:assert/strict";
import fc from "fast-check";
import { parseSnapshot2 } from "../../../src/wire/dialect2/parse_snapshot2.ts";
import { ShapeError } from "../../../src/wire/shape_error.ts";
import { vectors } from "../../vectors/load.ts";

type Json = null | boolean | number | string | Json[] | {
  [name: string]: Json;
};

/** A document that has everything. */
const FULL = JSON.stringify({
  ...vectors.state_dialect2.find(({ name }) => name === "populated")!.document,
  policy: { revision_id: "r1", fingerprint: "f", rules: [{ action: "allow" }] },
  executions: [{
    execution_id: "x1",
    action: "greet",
    type: "hook",
    parameters: { word: "hello" },
    status: "pending",
    requested_at: "2026-03-01T11:59:00Z",
    expires_at: "2026-03-01T12:59:00Z",
  }],
  sessions: [],
});

/**
 * What a document says, read without the decoder.
 *
 * @throws {RangeError} for one that says nothing.
 */
function readingOf(value: Json) {
  if (!isObject(value)) throw new RangeError("no object");
  for (
    const name of [
      "peers",
      "policy",
      "bridge",
      "state",
      "reports",
      "reachability",
    ]
  ) {
    if (!Object.hasOwn(value, name)) throw new RangeError(`no ${name}`);
  }
  const { peers, policy, state, executions = null } = value;
  const block = state === null
    ? { metadata: null, data: null }
    : objectOf(state!);
  if (!("metadata" in block && "data" in block)) throw new RangeError();
  return {
    metadata: valuesOf(block["metadata"]!),
    data: valuesOf(block["data"]!),
    peers: listOf(peers!).map((peer) => {
      const { node_id, mesh_ip, public_key, fallback_endpoint = null } =
        objectOf(peer);
      return [
        nameOf(node_id),
        textOf(mesh_ip),
        textOf(public_key),
        fallback_endpoint === null ? "" : textOf(fallback_endpoint),
      ];
    }),
    policies: policy === null ? [] : [policyOf(objectOf(policy!))],
    executions: listOf(executions).map((execution) => {
      const { execution_id, action, type, parameters = null, status } =
        objectOf(execution);
      const { expires_at = null } = objectOf(execution);
      if (type !== undefined) textOf(type);
      if (parameters !== null) objectOf(parameters);
      return [
        nameOf(execution_id),
        textOf(action),
        parameters,
        textOf(status),
        expires_at === null ? undefined : textOf(expires_at) || undefined,
      ];
    }),
  };
}

function policyOf({ revision_id, rules = null }: { [name: string]: Json }) {
  listOf(rules);
  return [nameOf(revision_id), rules];
}

function isObject(value: Json): value is { [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectOf(value: Json): { [name: string]: Json } {
  if (isObject(value)) return value;
  throw new RangeError("no object");
}

function listOf(value: Json): Json[] {
  if (value === null) return [];
  if (Array.isArray(value)) return value;
  throw new RangeError("no list");
}

function textOf(value: Json | undefined): string {
  if (typeof value === "string") return value;
  throw new RangeError("no text");
}

function nameOf(value: Json | undefined): string {
  return textOf(value) || textOf(null);
}

function valuesOf(list: Json): [string, string][] {
  const values = listOf(list).map((entry): [string, string] => {
    const { key, value } = objectOf(entry);
    if (nameOf(key).length > 1024) throw new RangeError("too long");
    return [nameOf(key), textOf(value)];
  });
  if (new Map(values).size < values.length) throw new RangeError("twice");
  return values;
}

/** The same of what the decoder has made of a text. */
function decoded(text: string) {
  const state = parseSnapshot2(text);
  return {
    metadata: [...state.metadata],
    data: state.data.map(({ key, payload }) => [key, JSON.parse(payload)]),
    peers: state.peers.map(({ id, meshIp, publicKey, endpoint }) => [
      id,
      meshIp,
      publicKey,
      endpoint,
    ]),
    policies: state.policies.map(({ id, rules }) => [id, JSON.parse(rules)]),
    executions: (state.executions ?? []).map((one) => [
      one.executionId,
      one.action,
      JSON.parse(one.parameters),
      one.status,
      one.expiresAt,
    ]),
  };
}

/** Holds the decoder against the reading. @returns whether both have read it. */
function sameReading(text: string): boolean {
  let expected: ReturnType<typeof readingOf> | undefined;
  try {
    expected = readingOf(JSON.parse(text));
  } catch (error) {
    const refused = error instanceof RangeError || error instanceof SyntaxError;
    if (!refused) throw error;
  }
  if (!expected) {
    assert.throws(() => parseSnapshot2(text), ShapeError, text);
    return false;
  }
  assert.deepEqual(decoded(text), expected, text);
  return true;
}

/** Every place of a document, outermost first. */
function placesIn(value: Json, at: readonly string[] = []): string[][] {
  const below = typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([name, member]) =>
      placesIn(member, [...at, name])
    )
    : [];
  return at.length === 0 ? below : [[...at], ...below];
}

/** What happens to one place. */
type Change = { readonly remove: true } | { readonly put: Json };

function changed(document: Json, place: readonly string[], change: Change) {
  const parents = place.slice(0, -1);
  const last = place.at(-1)!;
  // deno-lint-ignore no-explicit-any -- walks whatever a document holds
  const parent: any = parents.reduce((at: any, name) => at[name], document);
  if ("put" in change) parent[last] = change.put;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
}

const odd = fc.oneof(
  fc.constantFrom<Json>(null, "", [], {}, 0, true, [null], [{}], "text"),
  fc.jsonValue() as fc.Arbitrary<Json>,
);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constant({ remove: true } as const),
  odd.map((put) => ({ put })),
);

Deno.test("a snapshot of which a place is changed means what it says, or is refused", () => {
  const places = placesIn(JSON.parse(FULL));
  const outcomes = new Set<boolean>();
  fc.assert(
    fc.property(fc.constantFrom(...places), change, (place, change) => {
      const document = JSON.parse(FULL) as Json;
      changed(document, place, change);
      outcomes.add(sameReading(JSON.stringify(document)));
    }),
    { numRuns: 3_000 },
  );
  // Neither all nor none of them was refused.
  assert.equal(outcomes.size, 2);
  assert.ok(sameReading(FULL));
});

Deno.test("a snapshot whose text is cut or garbled means what it says, or is refused", () => {
  const index = fc.nat({ max: FULL.length });
  const insert = fc.constantFrom("", "{", "}", "[", "]", ",", '"', "\\", "0");
  fc.assert(
    fc.property(index, fc.nat({ max: 3 }), insert, (at, gone, text) => {
      const garbled = FULL.slice(0, at) + text + FULL.slice(at + gone);
      sameReading(garbled);
    }),
    { numRuns: 3_000 },
  );
});
