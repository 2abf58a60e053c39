/** Up to this length compressing costs more than it saves. */
const GZIP_ABOVE_BYTES = 1_024;

/** A body as it is sent, with the headers that describe it. */
export interface RequestBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Encodes a text, compressed when it is longer than 1024 bytes.
 *
 * @see docs/wire.md, section a.1
 */
export async function encodeRequestBody(
  text: string,
  mediaType = "application/json",
): Promise<RequestBody> {
  const plain = new TextEncoder().encode(text);
  const type = { "content-type": mediaType };
  if (plain.length <= GZIP_ABOVE_BYTES) return { bytes: plain, headers: type };
  const packed = new Blob([plain]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return {
    bytes: new Uint8Array(await new Response(packed).arrayBuffer()),
    headers: { ...type, "content-encoding": "gzip" },
  };
}
