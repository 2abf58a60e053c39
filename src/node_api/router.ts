import { methodNotAllowed } from "./answers.ts";

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

/** The handlers of a path, by method. */
interface Target {
  readonly handlers: ReadonlyMap<string, RouteHandler>;
  readonly allow: string;
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

  constructor(routes: readonly Route[]) {
    for (const [path, methods] of routes) {
      const handlers = new Map<string, RouteHandler>(Object.entries(methods));
      handlers.set("HEAD", methods.GET);
      const allow = [...handlers.keys()].sort().join(", ");
      if (path.endsWith(KEY)) {
        this.#keyed.set(path.slice(0, -KEY.length), { handlers, allow });
      } else this.#exact.set(path, { handlers, allow });
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

/** Lets the method's handler answer. */
export function respond(
  { target, segment }: Destination,
  request: Request,
  headers: Headers,
): Response | Promise<Response> {
  const handler = target.handlers.get(request.method);
  if (!handler) return methodNotAllowed(target.allow);
  return handler({ request, segment, headers });
}
