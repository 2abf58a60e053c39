import { jsonAnswer } from "../answers.ts";
import type { Route } from "../router.ts";

/** Where the document is. */
const PATH = "/openapi.json";

/**
 * `GET /openapi.json`: what this API can be asked. Made when it is asked for
 * the first time, as an agent that starts needs nothing of what makes it.
 *
 * @param others All other routes.
 */
export function openApiRoute(
  others: readonly Route[],
  version: () => string,
): Route {
  let json: string | undefined;
  const GET = async () => {
    if (json === undefined) {
      const { openApiDocument } = await import("./document.ts");
      const served = [...others, route].flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method} ${path}`)
      );
      json = JSON.stringify(openApiDocument(served, version()));
    }
    return jsonAnswer(200, json);
  };
  const route: Route = [PATH, { GET }];
  return route;
}
