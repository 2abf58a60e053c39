import { encodeBase64 } from "../wire/base64.ts";
import type { SecretResponse } from "../wire/bodies.ts";
import {
  SECRET_NAME_2,
  SECRET_VERSION_HEADER,
} from "../wire/dialect2/bodies.ts";
import { ControlError } from "./control_error.ts";
import type { NodeCalls2 } from "./dialect2_calls.ts";

const NONCE_BYTES = 12;

/** A value of 1 MiB, its nonce and its tag. */
const MAX_ANSWER_BYTES = 1024 * 1024 + 28;

/**
 * Fetches a secret: nonce, ciphertext and tag in one piece, its version in a
 * header. What is too short to hold them is handed on, to fail when it is
 * decrypted as everything does that cannot be.
 *
 * @throws {ControlError} kind "not_found" without asking for a name that
 * dialect 2 cannot have, "bad_answer" for an answer without a version.
 * @see docs/wire.md, sections d.3 and h.5
 */
export async function fetchSecret2(
  calls: NodeCalls2,
  key: string,
  signal: AbortSignal,
): Promise<SecretResponse> {
  if (!SECRET_NAME_2.test(key)) {
    throw new ControlError(
      "not_found",
      "The secret was not asked for: dialect 2 has no such names",
    );
  }
  const { bytes, headers } = await calls.options.http.bytes({
    ...calls.callTo("secret", { key }),
    accept: "application/octet-stream",
    maxAnswerBytes: MAX_ANSWER_BYTES,
  }, signal);
  return {
    key,
    nonce: encodeBase64(bytes.subarray(0, NONCE_BYTES)),
    ciphertext: encodeBase64(bytes.subarray(NONCE_BYTES)),
    version: versionFrom(headers),
  };
}

function versionFrom(headers: Headers): number {
  const text = headers.get(SECRET_VERSION_HEADER) ?? "";
  const version = /^[1-9]\d*$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(version)) return version;
  throw new ControlError(
    "bad_answer",
    `The answer to secret is not the expected document: ${SECRET_VERSION_HEADER} holds no version`,
  );
}
