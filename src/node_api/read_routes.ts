import { jsonAnswer, notFound, stateRefused } from "./answers.ts";
import type { ApiReportSync, ApiSources } from "./ports.ts";
import { flagIn } from "./query.ts";
import type { FreshnessMark, Representation } from "./representation.ts";
import { decodeSegment } from "./request_target.ts";
import type { Call, Route, RouteHandler } from "./router.ts";
import type { StateBodies } from "./state_bodies.ts";

/** The routes that only read: state, and how the agent is doing. */
export function readRoutes(
  bodies: StateBodies,
  mark: FreshnessMark,
  sources: Pick<ApiSources, "refusal" | "status" | "events" | "probe">,
): Route[] {
  const answer = (call: Call, body: Representation | undefined) =>
    body?.answer(mark.current(), call.headers.get("if-none-match")) ??
      notFound();
  const refused = () => {
    const reason = sources.refusal?.();
    return reason === undefined ? undefined : stateRefused(reason);
  };
  const list = (body: () => Representation) => ({
    GET: (call: Call) => refused() ?? answer(call, body()),
  });
  const value = (body: (key: string) => Representation | undefined) => ({
    GET(call: Call) {
      const refusal = refused();
      if (refusal) return refusal;
      const key = decodeSegment(call.segment);
      return answer(call, key === undefined ? undefined : body(key));
    },
  });
  return [
    ["/v1/state", {
      GET(call) {
        const isFull = flagIn(call.request.url, "full");
        if (isFull instanceof Response) return isFull;
        return refused() ??
          answer(call, isFull ? bodies.full() : bodies.summary());
      },
    }],
    ["/v1/state/metadata", list(() => bodies.state().metadata())],
    [
      "/v1/state/metadata/{key}",
      value((key) => bodies.state().metadataValue(key)),
    ],
    ["/v1/state/data", list(() => bodies.state().data())],
    ["/v1/state/data/{key}", value((key) => bodies.data(key))],
    ["/v1/state/secrets", list(() => bodies.state().secrets())],
    ["/v1/status", {
      async GET(call) {
        const wanted = flagIn(call.request.url, "probe");
        if (wanted instanceof Response) return wanted;
        if (wanted) await sources.probe?.();
        return jsonAnswer(200, JSON.stringify(sources.status()));
      },
    }],
    ["/v1/events", {
      GET: () => jsonAnswer(200, JSON.stringify(sources.events())),
    }],
  ];
}

/**
 * The list of reports; with `?sync=true` also how far each is on its way to the
 * control plane. They are the node's own: they do not expire.
 */
export function reportList(
  bodies: StateBodies,
  mark: FreshnessMark,
  sync: ApiReportSync | undefined,
): RouteHandler {
  return (call) => {
    const wanted = flagIn(call.request.url, "sync");
    if (wanted instanceof Response) return wanted;
    const reports = bodies.reports();
    const body = wanted
      ? reports.listWithSync((entry) =>
        // Without a control plane they wait for one.
        sync?.stateOf(entry) ?? { state: "pending" }
      )
      : reports.list();
    return body.answer(mark.current(), call.headers.get("if-none-match"));
  };
}
