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

  constructor(kind: RejectedEventError["kind"], eventId?: string) {
    super(`Event refused: ${kind}`);
    this.kind = kind;
    if (eventId !== undefined) this.eventId = eventId;
  }
}
