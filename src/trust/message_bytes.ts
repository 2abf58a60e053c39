/** Holds any text of a third of this length; longer ones get their own memory. */
const ROOM_BYTES = 48 * 1024;

const encoder = new TextEncoder();
const room = new Uint8Array(ROOM_BYTES);

/**
 * Has `use` look at the UTF-8 bytes of a text, such as to verify a signature:
 * they stand in memory that is used again, since new memory for each event of a
 * burst takes several times as long as the encoding. Once it returns they are
 * gone, as events can carry keys.
 */
export function withMessageBytes<Result>(
  text: string,
  use: (bytes: Uint8Array) => Exclude<Result, PromiseLike<unknown>>,
): Result {
  if (3 * text.length > ROOM_BYTES) return use(encoder.encode(text));
  const bytes = room.subarray(0, encoder.encodeInto(text, room).written);
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}
