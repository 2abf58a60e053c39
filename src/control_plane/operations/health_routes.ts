import { describeError } from "../../platform/log.ts";
import { jsonAnswer } from "../http/answers.ts";
import type { Route } from "../http/router.ts";
import type { Services } from "../services.ts";

/**
 * `GET /healthz`: the process answers. `GET /readyz`: it can do its work, or why
 * not; 503 then. Both are for everybody, and tell nothing about nodes.
 */
export function healthRoutes(
  { storage, bus, messageBus, stop, io }: Services,
): Route[] {
  return [
    {
      method: "GET",
      path: "/healthz",
      handle: () => Promise.resolve(jsonAnswer({ status: "ok" })),
    },
    {
      method: "GET",
      path: "/readyz",
      async handle() {
        const reasons = "missing" in bus
          ? bus.missing.map((name) => `without ${name}`)
          : [];
        if (stop.aborted) reasons.push("stopping");
        try {
          await storage.read(async ({ settings }) =>
            await settings.get("epoch")
          );
        } catch (error) {
          io.log.error("Not ready", { error: describeError(error) });
          reasons.push("the database cannot be read");
        }
        const isReady = reasons.length === 0;
        const status = isReady ? "ready" : "not ready";
        // Nothing but the bus itself stands on it.
        const detail = messageBus && { message_bus: messageBus.state };
        return jsonAnswer(
          { status, reasons, ...detail },
          isReady ? 200 : 503,
        );
      },
    },
  ];
}
