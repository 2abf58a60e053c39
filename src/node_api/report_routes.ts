import type { Logger } from "../platform/log.ts";
import { ReportConflictError, StoreWriteError } from "../store/store_errors.ts";
import { encodeDataEntry } from "../wire/data_entry.ts";
import { errorAnswer, internalError, jsonAnswer, notFound } from "./answers.ts";
import type { ApiPutCondition, ApiReports } from "./ports.ts";
import { parseReportBody, readBody, ReportBodyError } from "./report_body.ts";
import { isReserved, parseReportKey } from "./report_key.ts";
import type { FreshnessMark } from "./representation.ts";
import type { Call, Route, RouteHandler } from "./router.ts";
import type { StateBodies } from "./state_bodies.ts";

/** What the report routes work with. */
export interface ReportRoutesOptions {
  readonly reports: ApiReports;
  readonly bodies: StateBodies;
  readonly mark: FreshnessMark;
  /** Aborts when bodies that are still arriving must be given up. */
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/** The route of one report. */
export function reportRoutes(options: ReportRoutesOptions): Route[] {
  const { reports, bodies, mark, stop, log } = options;

  const get = (call: Call) => {
    const key = parseReportKey(call.segment);
    if (key === undefined) return invalidKey();
    return bodies.report(key)
      ?.answer(mark.current(), call.headers.get("if-none-match")) ?? notFound();
  };

  const put = writing(log, async (call, key) => {
    const content = parseReportBody(await readBody(call.request, stop));
    const condition = parseCondition(call.headers);
    if (condition instanceof Response) return condition;
    const entry = await reports.put(key, content, condition);
    return jsonAnswer(200, encodeDataEntry(entry));
  });

  const remove = writing(log, async (_call, key) => {
    if (!await reports.delete(key)) return notFound();
    return new Response(null, { status: 204 });
  });

  return [["/v1/state/report/{key}", { GET: get, PUT: put, DELETE: remove }]];
}

/** A write: its key is checked first, and its failures become answers. */
function writing(
  log: Logger,
  write: (call: Call, key: string) => Promise<Response>,
): RouteHandler {
  return async (call) => {
    const key = parseReportKey(call.segment);
    if (key === undefined || isReserved(key)) return invalidKey();
    try {
      return await write(call, key);
    } catch (error) {
      if (error instanceof ReportBodyError) return bodyAnswer(error);
      if (error instanceof ReportConflictError) return conflictAnswer(error);
      log.error("Report not written", { key, error });
      return error instanceof StoreWriteError && error.kind === "no_space"
        ? errorAnswer(507, "disk full")
        : internalError();
    }
  };
}

function bodyAnswer(error: ReportBodyError): Response {
  return error.kind === "too_large"
    // The rest of the body may still be on its way: the connection is spent.
    ? errorAnswer(413, error.message, { connection: "close" })
    : errorAnswer(400, error.message);
}

function conflictAnswer(error: ReportConflictError): Response {
  return error.kind === "exists"
    ? errorAnswer(412, "already exists")
    : errorAnswer(409, "version conflict");
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
