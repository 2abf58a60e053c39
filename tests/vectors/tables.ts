import type { vectors } from "./load.ts";

/** What `vectors.json` holds beside its groups. */
type Remark = "about" | "clock_now" | "ed25519_keys";

/** A group of vectors. */
export type Group = Exclude<keyof typeof vectors, Remark>;

/** What the vectors of one group have, and which test compares with it. */
export interface Table {
  /** What must come out, and the files below tests/ that compare with it. */
  readonly expected: Readonly<Record<string, string | readonly string[]>>;
  /** What goes in. */
  readonly given: readonly string[];
  /** What is told, and what the public agent does. */
  readonly remarks?: readonly string[];
}

const REPORTS2 = "uplink/dialect2_reports_test.ts";
const SYNCER2 = "sync/report_syncer2_test.ts";
const SECRET2 = "uplink/dialect2_secret_test.ts";
const PUT = "node_api/report_routes_test.ts";
const FAILURE = "uplink/after_failure_test.ts";

/**
 * Every group with the test that is the first to answer for it. Others look at
 * the same vectors from further out: over sockets, and through other parts.
 */
export const TABLES: Readonly<Record<Group, Table>> = {
  envelopes_dialect1: {
    expected: {
      expect: "trust/verify_event_test.ts",
      reason: "trust/verify_event_test.ts",
      canonical_b64: "wire/canonical_test.ts",
    },
    given: ["name", "wire_data", "keys"],
    remarks: ["note"],
  },
  envelope_sequences_dialect1: {
    expected: { steps: "trust/verify_event_test.ts" },
    given: ["name", "keys"],
  },
  envelopes_dialect2: {
    expected: {
      expect: "trust/verify_event2_test.ts",
      reason: "trust/verify_event2_test.ts",
      canonical_b64: "wire/canonical_test.ts",
    },
    given: ["name", "wire_data", "keys"],
    remarks: ["note"],
  },
  nsk_to_aes_key: {
    expected: {
      expect: "wire/node_secret_test.ts",
      aes_key_hex: "wire/node_secret_test.ts",
    },
    given: ["name", "nsk"],
    remarks: ["note"],
  },
  bearer: {
    expected: {
      expect: "uplink/bearer_test.ts",
      authorization: "uplink/bearer_test.ts",
    },
    given: ["name", "dialect", "node_id", "nsk"],
  },
  secrets_dialect1: {
    expected: {
      expect: "trust/decrypt_secret_test.ts",
      value: "trust/decrypt_secret_test.ts",
    },
    given: ["name", "nsk", "response"],
    remarks: ["note"],
  },
  secrets_dialect2: {
    expected: { expect: SECRET2, value: SECRET2, version: SECRET2 },
    given: ["name", "nsk", "body_b64", "headers"],
  },
  reconcile_dialect1: {
    expected: { expected_corrections: "sync/diff_test.ts" },
    given: ["name", "current", "desired"],
    remarks: ["reference_only"],
  },
  state_dialect2: {
    expected: {
      expected_metadata: "wire/dialect2/parse_snapshot2_test.ts",
      expected_data: "wire/dialect2/parse_snapshot2_test.ts",
    },
    given: ["name", "document"],
    remarks: ["note"],
  },
  dialect_detection: {
    expected: { dialect: "wire/detect_dialect_test.ts" },
    given: ["name", "kind", "document", "text"],
  },
  report_sync: {
    expected: {
      go_body: "uplink/dialect1_uplink_test.ts",
      body: REPORTS2,
      expect_status: REPORTS2,
      outcome: [REPORTS2, SYNCER2],
      valid_keys: [SYNCER2, SECRET2],
      invalid_keys: [SYNCER2, SECRET2],
      max_bytes: SYNCER2,
    },
    given: [
      "name",
      "dialect",
      "entries",
      "deleted",
      "method",
      "key",
      "payload_json",
      "server_status",
      "server_code",
      "ok",
      "too_long_length",
    ],
    remarks: ["note"],
  },
  local_api_put_report: {
    expected: { status: PUT, version: PUT, error: PUT },
    given: ["name", "key", "body", "if_match", "existing_version"],
    remarks: ["note"],
  },
  retry_after: {
    expected: { recommended_seconds: "uplink/retry_after_test.ts" },
    given: ["value"],
    remarks: ["note", "go_seconds"],
  },
  error_classification: {
    expected: { stream: FAILURE, register: FAILURE },
    given: ["status"],
  },
  error_classification_dialect2: {
    expected: { action: FAILURE },
    given: ["surface", "status", "code"],
  },
  gzip_threshold: {
    expected: { content_encoding: "uplink/control_client_test.ts" },
    given: ["json_bytes"],
  },
  backoff: {
    expected: {
      base_ms: "uplink/backoff_test.ts",
      multiplier: "uplink/backoff_test.ts",
      max_ms: "uplink/backoff_test.ts",
      jitter: "uplink/backoff_test.ts",
      nominal_ms: "uplink/backoff_test.ts",
      min_ms: "uplink/backoff_test.ts",
      max_jittered_ms: "uplink/backoff_test.ts",
    },
    given: [],
  },
  token_validation: {
    expected: {
      ok: "sync/token_sources_test.ts",
      value: "sync/token_sources_test.ts",
    },
    given: ["token", "token_length"],
    remarks: ["note"],
  },
  sse_streams: {
    expected: {
      expected: "uplink/sse_parser_test.ts",
      expected_event_data_lengths: "uplink/sse_parser_test.ts",
    },
    given: ["name", "chunks_b64", "generate"],
    remarks: ["note", "go_reference"],
  },
};
