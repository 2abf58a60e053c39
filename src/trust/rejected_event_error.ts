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

  constructor(kind: RejectedEventError["kind"]) {
    super(`Event refused: ${kind}`);
    this.kind = kind;
  }
}
