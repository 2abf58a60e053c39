import { jsonAnswer, notFound } from "./answers.ts";
import type { ApiSources } from "./ports.ts";
import type { FreshnessMark, Representation } from "./representation.ts";
import { decodeSegment } from "./request_target.ts";
import type { Call, Route } from "./router.ts";
import type { StateBodies } from "./state_bodies.ts";

/** The routes that only read: state, and how the agent is doing. */
export function readRoutes(
  bodies: StateBodies,
  mark: FreshnessMark,
  sources: ApiSources,
): Route[] {
  const serve = (call: Call, body: Representation | undefined) =>
    body?.answer(mark.current(), call.headers.get("if-none-match")) ??
      notFound();
  const list = (body: () => Representation) => ({
    GET: (call: Call) => serve(call, body()),
  });
  const value = (body: (key: string) => Representation | undefined) => ({
    GET(call: Call) {
      const key = decodeSegment(call.segment);
      return serve(call, key === undefined ? undefined : body(key));
    },
  });
  return [
    ["/v1/state", list(() => bodies.summary())],
    ["/v1/state/metadata", list(() => bodies.state().metadata())],
    [
      "/v1/state/metadata/{key}",
      value((key) => bodies.state().metadataValue(key)),
    ],
    ["/v1/state/data", list(() => bodies.state().data())],
    ["/v1/state/data/{key}", value((key) => bodies.data(key))],
    ["/v1/state/secrets", list(() => bodies.state().secrets())],
    ["/v1/state/report", list(() => bodies.reports().list())],
    ["/v1/status", {
      GET: () => jsonAnswer(200, JSON.stringify(sources.status())),
    }],
  ];
}
