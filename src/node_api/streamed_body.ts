/** Bytes that are handed to the runtime at a time. */
const CHUNK_BYTES = 64 * 1_024;

/**
 * A body that is handed over as its reader takes it. Of a body that is given
 * whole the runtime keeps a copy for each reader, for as long as that one takes
 * nothing; all readers of this one share its bytes.
 */
export function streamedBody(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) {
        // A copy: what is handed over belongs to the runtime.
        controller.enqueue(bytes.slice(at, at += CHUNK_BYTES));
      }
      if (at >= bytes.length) controller.close();
    },
  }, { highWaterMark: 0 });
}
