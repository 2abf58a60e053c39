import { isoTime } from "../../platform/clock.ts";
import { jsonAnswer } from "../http/answers.ts";
import type { Services } from "../services.ts";
import { ADMIN_PREFIX, type AdminRoute } from "./admin_route.ts";

/** Audit rows shown at a time. */
const SHOWN = 500;

/** `GET /audit`: who did what, newest first. */
export function auditRoutes({ storage, auditLog }: Services): AdminRoute[] {
  return [{
    method: "GET",
    path: `${ADMIN_PREFIX}/audit`,
    async handle() {
      await auditLog.flush();
      const rows = await storage.read(async (all) =>
        await all.audit.newest(SHOWN)
      );
      return jsonAnswer({
        audit: rows.map(({ atMs, ...row }) => ({ at: isoTime(atMs), ...row })),
      });
    },
  }];
}
