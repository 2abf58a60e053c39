import type { Logger } from "../platform/log.ts";
import { errorAnswer, internalError, notFound } from "./answers.ts";
import { type Gate, malformedHost } from "./gate.ts";
import type { InFlight } from "./in_flight.ts";
import { KnownUrls } from "./known_urls.ts";
import type { RequestCounts } from "./metrics/request_counts.ts";
import { rawPath } from "./request_target.ts";
import { respond, type Router } from "./router.ts";
import type { RequestHandler } from "./listener.ts";

/** Target and host of the longest request, with something to spare. */
const LONGEST_URL = 4_096 + 512 + 16;

/** Options for {@linkcode requestHandler}. */
export interface RequestHandlerOptions {
  readonly gate: Gate;
  readonly router: Router;
  readonly inFlight: InFlight;
  /** Requests that may wait for their answer at a time. */
  readonly mostWaiting: number;
  /** Hears of requests that are turned away to protect the agent. */
  readonly refused: (reason: "busy" | "target_too_long") => void;
  readonly requests: RequestCounts;
  readonly log: Logger;
}

/**
 * What a listener does with each request: gate, then route. It never throws; a
 * failure that nothing else has explained is a 500 without details.
 *
 * Reads are answered at once rather than through a promise, which would cost
 * them a good part of their rate.
 */
export function requestHandler(
  options: RequestHandlerOptions,
): RequestHandler {
  const { gate, router, inFlight, mostWaiting, requests, log } = options;
  const failed = (error: unknown) => {
    log.error("Request failed", { error });
    return internalError();
  };
  const tooLong = () => {
    options.refused("target_too_long");
    return errorAnswer(414, "path too long");
  };
  const busy = () => {
    options.refused("busy");
    const last = { "retry-after": "1", connection: "close" };
    return errorAnswer(503, "too many requests wait", last);
  };
  const known = new KnownUrls();
  const answerTo = (request: Request): Response | Promise<Response> => {
    const headers = request.headers;
    const host = headers.get("host");
    const refused = gate(host, headers);
    if (refused) return requests.refused(request.method, refused);
    const url = request.url;
    let destination = known.get(url, host);
    if (!destination) {
      if (url.length > LONGEST_URL) {
        return requests.refused(request.method, tooLong());
      }
      const path = rawPath(url, host);
      destination = path === undefined ? undefined : router.find(path);
      if (!destination) {
        const answer = path === undefined ? malformedHost() : notFound();
        return requests.refused(request.method, answer);
      }
      known.add(url, host, destination);
    }
    if (inFlight.count >= mostWaiting && mayWait(request.method, url)) {
      return requests.refused(request.method, busy());
    }
    return respond(destination, request, headers);
  };
  return (request, info) => {
    try {
      const answer = answerTo(request);
      if (answer instanceof Response) {
        return inFlight.leaving ? inFlight.last(answer, info) : answer;
      }
      inFlight.track(info.completed);
      return answer.then(
        (response) =>
          inFlight.leaving ? inFlight.last(response, info) : response,
      ).catch(failed);
    } catch (error) {
      return failed(error);
    }
  };
}

/**
 * Whether an answer takes more than a moment: writes do, and what the control
 * plane is asked for. Reads never wait, so they are served even when all places
 * are taken by those that do.
 */
function mayWait(method: string, url: string): boolean {
  return method !== "GET" && method !== "HEAD" ||
    url.includes("/v1/state/secrets/");
}
