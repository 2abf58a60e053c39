import assert from "node:assert/strict";
import { importSigningKey } from "../../src/trust/signing_key.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { decodeAnswer, withoutNulls } from "../../src/uplink/decode_answer.ts";
import { decodeRegistration } from "../../src/uplink/decode_registration.ts";
import { parseHttpDate } from "../../src/uplink/http_date.ts";
import { parseRetryAfter } from "../../src/uplink/retry_after.ts";
import {
  MAX_SERVER_TEXT_BYTES,
  presentServerText,
} from "../../src/uplink/server_text.ts";
import { decodeBase64, encodeBase64 } from "../../src/wire/base64.ts";
import {
  endpointResponseSchema,
  heartbeatResponseSchema,
  keyRotateResponseSchema,
  registerResponseSchema,
  secretResponseSchema,
} from "../../src/wire/bodies.ts";
import { dropSpace } from "../../src/wire/canonical.ts";
import { carrierCredentialsSchema } from "../../src/wire/carrier_credentials.ts";
import {
  endpointResponse2Schema,
  executionAnswer2Schema,
  heartbeatResponse2Schema,
  keyRotateResponse2Schema,
  putReportResponse2Schema,
  registerResponse2Schema,
} from "../../src/wire/dialect2/bodies.ts";
import { findDuplicate } from "../../src/wire/duplicate_members.ts";
import { parseDuration } from "../../src/wire/duration.ts";
import { parseProblem } from "../../src/wire/problem.ts";
import {
  parseFirstValue,
  rawElements,
  rawMembers,
} from "../../src/wire/raw_json.ts";
import { parseRfc3339 } from "../../src/wire/rfc3339.ts";
import { checkShape } from "../../src/wire/shape_error.ts";
import { parseBundleVersion } from "../../src/wire/snapshot_headers.ts";
import { publicKeyOf } from "../../tests/trust/signers.ts";
import { vectors, VECTORS_NOW_MS } from "../../tests/vectors/load.ts";
import { mangledJson, mangledText } from "./mangle.ts";
import { type ParserTrial, textTrial } from "./parser_trial.ts";

const SCHEMAS = [
  endpointResponseSchema,
  endpointResponse2Schema,
  heartbeatResponseSchema,
  heartbeatResponse2Schema,
  keyRotateResponseSchema,
  keyRotateResponse2Schema,
  secretResponseSchema,
  executionAnswer2Schema,
  putReportResponse2Schema,
  carrierCredentialsSchema,
];

const UUID = "0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0b1";

/** Readers of answers, of errors, and of the texts and headers in them. */
export function answerTrials(): ParserTrial[] {
  return [
    rawJson(),
    textTrial({
      name: "answers to registrations",
      samples: [
        { node_id: "n_1", node_secret_key: "x", snapshots: "offered" },
        { node_id: UUID, nsk: "x", signing_key_id: "k", trust_bundle: {} },
      ].map((own) =>
        JSON.stringify({
          ...own,
          mesh_ip: "10.0.0.1",
          signing_public_key: publicKeyOf("A"),
          domain_id: "d",
        })
      ),
      parse: (text) =>
        text.includes("nsk")
          ? decodeRegistration(2, registerResponse2Schema, text)
          : decodeRegistration(1, registerResponseSchema, text),
      refusals: [ControlError],
      check: ({ node_id }) => assert.ok(node_id.length > 0),
    }),
    textTrial({
      name: "answers to other calls",
      samples: [
        '{"reconcile":true,"rotate_keys":false,"accepted_at":"x"}',
        '{"key":"k","ciphertext":"AA==","nonce":"AA==","version":3}',
        '{"updated_peers":[{"id":"p","public_key":"k","mesh_ip":"i","endpoint":"","allowed_ips":[]}],"peer_endpoints":[{"peer_id":"p","endpoint":"e"}]}',
        '{"rotation_id":"r","kid":"k","wrap_key_version":1,"upload_url":"https://x/y","object_key":"o"}',
        '{"carrier":"nats","servers":["tls://x:1"],"stream":"s","consumer":"c","subject":"x","inbox_prefix":"i","user_jwt":"j","user_seed":"s","issued_at":"t","expires_at":"t"}',
      ],
      parse: (text) =>
        decodeAnswer("torture", () => {
          const value = withoutNulls(parseFirstValue(text).value);
          const schema = SCHEMAS[text.length % SCHEMAS.length]!;
          return checkShape("answer", schema, value);
        }),
      refusals: [ControlError],
    }),
    problems(),
    smallTexts(),
  ];
}

/** The slicer itself: on what `JSON.parse` takes it has to agree with it. */
function rawJson(): ParserTrial {
  const samples = vectors.envelopes_dialect1.map(({ wire_data }) => wire_data)
    .filter((text) => isJson(text));
  return {
    name: "slices of JSON",
    next(random) {
      const sample = random.pick(samples);
      const json = mangledJson(sample, random);
      const spaced = random.below(2) === 0 || !isJson(json)
        ? json
        : JSON.stringify(JSON.parse(json), undefined, random.below(3));
      const input = random.below(3) === 0
        ? mangledText(spaced, random)
        : spaced;
      return {
        input,
        read() {
          const first = firstOf(input);
          if (first === undefined) return false;
          const { raw, value, rest } = first;
          assert.ok(input.endsWith(raw + rest));
          assertSlices(raw, value);
          return true;
        },
      };
    },
  };
}

function firstOf(text: string) {
  try {
    return parseFirstValue(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function assertSlices(raw: string, value: unknown) {
  const whole = JSON.stringify(value);
  assert.equal(JSON.stringify(JSON.parse(dropSpace(raw))), whole);
  if (Array.isArray(value)) {
    const elements = rawElements(raw).map((text) => JSON.parse(text));
    assert.equal(JSON.stringify(elements), whole);
  } else if (typeof value === "object" && value !== null) {
    const members = rawMembers(raw);
    const byName = new Map(members);
    const names = Object.keys(value);
    assert.deepEqual(new Set(byName.keys()), new Set(names));
    for (const [name, text] of byName) {
      const same: string = JSON.stringify(
        (value as Record<string, unknown>)[name],
      );
      assert.equal(JSON.stringify(JSON.parse(text)), same);
    }
    const isTwice = members.length > names.length;
    assert.ok(!isTwice || findDuplicate(raw) !== undefined);
  }
}

function problems(): ParserTrial {
  const secret = "bearer-of-this-node";
  return textTrial({
    name: "problem documents and texts of errors",
    samples: [
      `{"type":"about:blank","title":"T","status":403,"detail":"not ${secret}","code":"node_id_mismatch","instance":"/x","relation_path":[]}`,
      `<html><body>${secret}\r\n${secret}</body></html>`,
    ],
    areJson: false,
    parse(text) {
      const problem = parseProblem(text);
      const cut = text.length % 2 === 0;
      return presentServerText(problem?.detail ?? text, cut, [secret]);
    },
    refusals: [],
    check(shown) {
      assert.ok(!shown.includes(secret), "it shows a secret");
      assert.doesNotMatch(shown, /\p{Cc}/u);
      const { length } = new TextEncoder().encode(shown);
      assert.ok(length <= MAX_SERVER_TEXT_BYTES);
    },
  });
}

/** Times, durations, keys and numbers, which are refused without an error. */
function smallTexts(): ParserTrial {
  return textTrial({
    name: "times, keys and numbers",
    samples: [
      ...vectors.retry_after.vectors.map(({ value }) => value),
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
      "2026-03-01T11:59:30.123456789+05:30",
      "1h30m2.5s",
      "12",
      publicKeyOf("A"),
      "MCowBQYDK2VwAyEA" + publicKeyOf("B"),
    ],
    areJson: false,
    parse: (text) => [
      timesIn(text),
      importSigningKey(text) !== undefined,
      bytesIn(text),
    ],
    refusals: [],
  });
}

function timesIn(text: string): boolean {
  const time = parseRfc3339(text);
  if (time) {
    const again = parseRfc3339(time.canonical);
    assert.deepEqual(again, time, "its canonical form is another time");
  }
  const numbers = [
    parseRetryAfter(text, VECTORS_NOW_MS),
    parseDuration(text),
    parseBundleVersion(text),
  ];
  for (const one of numbers) assert.ok(one === undefined || one >= 0);
  const date = parseHttpDate(text, VECTORS_NOW_MS);
  assert.ok(date === undefined || Number.isSafeInteger(date));
  return time !== undefined;
}

function bytesIn(text: string): boolean {
  const bytes = decodeBase64(text);
  if (!bytes) return false;
  assert.equal(encodeBase64(bytes), text.replace(/[\r\n]/g, ""));
  return true;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
