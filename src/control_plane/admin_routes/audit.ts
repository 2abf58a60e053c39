import { isoTime } from "../../platform/clock.ts";
import { jsonAnswer } from "../http/answers.ts";
import { ProblemError } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { ADMIN_PREFIX, type AdminRoute } from "./admin_route.ts";

/** Audit rows shown at a time. */
const SHOWN = 500;

/**
 * `GET /audit`: who did what, newest first; with `?after=ID` what came after
 * that row, oldest first, for those who follow.
 */
export function auditRoutes({ storage, auditLog }: Services): AdminRoute[] {
  return [{
    method: "GET",
    path: `${ADMIN_PREFIX}/audit`,
    async handle({ request }) {
      const after = afterOf(request);
      await auditLog.flush();
      const rows = await storage.read(async ({ audit }) =>
        after === undefined
          ? await audit.newest(SHOWN)
          : await audit.after(after, SHOWN)
      );
      return jsonAnswer({
        audit: rows.map(({ atMs, source = null, ...row }) => ({
          at: isoTime(atMs),
          ...row,
          source,
        })),
      });
    },
  }];
}

function afterOf(request: Request): number | undefined {
  const text = new URL(request.url).searchParams.get("after");
  if (text === null) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ProblemError(400, "malformed_query", {
    detail: '"after" is the id of a row, from 0 on',
  });
}
