import * as z from "zod/mini";
import * as bodies from "../../wire/bodies.ts";
import * as bodies2 from "../../wire/dialect2/bodies.ts";
import { carrierRequestSchema } from "../../wire/carrier_credentials.ts";
import { json } from "../../wire/openapi/content.ts";
import { METRICS_MEDIA_TYPE } from "../../wire/prometheus.ts";
import { SNAPSHOT_MEDIA_TYPE } from "../../wire/signed_snapshot.ts";
import { APPLIED_HEADER } from "../../wire/snapshot_headers.ts";
import { reportBatchSchema } from "../node_routes/report.ts";
import * as answers from "./node_answers.ts";
import type { Operations } from "./operation.ts";

/** What pull and stream refuse with, in the order of their gates. */
const GATES = {
  401: ["unauthorized", "nsk_invalid", "nsk_revoked"],
  403: ["insufficient_relation"],
  404: ["node_not_found"],
  501: ["signed_event_bus_not_provisioned"],
} as const;

const node = "/v1/nodes/{node_id}";

const lists = {
  metrics: z.array(bodies.metricSchema),
  logs: z.array(bodies.logEntrySchema),
  audit: z.array(bodies.auditEntrySchema),
  metrics2: z.array(bodies2.metric2Schema),
};

const ingested = {
  202: json(answers.acceptedCount, answers.recordsTaken),
};

const ingestRefusals = {
  400: [
    "ingest_batch_malformed",
    "ingest_encoding_invalid",
    "ingest_sent_at_invalid",
  ],
  413: ["too_many_records", "record_too_large", "ingest_body_too_large"],
  429: ["per_node_rate_limited"],
} as const;

const sentAt = {
  [bodies2.SENT_AT_HEADER]: "When it was sent, RFC 3339; dialect 2 wants it.",
};

/** What nodes call, and what anyone may. */
export const NODE_OPERATIONS: Operations = {
  "GET /healthz": {
    id: "GetHealth",
    summary: "Whether the process answers",
    tag: "operations",
    caller: "anyone",
    answers: { 200: json(answers.health) },
  },
  "GET /readyz": {
    id: "GetReadiness",
    summary: "Whether the server can do its work, or why not",
    tag: "operations",
    caller: "anyone",
    answers: { 200: json(answers.readiness), 503: json(answers.readiness) },
  },
  "GET /openapi.json": {
    id: "GetOpenApi",
    summary: "This document",
    tag: "operations",
    caller: "anyone",
    answers: { 200: json(z.looseObject({ openapi: z.literal("3.1.0") })) },
  },
  "GET /metrics": {
    id: "GetMetrics",
    summary: "What the server counts, for Prometheus",
    tag: "operations",
    caller: "operator",
    answers: { 200: { [METRICS_MEDIA_TYPE]: "text" } },
  },
  "GET /v1/ping": {
    id: "Ping",
    summary: "Whether this is a control plane, and which",
    tag: "node",
    caller: "anyone",
    answers: { 200: json(answers.ping) },
  },
  "POST /v1/register": {
    id: "RegisterNode",
    summary: "A one-time token becomes a node, in the dialect that asks",
    tag: "node",
    caller: "token",
    request: json(
      bodies.registerRequestSchema,
      bodies2.registerRequest2Schema,
    ),
    answers: { 201: json(answers.registration, answers.registration2) },
    refusals: {
      400: ["public_key_invalid"],
      401: ["token_invalid", "token_expired"],
      403: [
        "token_revoked",
        "token_expired",
        "token_consumed",
        "kind_mismatch",
        "project_mismatch",
        "nonce_collision",
      ],
      404: ["resource_not_found"],
      409: ["token_consumed"],
      422: ["registration_invalid"],
      503: ["pool_exhausted"],
    },
  },
  "PUT /v1/outputs/{ticket}": {
    id: "PutExecutionOutput",
    summary: "Output of an execution, from whoever holds its ticket",
    tag: "node",
    caller: "anyone",
    dialects: [2],
    request: { "application/octet-stream": "bytes" },
    answers: { 204: null },
    refusals: { 400: ["output_size_mismatch"], 409: ["output_exists"] },
  },
  [`GET ${node}/state`]: {
    id: "GetNodeState",
    summary: "Reconciliation pull: all that a node should be",
    tag: "mesh",
    caller: "node",
    headers: {
      "if-none-match": "The tag of the state that the node has.",
      [APPLIED_HEADER]: "Epoch and version of the signed state in force.",
    },
    answers: {
      200: {
        ...json(answers.nodeStateSnapshot, answers.stateDocument),
        [SNAPSHOT_MEDIA_TYPE]: answers.signedSnapshot,
      },
      304: null,
    },
    refusals: GATES,
  },
  [`GET ${node}/events`]: {
    id: "SubscribeNodeEvents",
    summary: "The node's stream of signed events",
    tag: "mesh",
    caller: "node",
    headers: { "last-event-id": "Sequence of the last event it has." },
    answers: { 200: { "text/event-stream": "text" } },
    refusals: { 400: ["invalid_last_event_id"], ...GATES },
  },
  [`GET ${node}/trust-bundle`]: {
    id: "GetTrustBundle",
    summary: "Whom nodes are to trust, signed by the root",
    tag: "mesh",
    caller: "node",
    answers: { 200: json(answers.trustBundle) },
  },
  [`POST ${node}/credentials`]: {
    id: "IssueCarrierCredentials",
    summary: "Short-lived credentials for the node's events on a message bus",
    tag: "mesh",
    caller: "node",
    request: json(carrierRequestSchema),
    answers: { 200: json(answers.carrierCredentials) },
    refusals: {
      404: ["node_not_found"],
      429: ["per_node_rate_limited"],
      501: ["message_bus_not_provisioned"],
      503: ["message_bus_unavailable"],
    },
  },
  [`POST ${node}/heartbeat`]: {
    id: "PostHeartbeat",
    summary: "The node is there; answered with hints",
    tag: "node",
    caller: "node",
    request: json(
      bodies.heartbeatRequestSchema,
      bodies2.heartbeatRequest2Schema,
    ),
    answers: { 200: json(answers.heartbeatHints, answers.heartbeatHints2) },
    refusals: {
      400: [
        "malformed_heartbeat_request",
        "binary_checksum_empty",
        "binary_version_empty",
        "clock_skew",
      ],
    },
  },
  [`GET ${node}/secrets/{key}`]: {
    id: "GetNodeSecret",
    summary: "A secret, encrypted for the node",
    tag: "node",
    caller: "node",
    query: { version: "Dialect 2: the version that is wanted." },
    answers: {
      200: {
        ...json(answers.secret),
        "application/octet-stream": "bytes",
      },
    },
    refusals: {
      400: ["malformed_version"],
      404: ["secret_not_found", "secret_version_not_found"],
      429: ["per_node_rate_limited"],
    },
  },
  [`POST ${node}/report`]: {
    id: "PostReports",
    summary: "What changed among the node's reports",
    tag: "node",
    caller: "node",
    dialects: [1],
    request: json(reportBatchSchema),
    answers: { 200: json(answers.reportsTaken) },
    refusals: { 409: ["report_quota_exceeded"] },
  },
  [`PUT ${node}/state/reports/{key}`]: {
    id: "PutNodeReport",
    summary: "Sets one report of the node",
    tag: "mesh",
    caller: "node",
    dialects: [2],
    request: json(bodies2.putReport2Schema),
    answers: { 200: json(answers.reportTaken) },
    refusals: {
      400: ["invalid_report"],
      409: ["report_quota_exceeded"],
      413: ["payload_too_large"],
    },
  },
  [`DELETE ${node}/state/reports/{key}`]: {
    id: "DeleteNodeReport",
    summary: "Removes one report of the node",
    tag: "mesh",
    caller: "node",
    dialects: [2],
    answers: { 204: null },
    refusals: { 400: ["invalid_report"], 404: ["report_not_found"] },
  },
  [`POST ${node}/drift`]: {
    id: "PostDrift",
    summary: "What a reconcile had to correct",
    tag: "node",
    caller: "node",
    dialects: [1],
    request: json(bodies.driftReportSchema),
    answers: { 200: json(answers.acceptedCount) },
  },
  "POST /v1/keys/rotate": {
    id: "RotateNodeKey",
    summary: "The caller's new mesh key",
    tag: "node",
    caller: "node",
    request: json(
      bodies.keyRotateRequestSchema,
      bodies2.keyRotateRequest2Schema,
    ),
    answers: { 200: json(answers.rotatedPeers, answers.rotated) },
    refusals: {
      404: ["keys_rotate_peer_not_found"],
      409: ["keys_rotate_no_pending_rotation"],
      422: [
        "keys_rotate_public_key_invalid",
        "keys_rotate_public_key_unchanged",
      ],
    },
  },
  [`PUT ${node}/capabilities`]: {
    id: "PutCapabilities",
    summary: "What the node can do",
    tag: "node",
    caller: "node",
    request: json(bodies.capabilitiesSchema, bodies2.capabilities2Schema),
    answers: { 200: json(answers.accepted, answers.acceptedAt) },
  },
  [`PUT ${node}/endpoint`]: {
    id: "PutEndpoint",
    summary: "Where the node can be reached from outside",
    tag: "node",
    caller: "node",
    request: json(
      bodies.endpointReportSchema,
      bodies2.endpointReport2Schema,
    ),
    answers: { 200: json(answers.peerEndpoints, answers.endpointTaken) },
    refusals: {
      400: [
        "malformed_endpoint_request",
        "endpoint_unparseable",
        "endpoint_clock_skew",
      ],
      404: ["endpoint_peer_not_found"],
    },
  },
  [`POST ${node}/executions/{execution_id}/ack`]: {
    id: "AcknowledgeExecution",
    summary: "Whether the node runs what it was asked to",
    tag: "node",
    caller: "node",
    dialects: [1],
    request: json(bodies.executionAckSchema),
    answers: { 200: json(answers.accepted) },
    refusals: {
      400: ["execution_id_mismatch"],
      404: ["execution_not_found"],
      409: ["execution_conflict", "execution_expired"],
    },
  },
  [`POST ${node}/executions/{execution_id}/result`]: {
    id: "FinishExecution",
    summary: "How an execution ended",
    tag: "node",
    caller: "node",
    dialects: [1],
    request: json(bodies.executionResultSchema),
    answers: { 200: json(answers.accepted) },
    refusals: {
      400: ["execution_id_mismatch"],
      404: ["execution_not_found"],
      409: ["execution_conflict"],
    },
  },
  [`POST ${node}/executions/{execution_id}`]: {
    id: "PostExecutionStep",
    summary: "How far an execution is",
    tag: "node",
    caller: "node",
    dialects: [2],
    request: json(bodies2.executionCallback2Schema),
    answers: { 200: json(answers.executionStep) },
    refusals: {
      404: ["execution_not_found"],
      409: ["execution_conflict", "execution_expired", "output_not_uploaded"],
      413: ["payload_too_large"],
    },
  },
  [`POST ${node}/metrics`]: {
    id: "PostMetrics",
    summary: "Metrics of the node",
    tag: "node",
    caller: "node",
    headers: sentAt,
    request: json(lists.metrics, lists.metrics2),
    answers: ingested,
    refusals: ingestRefusals,
  },
  [`POST ${node}/logs`]: {
    id: "PostLogs",
    summary: "Log lines of the node",
    tag: "node",
    caller: "node",
    headers: sentAt,
    request: {
      ...json(lists.logs),
      [bodies2.NDJSON_MEDIA_TYPE]: bodies2.log2Schema,
    },
    answers: ingested,
    refusals: ingestRefusals,
  },
  [`POST ${node}/audit`]: {
    id: "PostAudit",
    summary: "Audit records of the node",
    tag: "node",
    caller: "node",
    headers: sentAt,
    request: {
      ...json(lists.audit),
      [bodies2.NDJSON_MEDIA_TYPE]: bodies2.audit2Schema,
    },
    answers: ingested,
    refusals: ingestRefusals,
  },
  [`POST ${node}/deregister`]: {
    id: "DeregisterNode",
    summary: "The node leaves for good",
    tag: "node",
    caller: "node",
    answers: { 204: null },
  },
  "GET /v1/artifacts/plexd/{version}/{os}/{arch}": {
    id: "GetArtifact",
    summary: "A program of a release",
    tag: "node",
    caller: "node",
    answers: { 200: { "application/octet-stream": "bytes" } },
    refusals: { 404: ["artifact_not_found"] },
  },
  "GET /v1/artifacts/plexd/{version}": {
    id: "GetRelease",
    summary: "What there is of a release",
    tag: "node",
    caller: "node",
    dialects: [2],
    answers: { 200: json(answers.release) },
    refusals: { 404: ["artifact_not_found"] },
  },
};
