import { ENDPOINTS } from "../../wire/endpoints.ts";
import { jsonAnswer } from "../http/answers.ts";
import type { Route } from "../http/router.ts";

/** `GET /v1/ping`: whether this is a control plane, and which. */
export function pingRoute(version: string): Route {
  return {
    ...ENDPOINTS.ping,
    handle: () => Promise.resolve(jsonAnswer({ status: "ok", version })),
  };
}
