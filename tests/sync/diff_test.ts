import assert from "node:assert/strict";
import { applyChange, EMPTY_STATE } from "../../src/store/state_view.ts";
import { diffState } from "../../src/sync/diff.ts";
import { changeTo } from "../../src/sync/pulled_state.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { vectors } from "../vectors/load.ts";

/** What plexd sees although the public agent does not, by vector. */
const SEEN_HERE: Readonly<Record<string, unknown>> = {
  "policy-rules-change-same-id-not-seen-by-go": [
    { type: "policy_updated", detail: "policy pol_a" },
  ],
  "data-payload-change-same-version-not-seen-by-go": [
    { type: "data_updated", detail: "data updated" },
  ],
  "transition-expires-change-not-seen-by-go": [
    { type: "signing_keys_updated", detail: "signing keys rotated" },
  ],
};

function presentOf(document: unknown) {
  if (document === null) return EMPTY_STATE;
  const desired = parseStateDocument(JSON.stringify(document));
  const { signingKeys } = desired;
  return {
    ...applyChange(EMPTY_STATE, changeTo(desired, 0)),
    ...(signingKeys ? { signingKeys } : {}),
  };
}

Deno.test("every reference-only vector of the reconciler has a settled answer here", () => {
  const names = vectors.reconcile_dialect1
    .filter((vector) => vector.reference_only)
    .map((vector) => vector.name);
  assert.deepEqual(names.toSorted(), Object.keys(SEEN_HERE).toSorted());
});

for (const vector of vectors.reconcile_dialect1) {
  Deno.test(`diffState() finds what vector ${vector.name} expects`, () => {
    const desired = parseStateDocument(JSON.stringify(vector.desired));
    assert.deepEqual(
      diffState(presentOf(vector.current), desired),
      SEEN_HERE[vector.name] ?? vector.expected_corrections,
    );
  });
}

const data = {
  key: "k",
  content_type: "text/plain",
  payload: 1,
  version: 1,
  updated_at: "2026-03-01T12:00:00Z",
};
const keys = {
  current: "a",
  previous: "b",
  transition_expires: "2026-03-02T12:00:00Z",
};

const cases: {
  what: string;
  from: unknown;
  to: unknown;
  types: readonly string[];
}[] = [
  {
    what: "another content type",
    from: { data: [data] },
    to: { data: [{ ...data, content_type: "text/html" }] },
    types: ["data_updated"],
  },
  {
    what: "another time of a data entry",
    from: { data: [data] },
    to: { data: [{ ...data, updated_at: "2026-03-01T12:00:01Z" }] },
    types: ["data_updated"],
  },
  {
    what: "a removed secret",
    from: { secret_refs: [{ key: "k", version: 1 }] },
    to: { secret_refs: [] },
    types: ["secret_refs_updated"],
  },
  {
    what: "one moment in another spelling",
    from: { data: [], signing_keys: keys },
    to: {
      data: [],
      signing_keys: {
        ...keys,
        transition_expires: "2026-03-02T13:00:00+01:00",
      },
    },
    types: [],
  },
  {
    what: "names of object members as metadata",
    from: { data: [], metadata: {} },
    to: { data: [], metadata: { constructor: "x" } },
    types: ["metadata_updated"],
  },
];

for (const { what, from, to, types } of cases) {
  Deno.test(`diffState() gives [${types}] for ${what}`, () => {
    const found = diffState(
      presentOf(from),
      parseStateDocument(JSON.stringify(to)),
    );
    assert.deepEqual(found.map(({ type }) => type), types);
  });
}
