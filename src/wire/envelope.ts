/** What envelopes of both dialects carry. */
interface SignedMembers {
  readonly type: string;
  readonly id: string;
  /** RFC 3339 text as received; empty when the member is missing. */
  readonly issuedAt: string;
  /** Raw JSON text exactly as received; `null` when the member is missing. */
  readonly payload: string;
  /** Base64 as received; empty when the member is missing. */
  readonly signature: string;
}

/**
 * A signed event of dialect 1 as it was received, before anything about it is
 * trusted.
 */
export interface Envelope extends SignedMembers {
  /** Empty when the member is missing. */
  readonly nonce: string;
}

/** The same in dialect 2, which has no nonce: its events have to be idempotent. */
export interface Envelope2 extends SignedMembers {
  /** `node:<id>` or `domain:<id>`; empty when the member is missing. */
  readonly scope: string;
  /** Which key signed it; empty when the member is missing. */
  readonly keyId: string;
}

declare const verified: unique symbol;
/** An event whose signature, freshness and novelty have been checked. */
export interface VerifiedEvent {
  readonly type: string;
  readonly id: string;
  /** Raw JSON text exactly as received. */
  readonly payload: string;
  /** Time of issue, ms since the Unix epoch. */
  readonly issuedAtMs: number;
  /** Which of the trusted keys signed it. */
  readonly signedBy: "current" | "previous";
  /** Dialect 1 only. */
  readonly nonce?: string;
  /** Dialect 2 only: whom it is for. */
  readonly scope?: string;
  readonly [verified]: true;
}
