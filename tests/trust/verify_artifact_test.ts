import assert from "node:assert/strict";
import {
  RefusedArtifactError,
  verifyArtifact,
} from "../../src/trust/verify_artifact.ts";
import { importSigningKey } from "../../src/trust/signing_key.ts";
import { encodeBase64 } from "../../src/wire/base64.ts";
import { publicKeyOf, signWith } from "./signers.ts";

const SUM = "ab".repeat(32);
const NAME = "plexd-1.2.3-linux-amd64.tar.gz";
const SUMS = `${"cd".repeat(32)}  x-${NAME}\n${SUM}  ${NAME}\n`;
const A = publicKeyOf("A");
const B = publicKeyOf("B");

function signed(sums: string, name = NAME) {
  const signature = encodeBase64(
    signWith("A", new TextEncoder().encode(sums)),
  );
  return { version: "1.2.3", name, sums, signature };
}

function refusal(
  release: ReturnType<typeof signed>,
  keys: readonly string[],
): string {
  try {
    verifyArtifact(release, keys);
    return "accepted";
  } catch (error) {
    assert.ok(error instanceof RefusedArtifactError);
    return error.kind;
  }
}

Deno.test("verifyArtifact() believes a list that a release key has signed", () => {
  const artifact = verifyArtifact(signed(SUMS), [B, A]);
  assert.equal(artifact.sha256, SUM);
  assert.equal(artifact.keyId, importSigningKey(A)?.fingerprint);
});

Deno.test("verifyArtifact() refuses what no key has signed, and what is not listed once", () => {
  const release = signed(SUMS);
  assert.equal(refusal({ ...release, signature: "" }, [A]), "unsigned");
  assert.equal(refusal({ ...release, signature: "AAAA" }, [A]), "unsigned");
  assert.equal(refusal(release, [B]), "unknown_key");
  assert.equal(refusal(release, []), "unknown_key");
  const tampered = SUMS.replace("ab", "00");
  assert.equal(refusal({ ...release, sums: tampered }, [A]), "unknown_key");
  assert.equal(refusal(signed(SUMS, "plexd"), [A]), "not_listed");
  assert.equal(refusal(signed(SUMS, "tar.gz"), [A]), "not_listed");
  const twice = `${SUMS}${"00".repeat(32)} *${NAME}\n`;
  assert.equal(refusal(signed(twice), [A]), "not_listed");
});
