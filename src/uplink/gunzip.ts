/**
 * Compressed bytes that are decoded at a time. The runtime decodes what it gets
 * at once, and of a gzip bomb each byte becomes a thousand.
 */
const PIECE_BYTES = 4_096;

/**
 * Decodes gzip as it is read: little more is held than what has been taken.
 */
export function gunzip(
  packed: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const inPieces = new TransformStream({
    transform(chunk: Uint8Array<ArrayBuffer>, controller) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        controller.enqueue(chunk.subarray(at, at + PIECE_BYTES));
      }
    },
  });
  return packed.pipeThrough(inPieces)
    .pipeThrough(new DecompressionStream("gzip"));
}
