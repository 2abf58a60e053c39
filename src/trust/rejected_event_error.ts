/** An event was refused. The stream goes on. */
export class RejectedEventError extends Error {
  override readonly name = "RejectedEventError";
  readonly kind:
    | "missing_signature"
    | "missing_nonce"
    | "missing_issued_at"
    | "stale"
    | "future"
    | "unknown_key_id"
    | "signature"
    | "replay";
  /** Of an event that is authentic; kind "replay" only. */
  readonly eventId?: string;
  /** What the event calls its key, whoever wrote it; kind "unknown_key_id" only. */
  readonly keyId?: string;

  constructor(
    kind: RejectedEventError["kind"],
    { eventId, keyId }: { readonly eventId?: string; readonly keyId?: string } =
      {},
  ) {
    super(`Event refused: ${kind}`);
    this.kind = kind;
    if (eventId !== undefined) this.eventId = eventId;
    if (keyId !== undefined) this.keyId = keyId;
  }
}
