import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import { ReportConflictError, StoreWriteError } from "../store/store_errors.ts";
import { mediaTypeOf } from "../uplink/media_type.ts";
import { type DataEntry, encodeDataEntry } from "../wire/data_entry.ts";
import type { ReportSyncState } from "../wire/report_sync.ts";
import { errorAnswer, internalError, jsonAnswer, notFound } from "./answers.ts";
import type { ApiPutCondition, ApiReports } from "./ports.ts";
import { BatchEntryError, parseReportBatch } from "./report_batch.ts";
import { parseReportBody, readBody, ReportBodyError } from "./report_body.ts";
import { isReserved, parseReportKey } from "./report_key.ts";
import type { FreshnessMark } from "./representation.ts";
import type { Call, Route, RouteHandler } from "./router.ts";
import type { StateBodies } from "./state_bodies.ts";
import { SyncWait } from "./sync_wait.ts";

/** What the report routes work with. */
export interface ReportRoutesOptions {
  readonly reports: ApiReports;
  readonly bodies: StateBodies;
  readonly mark: FreshnessMark;
  readonly wait: SyncWait;
  /** Answers what the list of reports is asked for. */
  readonly list: RouteHandler;
  /** Aborts when bodies that are still arriving must be given up. */
  readonly stop: AbortSignal;
  /** Whose time bodies have. */
  readonly clock: Clock;
  readonly log: Logger;
}

/** Says how far what was written is, to writers that waited for it. */
const SYNC_HEADER = "x-plexd-sync";

/** The routes of all reports and of one. */
export function reportRoutes(options: ReportRoutesOptions): Route[] {
  const { reports, bodies, mark, wait, list, stop, clock, log } = options;

  const get = (call: Call) => {
    const key = parseReportKey(call.segment);
    if (key === undefined) return invalidKey();
    return bodies.report(key)
      ?.answer(mark.current(), call.headers.get("if-none-match")) ?? notFound();
  };

  const put = writing(log, async (call) => {
    const key = writableKey(call);
    if (key instanceof Response) return key;
    const limitMs = SyncWait.limitIn(call.request.url);
    if (limitMs instanceof Response) return limitMs;
    const content = parseReportBody(await readBody(call.request, stop, clock));
    const condition = parseCondition(call.headers);
    if (condition instanceof Response) return condition;
    const entry = await reports.put(key, content, condition);
    const body = encodeDataEntry(entry);
    if (limitMs === undefined) return jsonAnswer(200, body);
    const { signal } = call.request;
    const states = await wait.until([{ key, entry }], limitMs, signal);
    return jsonAnswer(statusOf(states), body, syncHeader(states));
  });

  const remove = writing(log, async (call) => {
    const key = writableKey(call);
    if (key instanceof Response) return key;
    const limitMs = SyncWait.limitIn(call.request.url);
    if (limitMs instanceof Response) return limitMs;
    if (!await reports.delete(key)) return notFound();
    if (limitMs === undefined) return new Response(null, { status: 204 });
    const { signal } = call.request;
    const states = await wait.until([{ key }], limitMs, signal);
    const status = statusOf(states) === 200 ? 204 : 202;
    return new Response(null, { status, headers: syncHeader(states) });
  });

  const putAll = writing(log, async (call) => {
    const limitMs = SyncWait.limitIn(call.request.url);
    if (limitMs instanceof Response) return limitMs;
    if (mediaTypeOf(call.headers) !== "application/json") {
      return errorAnswer(415, "content type must be application/json");
    }
    const writes = parseReportBatch(await readBody(call.request, stop, clock));
    const entries = await reports.putAll(writes);
    if (limitMs === undefined) {
      const states = entries.map((entry) => wait.stateOf(entry));
      return jsonAnswer(200, batchBody(entries, states));
    }
    const written = entries.map((entry) => ({ key: entry.key, entry }));
    const states = await wait.until(written, limitMs, call.request.signal);
    return jsonAnswer(
      statusOf(states),
      batchBody(entries, states),
      syncHeader(states),
    );
  });

  return [
    ["/v1/state/report", { GET: list, PUT: putAll }],
    ["/v1/state/report/{key}", { GET: get, PUT: put, DELETE: remove }],
  ];
}

/** A write, whose failures become answers. */
function writing(
  log: Logger,
  write: (call: Call) => Promise<Response>,
): RouteHandler {
  return async (call) => {
    try {
      return await write(call);
    } catch (error) {
      if (error instanceof ReportBodyError) return bodyAnswer(error);
      if (error instanceof BatchEntryError) {
        return errorAnswer(400, error.message, {}, error.where);
      }
      if (error instanceof ReportConflictError) {
        return conflictAnswer(error, call.segment === "");
      }
      log.error("Report not written", { error });
      return error instanceof StoreWriteError && error.kind === "no_space"
        ? errorAnswer(507, "disk full")
        : internalError();
    }
  };
}

function writableKey(call: Call): string | Response {
  const key = parseReportKey(call.segment);
  return key === undefined || isReserved(key) ? invalidKey() : key;
}

function bodyAnswer({ kind, message }: ReportBodyError): Response {
  if (kind === "invalid") return errorAnswer(400, message);
  // The rest of the body may still be on its way: the connection is spent.
  const status = kind === "too_large" ? 413 : 408;
  return errorAnswer(status, message, { connection: "close" });
}

/** @param isBatch Then nobody knows which report is meant unless told. */
function conflictAnswer(
  { kind, key }: ReportConflictError,
  isBatch: boolean,
): Response {
  const members: Readonly<Record<string, string>> = isBatch ? { key } : {};
  return kind === "exists"
    ? errorAnswer(412, "already exists", {}, members)
    : errorAnswer(409, "version conflict", {}, members);
}

function statusOf(states: readonly ReportSyncState[]): 200 | 202 {
  return states.every((state) => state === "synced") ? 200 : 202;
}

/** The first of several that is not where it is to be tells of all. */
function syncHeader(states: readonly ReportSyncState[]) {
  const first = states.find((state) => state !== "synced");
  return { [SYNC_HEADER]: first ?? "synced" };
}

/** Whoever sent the payloads has them. */
function batchBody(
  entries: readonly DataEntry[],
  states: readonly ReportSyncState[],
): string {
  return JSON.stringify({
    reports: entries.map(({ key, version, updatedAt }, at) => ({
      key,
      version,
      updated_at: updatedAt,
      sync: states[at],
    })),
  });
}

/**
 * `If-Match` is a version, not a tag (docs/wire.md, section f.6); `*` of
 * `If-None-Match` means "create only".
 */
function parseCondition(headers: Headers): ApiPutCondition | Response {
  const ifMatch = headers.get("if-match") ?? "";
  const ifNoneMatch = headers.get("if-none-match") ?? "";
  if (ifMatch !== "" && !isInteger(ifMatch)) {
    return errorAnswer(400, "If-Match must be an integer");
  }
  // Ignored, a condition that is not understood would overwrite something.
  if (ifNoneMatch !== "" && ifNoneMatch !== "*") {
    return errorAnswer(400, "If-None-Match must be *");
  }
  return {
    ...(ifMatch === "" ? {} : { ifMatch: Number(ifMatch) }),
    ...(ifNoneMatch === "" ? {} : { createOnly: true }),
  };
}

function isInteger(text: string): boolean {
  return /^[+-]?[0-9]+$/.test(text) && Number.isSafeInteger(Number(text));
}

function invalidKey(): Response {
  return errorAnswer(400, "invalid report key");
}
