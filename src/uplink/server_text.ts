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
  for (const secret of secrets) {
    text = text.replaceAll(secret, "[redacted]");
    if (cut) text = withoutStartOf(secret, text);
  }
  const plain = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
  return startOf(plain, MAX_SERVER_TEXT_BYTES);
}

/** Drops the beginning of a secret that was cut off together with the text. */
function withoutStartOf(secret: string, text: string): string {
  for (let length = secret.length - 1; length > 0; length--) {
    if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length);
  }
  return text;
}

function startOf(text: string, maxBytes: number): string {
  const bytes = new Uint8Array(maxBytes);
  const { read } = new TextEncoder().encodeInto(text, bytes);
  return text.slice(0, read);
}
