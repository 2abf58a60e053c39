import * as z from "zod/mini";
import { json } from "../../wire/openapi/content.ts";
import { METRICS_MEDIA_TYPE } from "../../wire/prometheus.ts";
import { WATCH_KINDS } from "../../wire/watch.ts";
import { MOST_REPORTS } from "../report_batch.ts";
import * as answers from "./answers.ts";
import type { Operation, Operations } from "./operation.ts";

const ETAG = "Weak tag of the body, for `If-None-Match`.";

const FRESHNESS = {
  "X-Plexd-Verified-At": "When the control plane last confirmed the state, " +
    "RFC 3339; absent while it never has.",
  "X-Plexd-Stale":
    "`true` when the state may be out of date; absent otherwise.",
};

const UNAVAILABLE = { 503: ["state unavailable", "not enrolled"] };

const NO_STORE = { "Cache-Control": "`no-store`." };

/** A read that carries tag and freshness. */
function read(
  id: string,
  summary: string,
  body: z.ZodMiniType,
  rest: Partial<Operation> = {},
): Operation {
  return {
    id,
    summary,
    tag: "state",
    headers: { "If-None-Match": "Tags; 304 when one is the body's." },
    answers: { 200: json(body), 304: null },
    answerHeaders: { ETag: ETAG, ...FRESHNESS },
    ...rest,
  };
}

/** A read of state, which an expired snapshot may forbid. */
function ofState(
  id: string,
  summary: string,
  body: z.ZodMiniType,
  refusals: Operation["refusals"] = {},
  rest: Partial<Operation> = {},
): Operation {
  return read(id, summary, body, {
    refusals: { ...refusals, ...UNAVAILABLE },
    ...rest,
  });
}

const MISSING = { 404: ["not found"] };

const WAIT = {
  wait: "`synced`: answer once the control plane has it, 202 at the limit.",
  timeout: "How long to wait, such as `10s`, from `1ms` to `60s`; 10 s " +
    "without it.",
};
const SYNC = {
  "X-Plexd-Sync": "With `wait`: how far the write is on its way upstream.",
};
const WAIT_TEXTS = [
  "wait must be synced",
  "timeout must be a duration from 1ms to 60s",
  "wait must be given once",
  "timeout must be given once",
];
const UNWRITTEN = {
  408: ["request body took too long"],
  413: ["body too large"],
  507: ["disk full"],
};
const CONFLICTS = { 409: ["version conflict"], 412: ["already exists"] };

const contentMembers = {
  content_type: z.string().check(z.minLength(1)),
  payload: z.unknown(),
};
const report = z.object(contentMembers);
const batch = z.object({
  reports: z.array(z.object({
    key: z.string(),
    ...contentMembers,
    if_match: z.optional(z.int()),
    create_only: z.optional(z.boolean()),
  })).check(z.minLength(1), z.maxLength(MOST_REPORTS)),
});

/** Everything that the local API can be asked. */
export const OPERATIONS: Operations = {
  "GET /v1/state": ofState(
    "GetState",
    "Metadata, and what there is beside it; with `full` everything but " +
      "secret values, of one moment",
    answers.summary,
    { 400: ["full must be true or false", "full must be given once"] },
    {
      query: { full: "`true`: all entries with their payloads." },
      answers: { 200: json(answers.summary, answers.fullState), 304: null },
    },
  ),
  "GET /v1/state/metadata": ofState(
    "GetMetadata",
    "All metadata",
    answers.metadata,
  ),
  "GET /v1/state/metadata/{key}": ofState(
    "GetMetadataValue",
    "One value of the metadata",
    answers.metadataValue,
    MISSING,
  ),
  "GET /v1/state/data": ofState(
    "ListData",
    "Which data entries there are",
    answers.dataNames,
  ),
  "GET /v1/state/data/{key}": ofState(
    "GetDataEntry",
    "One data entry; its payload is as it came",
    answers.dataEntry,
    MISSING,
  ),
  "GET /v1/state/secrets": ofState(
    "ListSecrets",
    "Names and versions of secrets",
    answers.secretNames,
    {},
    { tag: "secrets" },
  ),
  "GET /v1/state/secrets/{key}": {
    id: "GetSecret",
    summary: "A secret's value, asked of the control plane anew each time",
    tag: "secrets",
    answers: { 200: json(answers.secretValue) },
    answerHeaders: {
      ...NO_STORE,
      "Retry-After": "With 429: when to ask again, in seconds.",
    },
    refusals: {
      ...MISSING,
      403: [
        "forbidden: insufficient privileges for secret access",
        "forbidden by the control plane",
      ],
      429: ["rate limited by the control plane"],
      503: ["control plane unavailable", "not enrolled"],
    },
  },
  "GET /v1/state/report": read(
    "ListReports",
    "Which reports there are",
    answers.reportNames,
    {
      tag: "reports",
      query: { sync: "`true`: also how far each is on its way upstream." },
      answers: {
        200: json(answers.reportNames, answers.reportNamesWithSync),
        304: null,
      },
      refusals: {
        400: ["sync must be true or false", "sync must be given once"],
      },
    },
  ),
  "PUT /v1/state/report": {
    id: "PutReports",
    summary: "Writes several reports, all or none",
    tag: "reports",
    query: WAIT,
    request: json(batch),
    answers: {
      200: json(answers.writtenReports),
      202: json(answers.writtenReports),
    },
    answerHeaders: SYNC,
    refusals: {
      400: [
        ...WAIT_TEXTS,
        "invalid JSON body",
        "reports must be a list",
        `reports must be 1 to ${MOST_REPORTS}`,
        "key is required",
        "key must be given once",
        "invalid report key",
        "content_type is required",
        "payload must be valid JSON",
        "if_match must be an integer",
        "create_only must be true or false",
      ],
      ...CONFLICTS,
      ...UNWRITTEN,
      415: ["content type must be application/json"],
    },
  },
  "GET /v1/state/report/{key}": read(
    "GetReport",
    "One report",
    answers.dataEntry,
    {
      tag: "reports",
      refusals: { 400: ["invalid report key"], ...MISSING },
    },
  ),
  "PUT /v1/state/report/{key}": {
    id: "PutReport",
    summary: "Writes one report; it is durable once answered",
    tag: "reports",
    query: WAIT,
    headers: {
      "If-Match":
        "The version that must be current, as an integer; 0 for none.",
      "If-None-Match": "`*`: create only.",
    },
    request: json(report),
    answers: { 200: json(answers.dataEntry), 202: json(answers.dataEntry) },
    answerHeaders: SYNC,
    refusals: {
      400: [
        ...WAIT_TEXTS,
        "invalid report key",
        "invalid JSON body",
        "content_type is required",
        "payload must be valid JSON",
        "If-Match must be an integer",
        "If-None-Match must be *",
      ],
      ...CONFLICTS,
      ...UNWRITTEN,
    },
  },
  "DELETE /v1/state/report/{key}": {
    id: "DeleteReport",
    summary: "Removes one report",
    tag: "reports",
    query: WAIT,
    answers: { 202: null, 204: null },
    answerHeaders: SYNC,
    refusals: {
      400: [...WAIT_TEXTS, "invalid report key"],
      ...MISSING,
      507: UNWRITTEN[507],
    },
  },
  "GET /v1/watch": {
    id: "WatchChanges",
    summary: "Changes as they become durable, as server-sent events",
    tag: "changes",
    query: {
      kind: `Only these, separated by commas: ${WATCH_KINDS.join(", ")}.`,
      key: "Only this key; may be given several times.",
      last_event_id: "Goes on after this event.",
    },
    headers: { "Last-Event-ID": "Goes on after this event." },
    answers: { 200: { "text/event-stream": "text" } },
    answerHeaders: {
      "Cache-Control": "`no-store, no-transform`.",
      "Retry-After": "With 503: when to ask again, in seconds.",
    },
    refusals: {
      400: [
        "malformed query",
        "unknown parameter: there are …",
        "unknown kind: there are …",
        "key must have …",
        "key is given more than …",
      ],
      503: [...UNAVAILABLE[503], "too many watchers"],
    },
  },
  "GET /v1/status": {
    id: "GetStatus",
    summary: "How the agent is",
    tag: "agent",
    query: {
      probe:
        "`true`: asks the control plane first whether it takes the node's " +
        "credentials, where that is not known.",
    },
    answers: { 200: json(answers.status) },
  },
  "GET /v1/events": {
    id: "ListEvents",
    summary: "What has happened to the agent, oldest first",
    tag: "agent",
    answers: { 200: json(answers.events) },
  },
  "GET /healthz": {
    id: "GetHealth",
    summary: "Whether the process lives",
    tag: "agent",
    answers: { 200: json(answers.health) },
    answerHeaders: NO_STORE,
  },
  "GET /readyz": {
    id: "GetReadiness",
    summary: "Whether programs can do their work with this agent",
    tag: "agent",
    answers: { 200: json(answers.readiness), 503: json(answers.readiness) },
    answerHeaders: NO_STORE,
  },
  "GET /metrics": {
    id: "GetMetrics",
    summary: "Figures for Prometheus",
    tag: "agent",
    answers: { 200: { [METRICS_MEDIA_TYPE]: "text" } },
    answerHeaders: NO_STORE,
  },
  "GET /openapi.json": {
    id: "GetOpenApi",
    summary: "This document",
    tag: "agent",
    answers: { 200: json(answers.openApi) },
  },
};
