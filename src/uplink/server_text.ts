import { hideSecret } from "./hide_secret.ts";

/** Most bytes of an error body that are kept. @see docs/wire.md, section a.1 */
export const MAX_SERVER_TEXT_BYTES = 4_096;

/**
 * Text of an error body, made fit for logs and error messages: on one line,
 * bounded, and without any of `secrets`, which a server may have quoted.
 *
 * @param cut Whether the body went on after `text`.
 */
export function presentServerText(
  text: string,
  cut: boolean,
  secrets: readonly string[],
): string {
  for (const secret of secrets) text = hideSecret(secret, text, cut);
  const plain = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
  return startOf(plain, MAX_SERVER_TEXT_BYTES);
}

function startOf(text: string, maxBytes: number): string {
  const bytes = new Uint8Array(maxBytes);
  const { read } = new TextEncoder().encodeInto(text, bytes);
  return text.slice(0, read);
}
