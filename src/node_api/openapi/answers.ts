/**
 * What the local API answers: the shapes that the published document shows.
 * Tests hold real answers against them.
 *
 * @see docs/local-api.md
 */
import * as z from "zod/mini";
import { dataEntrySchema, keySchema } from "../../wire/data_entry.ts";
import { REPORT_SYNC_STATES } from "../../wire/report_sync.ts";
import { eventsSchema } from "../../wire/transitions.ts";

const text = z.string();
const count = z.int().check(z.nonnegative());
/** RFC 3339. */
const time = z.string().check(z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/));
const version = count;

/** `reason` is a degraded reason; `key` and `index` name a report of a batch. */
export const error = z.object({
  error: text,
  reason: z.optional(text),
  key: z.optional(text),
  index: z.optional(count),
});

export const metadata = z.record(z.string(), text);
export const metadataValue = z.object({ key: text, value: text });

const dataName = z.object({ key: keySchema, version, content_type: text });
export const dataNames = z.array(dataName);
export const dataEntry = dataEntrySchema;

const keyAndVersion = z.object({ key: keySchema, version });
export const secretNames = z.array(keyAndVersion);
export const secretValue = z.object({ key: text, value: text, version });

export const reportNames = z.array(keyAndVersion);
const syncState = z.enum(REPORT_SYNC_STATES);
export const reportNamesWithSync = z.array(z.extend(keyAndVersion, {
  sync: z.object({
    state: syncState,
    at: z.nullable(time),
    error: z.optional(text),
  }),
}));
export const writtenReports = z.object({
  reports: z.array(z.extend(keyAndVersion, {
    updated_at: time,
    sync: syncState,
  })),
});

export const summary = z.object({
  metadata,
  data_keys: dataNames,
  secret_keys: secretNames,
  report_keys: reportNames,
});
export const fullState = z.object({
  metadata,
  data: z.array(dataEntry),
  secret_keys: secretNames,
  reports: z.array(dataEntry),
  position: z.nullable(z.object({ epoch: count, version: count })),
  freshness: z.object({ verified_at: z.nullable(time), stale: z.boolean() }),
});

export const events = eventsSchema;
export const health = z.object({ status: z.literal("ok") });
export const readiness = z.object({
  status: z.enum(["ready", "not ready"]),
  checks: z.array(z.object({
    name: z.enum(["identity", "state", "store", "freshness", "listeners"]),
    ok: z.boolean(),
    reason: z.nullable(text),
  })),
});
export const openApi = z.looseObject({ openapi: z.literal("3.1.0") });

export { status } from "./status_answer.ts";
