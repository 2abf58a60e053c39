import assert from "node:assert/strict";
import { Keyring, RefusedKeysError } from "../../src/trust/keyring.ts";
import { parseSigningKeysPayload } from "../../src/trust/signing_keys_payload.ts";
import { parseSigningKeysPayload2 } from "../../src/trust/signing_keys_payload2.ts";
import { parseActionRequest } from "../../src/wire/action_request.ts";
import { parseSnapshot2 } from "../../src/wire/dialect2/parse_snapshot2.ts";
import { parsePeerPayload } from "../../src/wire/peer_payload.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import {
  contentHash,
  encodeSnapshot,
  parseSignedSnapshot,
} from "../../src/wire/signed_snapshot.ts";
import type { SigningKeys } from "../../src/wire/signing_keys.ts";
import type { DesiredState } from "../../src/wire/state.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import {
  parseNodeSecretsUpdate,
  parseNodeStateUpdate,
} from "../../src/wire/state_updates.ts";
import {
  parseTrustBundle,
  trustBundleSignedText,
} from "../../src/wire/trust_bundle.ts";
import { publicKeyOf } from "../../tests/trust/signers.ts";
import { signedSnapshot } from "../../tests/trust/snapshots.ts";
import { vectors, VECTORS_NOW_MS } from "../../tests/vectors/load.ts";
import { type ParserTrial, textTrial } from "./parser_trial.ts";

const STATES = [
  ...vectors.reconcile_dialect1.map(({ desired }) => JSON.stringify(desired)),
  JSON.stringify({
    ...vectors.reconcile_dialect1[0]!.desired,
    node_id: "n_1",
    epoch: 1,
    state_version: 7,
    services: [{
      name: "relay",
      roles: ["edge"],
      version: "1.2.3",
      desired_state: "running",
      policy_refs: ["pol_a"],
      resource_refs: ["disk"],
      connector_refs: [],
      expires_at: "2026-03-02T12:00:00Z",
    }],
  }),
];

const STATES_2 = [
  ...vectors.state_dialect2.map(({ document }) => JSON.stringify(document)),
  JSON.stringify({
    ...vectors.state_dialect2[0]!.document,
    policy: {
      revision_id: "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0b1",
      fingerprint: "x",
      rules: [{ action: "allow", ports: { from: 1, to: 2 } }],
    },
    executions: [{
      execution_id: "e1",
      action: "restart",
      type: "hook",
      parameters: { "<unit>": [1.0, "x"] },
      status: "pending",
      requested_at: "2026-03-01T11:59:00Z",
      expires_at: "2026-03-01T12:59:00Z",
    }],
  }),
];

const KEYS = { current: publicKeyOf("A"), retired: [], signedChange: false };

/** Readers of whole documents and of what events carry, in either dialect. */
export function documentTrials(): ParserTrial[] {
  const refusals = [ShapeError];
  return [
    textTrial({
      name: "states of dialect 1",
      samples: STATES,
      parse: parseStateDocument,
      refusals,
      check(state, text) {
        assertPlain(state);
        assertPayloads(state, JSON.parse(text).data ?? [], "payload");
      },
    }),
    textTrial({
      name: "states of dialect 2",
      samples: STATES_2,
      parse: parseSnapshot2,
      refusals,
      check(state, text) {
        assertPlain(state);
        assertPayloads(state, JSON.parse(text).state?.data ?? [], "value");
      },
    }),
    signedStates(),
    trustBundles(),
    textTrial({
      name: "payloads of state events",
      samples: STATES,
      parse: (text) => {
        parseNodeSecretsUpdate(text);
        return parseNodeStateUpdate(text);
      },
      refusals,
      check({ data = [] }, text) {
        assertPayloads({ data }, JSON.parse(text).data ?? [], "payload");
      },
    }),
    signingKeys(1, [
      JSON.stringify(vectors.reconcile_dialect1[0]!.desired.signing_keys),
      JSON.stringify({
        new_signing_public_key: publicKeyOf("B"),
        valid_from: "2026-03-01T12:00:00Z",
        transition_period: "24h",
      }),
    ], parseSigningKeysPayload),
    signingKeys(2, [
      JSON.stringify({
        key_id: "k2",
        public_key: publicKeyOf("B"),
        previous_key_id: "k1",
        transition_expires: "2026-03-02T12:00:00Z",
      }),
    ], parseSigningKeysPayload2),
    textTrial({
      name: "payloads of peer events and requests for actions",
      samples: [
        JSON.stringify({
          ...vectors.reconcile_dialect1[0]!.desired.peers?.[0],
          domain_id: "d1",
        }),
        JSON.stringify({
          peer_id: "p",
          execution_id: "e",
          action: "restart",
          parameters: { a: [1] },
          timeout: "30s",
          checksum: "sha256:00",
          triggered_by: { type: "user", email: "a@b" },
          expires_at: "2026-03-01T12:59:00Z",
        }),
      ],
      parse(text) {
        const { id } = parsePeerPayload(text);
        return text.includes("execution_id")
          ? { id, parameters: parseActionRequest(text).parameters }
          : { id, parameters: "{}" };
      },
      refusals,
      check({ id, parameters }) {
        assert.ok(id.length > 0);
        JSON.parse(parameters);
      },
    }),
  ];
}

function signedStates(): ParserTrial {
  return textTrial({
    name: "signed states",
    samples: [STATES[0]!, STATES_2[0]!].map((content) =>
      encodeSnapshot(signedSnapshot({ content }))
    ),
    parse: parseSignedSnapshot,
    refusals: [ShapeError],
    check({ content, epoch, version }, text) {
      const whole = JSON.parse(text);
      assertSame(JSON.parse(content), whole.content);
      assert.equal(contentHash(content).length, 44);
      assert.ok(Number.isSafeInteger(epoch) && Number.isSafeInteger(version));
    },
  });
}

function trustBundles(): ParserTrial {
  const bundle = {
    version: 3,
    roots: [publicKeyOf("A")],
    signing_keys: [publicKeyOf("B"), publicKeyOf("C")],
    revoked_key_ids: ["x"],
    issued_at: "2026-03-01T11:59:30Z",
    signature: "AAAA",
  };
  return textTrial({
    name: "trust bundles",
    samples: [JSON.stringify(bundle), JSON.stringify(bundle, undefined, 2)],
    parse: parseTrustBundle,
    refusals: [ShapeError],
    check(read) {
      const lines = read.signedText.split("\n");
      const [, object = ""] = lines;
      assert.equal(lines.length, 2);
      const [, same = ""] = trustBundleSignedText(read).split("\n");
      assertSame(JSON.parse(object), JSON.parse(same));
    },
  });
}

/** A rotation: whatever is announced, only good keys can come of it. */
function signingKeys(
  dialect: 1 | 2,
  samples: readonly string[],
  parse: (text: string) => SigningKeys,
): ParserTrial {
  const keyring = new Keyring(
    dialect === 1 ? KEYS : { ...KEYS, currentId: "k1" },
  );
  const before = keyring.state;
  return textTrial({
    name: `payloads of key rotations of dialect ${dialect}`,
    samples,
    parse: (text) =>
      keyring.planSignedChange(parse(text), "current", VECTORS_NOW_MS),
    refusals: [ShapeError, RefusedKeysError],
    check(next) {
      assert.equal(keyring.state, before, "a plan changes nothing");
      // It throws for a key that cannot be used.
      new Keyring(next);
    },
  });
}

/** What is typed as text is text, and numbers can be compared. */
function assertPlain({ metadata, data, secretRefs, peers }: DesiredState) {
  for (const value of metadata.values()) assert.equal(typeof value, "string");
  for (const { key, version } of [...data, ...secretRefs]) {
    assert.ok(key.length > 0 && Number.isSafeInteger(version));
  }
  for (const { id } of peers) assert.ok(id.length > 0);
}

/** Each payload is the raw text of the value that stands in its entry. */
function assertPayloads(
  { data }: Pick<DesiredState, "data">,
  entries: readonly Record<string, unknown>[],
  member: string,
) {
  assert.equal(data.length, entries.length);
  for (const [at, { payload }] of data.entries()) {
    assertSame(JSON.parse(payload), entries[at]?.[member] ?? null);
  }
}

/** Faster than to compare deeply, and as strict for what comes of JSON. */
function assertSame(a: unknown, b: unknown) {
  assert.equal(JSON.stringify(a), JSON.stringify(b));
}
