import assert from "node:assert/strict";
import { parseSigningKeysPayload } from "../../src/trust/signing_keys_payload.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";

const EXPIRES = "2026-03-02T12:00:00.000Z";

const accepted = [
  {
    what: "the current key alone",
    text: '{"current":"k"}',
    keys: { current: "k" },
  },
  {
    what: "null members as absent",
    text: '{"current":"k","previous":null,"transition_expires":null}',
    keys: { current: "k" },
  },
  {
    what: "all members",
    text: '{"current":"k","previous":"p","transition_expires":' +
      `"${EXPIRES}","domain_id":"d","node_id":"n","x":1}`,
    keys: {
      current: "k",
      previous: "p",
      transitionExpires: EXPIRES,
      domainId: "d",
      nodeId: "n",
    },
  },
  {
    what: "the shape of the public README",
    text: '{"new_signing_public_key":"k","valid_from":' +
      '"2026-03-01T12:00:00Z","transition_period":"23h59m60s"}',
    keys: { current: "k", transitionExpires: EXPIRES },
  },
  {
    what: "the shape of the public README without a transition",
    text: '{"new_signing_public_key":"k","domain_id":"d"}',
    keys: { current: "k", domainId: "d" },
  },
];
for (const { what, text, keys } of accepted) {
  Deno.test(`parseSigningKeysPayload() reads ${what}`, () => {
    assert.deepEqual(parseSigningKeysPayload(text), keys);
  });
}

const alias = (more: string) => `{"new_signing_public_key":"k",${more}}`;
const FROM = '"valid_from":"2026-03-01T12:00:00Z"';
const refused = [
  "",
  "null",
  "[]",
  "{}",
  '{"current":1}',
  '{"current":"k","current":"l"}',
  '{"current":"k","previous":[]}',
  '{"current":"k","domain_id":7}',
  alias('"valid_from":"today","transition_period":"24h"'),
  alias(`${FROM},"transition_period":"a while"`),
  alias(`${FROM},"transition_period":"9999999999h"`),
  alias(`${FROM},"transition_period":"1.2.3h"`),
];
for (const text of refused) {
  Deno.test(`parseSigningKeysPayload() refuses ${text || "no text"}`, () => {
    assert.throws(() => parseSigningKeysPayload(text), ShapeError);
  });
}
