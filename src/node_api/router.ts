import { methodNotAllowed } from "./answers.ts";
import type { CallCounts, RequestCounts } from "./metrics/request_counts.ts";

/** A request that has found its route. */
export interface Call {
  readonly request: Request;
  /** The path's `{key}`, still percent-encoded; empty where there is none. */
  readonly segment: string;
  readonly headers: Headers;
}

export type RouteHandler = (call: Call) => Response | Promise<Response>;

/** What a path answers to. HEAD is wherever GET is. */
export interface RouteMethods {
  readonly GET: RouteHandler;
  readonly PUT?: RouteHandler;
  readonly DELETE?: RouteHandler;
}

/** A path, whose last segment may be `{key}`, and its methods. */
export type Route = readonly [path: string, methods: RouteMethods];

/** A handler, and what counts its answers. */
interface Counted {
  readonly handler: RouteHandler;
  readonly counts: CallCounts;
}

/** The handlers of a path, by method. */
interface Target {
  readonly methods: ReadonlyMap<string, Counted>;
  readonly allow: string;
  /** Counts an answer to a method that is none of these. */
  readonly refused: (method: string, answer: Response) => Response;
}

/** Where a path leads. */
export interface Destination {
  readonly target: Target;
  readonly segment: string;
}

const KEY = "{key}";

/**
 * Finds the route of a raw path. Nothing is tidied up or redirected: a path is
 * one of the table's, byte for byte, or there is nothing there.
 */
export class Router {
  readonly #exact = new Map<string, Target>();
  /** By the path before `{key}`, closing slash included. */
  readonly #keyed = new Map<string, Target>();

  constructor(routes: readonly Route[], requests: RequestCounts) {
    for (const [path, handlers] of routes) {
      const counted = (method: string, handler: RouteHandler) =>
        [method, { handler, counts: requests.of(path, method) }] as const;
      const methods = new Map([
        ...Object.entries(handlers).map(([method, handler]) =>
          counted(method, handler)
        ),
        counted("HEAD", handlers.GET),
      ]);
      const target = {
        methods,
        allow: [...methods.keys()].sort().join(", "),
        refused: (method: string, answer: Response) =>
          requests.refused(method, answer, path),
      };
      if (path.endsWith(KEY)) {
        this.#keyed.set(path.slice(0, -KEY.length), target);
      } else this.#exact.set(path, target);
    }
  }

  /**
   * @param path As {@linkcode rawPath} gives it.
   * @returns undefined when there is nothing there.
   */
  find(path: string): Destination | undefined {
    const at = path.lastIndexOf("/") + 1;
    const keyed = this.#keyed.get(path.slice(0, at));
    const segment = keyed ? path.slice(at) : "";
    // Dots alone are places in a tree of files, which this is not.
    const isKey = segment !== "" && segment !== "." && segment !== "..";
    const target = keyed && isKey ? keyed : this.#exact.get(path);
    return target && { target, segment };
  }
}

/** Lets the method's handler answer, and counts what it answers. */
export function respond(
  { target, segment }: Destination,
  request: Request,
  headers: Headers,
): Response | Promise<Response> {
  const { method } = request;
  const found = target.methods.get(method);
  if (!found) return target.refused(method, methodNotAllowed(target.allow));
  const { handler, counts } = found;
  const startMs = counts.began();
  try {
    const answer = handler({ request, segment, headers });
    if (!(answer instanceof Response)) return counts.ending(answer, startMs);
    counts.ended(answer.status, startMs);
    return answer;
  } catch (error) {
    counts.ended(500, startMs);
    throw error;
  }
}
