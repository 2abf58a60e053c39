/** A signed event as it was received, before anything about it is trusted. */
export interface Envelope {
  readonly type: string;
  readonly id: string;
  /** RFC 3339 text as received; empty when the member is missing. */
  readonly issuedAt: string;
  /** Empty when the member is missing. */
  readonly nonce: string;
  /** Raw JSON text exactly as received; `null` when the member is missing. */
  readonly payload: string;
  /** Base64 as received; empty when the member is missing. */
  readonly signature: string;
}

declare const verified: unique symbol;
/** An envelope whose signature, freshness and novelty have been checked. */
export type VerifiedEvent = Envelope & {
  /** `issuedAt` as ms since the Unix epoch. */
  readonly issuedAtMs: number;
  /** Which of the trusted keys signed it. */
  readonly signedBy: "current" | "previous";
  readonly [verified]: true;
};
