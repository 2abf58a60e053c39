/** Why a guard turned a connection or a request away. */
export const REFUSAL_REASONS = [
  "connections",
  "head_timeout",
  "body_timeout",
  "write_timeout",
  "idle_timeout",
  "malformed",
  "target_too_long",
  "head_too_large",
  "unavailable",
] as const;

export type RefusalReason = typeof REFUSAL_REASONS[number];

/** An answer that the guard gives by itself; the connection ends with it. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly status: number;
  /** The whole answer, as it goes over the wire. */
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();

function refusal(
  reason: RefusalReason,
  status: number,
  phrase: string,
  error: string,
  extra: readonly string[] = [],
): Refusal {
  const body = JSON.stringify({ error }) + "\n";
  const head = [
    `HTTP/1.1 ${status} ${phrase}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
    "connection: close",
    ...extra,
  ];
  const bytes = encoder.encode(`${head.join("\r\n")}\r\n\r\n${body}`);
  return { reason, status, bytes };
}

/** A request that is not HTTP/1.1 to the letter. */
export function malformed(error: string): Refusal {
  return refusal("malformed", 400, "Bad Request", error);
}

export const HEAD_TOO_LATE = refusal(
  "head_timeout",
  408,
  "Request Timeout",
  "request head took too long",
);
export const BODY_TOO_LATE = refusal(
  "body_timeout",
  408,
  "Request Timeout",
  "request body took too long",
);
export const TARGET_TOO_LONG = refusal(
  "target_too_long",
  414,
  "URI Too Long",
  "path too long",
);
export const UNKNOWN_EXPECTATION = refusal(
  "malformed",
  417,
  "Expectation Failed",
  "unknown expectation",
);
export const HEAD_TOO_LARGE = refusal(
  "head_too_large",
  431,
  "Request Header Fields Too Large",
  "request header fields too large",
);
export const UNKNOWN_CODING = refusal(
  "malformed",
  501,
  "Not Implemented",
  "unknown transfer coding",
);
export const TOO_MANY_CONNECTIONS = refusal(
  "connections",
  503,
  "Service Unavailable",
  "too many connections",
  ["retry-after: 1"],
);
export const UNAVAILABLE = refusal(
  "unavailable",
  503,
  "Service Unavailable",
  "unavailable",
  ["retry-after: 1"],
);
export const WRONG_VERSION = refusal(
  "malformed",
  505,
  "HTTP Version Not Supported",
  "HTTP version not supported",
);
