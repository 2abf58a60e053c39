/**
 * Decodes padded base64 of the standard alphabet. CR and LF are skipped, as Go
 * does; any other space, the URL alphabet, missing padding and loose bits at
 * the end are refused.
 *
 * @returns undefined for anything else.
 * @see docs/wire.md, section b.3, step 6
 */
export function decodeBase64(
  text: string,
): Uint8Array<ArrayBuffer> | undefined {
  // The decoder itself would skip spaces, tabs and form feeds as well.
  if (/[^A-Za-z0-9+/=\r\n]/.test(text)) return undefined;
  try {
    return Uint8Array.fromBase64(text, {
      alphabet: "base64",
      lastChunkHandling: "strict",
    });
  } catch {
    return undefined;
  }
}

/** Padded base64 of the standard alphabet. */
export function encodeBase64(bytes: Uint8Array): string {
  return bytes.toBase64();
}
