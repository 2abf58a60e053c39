import { ProblemError } from "./problem.ts";

/** One request on its way through a route. */
export interface Call {
  readonly request: Request;
  /** IP address that it came from. */
  readonly source: string;
  /** Path as sent. */
  readonly path: string;
  /** Decoded values of the `{name}` places. */
  readonly params: Readonly<Record<string, string>>;
}

/**
 * A method and path with what answers them. `{name}` is one path segment.
 *
 * `More` is what its handler is told beside the call, such as who makes it.
 */
export interface Route<More extends object = object> {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly handle: (call: Call & More) => Promise<Response>;
}

interface CompiledRoute<More extends object> extends Route<More> {
  readonly segments: readonly string[];
}

/** Finds the route of a request. */
export class Router<More extends object = object> {
  readonly #routes: readonly CompiledRoute<More>[];

  constructor(routes: readonly Route<More>[]) {
    this.#routes = routes.map((route) => ({
      ...route,
      segments: route.path.split("/"),
    }));
  }

  /**
   * @throws {ProblemError} 404 "not_found", 405 "method_not_allowed" with
   * `Allow`, 400 "malformed_path" for broken percent-encoding.
   */
  async answer(
    { request, source, path }: Omit<Call, "params">,
    more: More,
  ): Promise<Response> {
    const segments = path.split("/");
    const candidates = this.#routes.filter((route) => matches(route, segments));
    const route = candidates.find(({ method }) => method === request.method);
    if (route) {
      return await route.handle({
        ...more,
        request,
        source,
        path,
        params: paramsOf(route, segments),
      });
    }
    if (candidates.length === 0) throw new ProblemError(404, "not_found");
    const allow = candidates.map(({ method }) => method).sort().join(", ");
    throw new ProblemError(405, "method_not_allowed", { headers: { allow } });
  }
}

function matches(
  route: { readonly segments: readonly string[] },
  segments: readonly string[],
): boolean {
  return route.segments.length === segments.length &&
    route.segments.every((wanted, at) =>
      wanted.startsWith("{") ? segments[at] !== "" : wanted === segments[at]
    );
}

function paramsOf(
  route: { readonly segments: readonly string[] },
  segments: readonly string[],
) {
  const params: Record<string, string> = {};
  for (const [at, wanted] of route.segments.entries()) {
    if (!wanted.startsWith("{")) continue;
    try {
      params[wanted.slice(1, -1)] = decodeURIComponent(segments[at]!);
    } catch {
      throw new ProblemError(400, "malformed_path", {
        detail: "The path has a broken percent-encoding",
      });
    }
  }
  return params;
}
