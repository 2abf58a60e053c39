import assert from "node:assert/strict";
import { importSigningKey } from "../../src/trust/signing_key.ts";
import {
  type PinnedTrust,
  RefusedBundleError,
  verifyBundle,
} from "../../src/trust/verify_bundle.ts";
import { encodeBase64 } from "../../src/wire/base64.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import {
  parseTrustBundle,
  trustBundleSignedText,
} from "../../src/wire/trust_bundle.ts";
import { publicKeyOf, type SignerName, signWith } from "./signers.ts";

const A = publicKeyOf("A");
const B = publicKeyOf("B");
const idOf = (key: string) => importSigningKey(key)!.fingerprint;

const CONTENT = {
  version: 2,
  roots: [A],
  signingKeys: [B],
  revokedKeyIds: [] as readonly string[],
  issuedAt: "2026-03-01T12:00:00Z",
};

function bundleText(
  fields: Partial<typeof CONTENT> = {},
  signer: SignerName = "A",
): string {
  const content = { ...CONTENT, ...fields };
  const signed = trustBundleSignedText(content);
  const signature = signWith(signer, new TextEncoder().encode(signed));
  return JSON.stringify(
    {
      signature: encodeBase64(signature),
      issued_at: content.issuedAt,
      version: content.version,
      roots: content.roots,
      signing_keys: content.signingKeys,
      revoked_key_ids: content.revokedKeyIds,
      unknown: true,
    },
    null,
    2,
  );
}

const PINNED: PinnedTrust = {
  roots: [A],
  revokedKeyIds: [],
  version: 0,
  signedText: "",
};

function outcome(text: string, pinned: Partial<PinnedTrust> = {}): string {
  try {
    verifyBundle(parseTrustBundle(text), { ...PINNED, ...pinned });
    return "accepted";
  } catch (error) {
    if (error instanceof RefusedBundleError) return error.kind;
    throw error;
  }
}

Deno.test("the signed text of a bundle is the one of the design, however it is sent", () => {
  const bundle = parseTrustBundle(bundleText());
  assert.equal(bundle.signedText, trustBundleSignedText(CONTENT));
  assert.equal(
    bundle.signedText,
    "plexd-trust-bundle-v1\n" +
      `{"version":2,"roots":["${A}"],"signing_keys":["${B}"]` +
      ',"revoked_key_ids":[],"issued_at":"2026-03-01T12:00:00Z"}',
  );
});

Deno.test("a bundle of a pinned root is accepted, one of another is not", () => {
  assert.equal(outcome(bundleText()), "accepted");
  assert.equal(outcome(bundleText({}, "B")), "unknown_root");
  assert.equal(outcome(bundleText({}, "C")), "unknown_root");
});

Deno.test("a revoked root signs nothing, whoever revoked it", () => {
  const revokedKeyIds = [idOf(A)];
  assert.equal(outcome(bundleText(), { revokedKeyIds }), "unknown_root");
  assert.equal(outcome(bundleText({ revokedKeyIds })), "unknown_root");
});

Deno.test("a later bundle replaces one, an earlier one does not", () => {
  assert.equal(outcome(bundleText(), { version: 1 }), "accepted");
  assert.equal(outcome(bundleText(), { version: 3 }), "rolled_back");
});

Deno.test("the bundle in force may come again, another one of its version not", () => {
  const signedText = trustBundleSignedText(CONTENT);
  assert.equal(outcome(bundleText(), { version: 2, signedText }), "accepted");
  assert.equal(
    outcome(bundleText({ signingKeys: [A] }), { version: 2, signedText }),
    "equivocation",
  );
});

Deno.test("a bundle with a key that is none is refused", () => {
  assert.equal(outcome(bundleText({ signingKeys: ["AAAA"] })), "bad_key");
});

Deno.test("a changed member is refused", () => {
  assert.equal(
    outcome(bundleText().replace('"version": 2', '"version": 3')),
    "unknown_root",
  );
});

for (
  const [what, from, to] of [
    ["a member twice", '"version": 2', '"version": 2, "version": 2'],
    ["no version", '"version"', '"x"'],
    ["version 0", '"version": 2', '"version": 0'],
    ["no time", "2026-03-01T12", "yesterday"],
  ] as const
) {
  Deno.test(`a bundle is malformed with ${what}`, () => {
    assert.throws(
      () => parseTrustBundle(bundleText().replace(from, to)),
      ShapeError,
    );
  });
}
