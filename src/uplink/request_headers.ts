/**
 * Checks a token before it becomes a header, since the error that the runtime
 * throws there would quote it.
 *
 * @throws {RangeError} for a token that no header can carry.
 */
export function checkBearer(token: string): void {
  if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(token)) {
    throw new RangeError(
      "Cannot send a token that is not printable ASCII text",
    );
  }
}

/** A longer id does not fit into a request; no server needs one. */
const MAX_EVENT_ID_BYTES = 4_096;

/** Whether an id can be sent back. The stream cannot go on after one that cannot. */
export function isSendableEventId(id: string): boolean {
  if (id.length > MAX_EVENT_ID_BYTES) return false;
  if (/\p{Cc}|^ | $/u.test(id)) return false;
  // A code unit has one to three bytes: few ids have to be encoded to know.
  return 3 * id.length <= MAX_EVENT_ID_BYTES ||
    new TextEncoder().encode(id).length <= MAX_EVENT_ID_BYTES;
}

/**
 * The `Last-Event-ID` header. Header text is bytes, so the id goes out as
 * UTF-8.
 *
 * An id that no header can carry is left out: the stream then starts at now,
 * and the pull that follows every connect fetches what was missed.
 */
export function eventIdHeader(
  id: string | undefined,
): Readonly<Record<string, string>> {
  if (!id || !isSendableEventId(id)) return {};
  const bytes = new TextEncoder().encode(id);
  return { "last-event-id": String.fromCharCode(...bytes) };
}
