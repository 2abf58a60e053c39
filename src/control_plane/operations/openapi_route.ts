import { jsonTextAnswer } from "../http/answers.ts";
import type { Route } from "../http/router.ts";
import type { DescribedRoute } from "../openapi/document.ts";

/** Where the document is. */
export const OPENAPI_PATH = "/openapi.json";

/**
 * `GET /openapi.json`: what the whole server can be asked, for everybody; it
 * tells nothing about nodes. Made when it is asked for the first time.
 *
 * @param others All other routes of the server.
 */
export function openApiRoute(
  others: readonly DescribedRoute[],
  version: string,
): Route {
  let text: string | undefined;
  const place = { method: "GET", path: OPENAPI_PATH } as const;
  return {
    ...place,
    async handle() {
      if (text === undefined) {
        const { openApiDocument } = await import("../openapi/document.ts");
        text = JSON.stringify(openApiDocument([...others, place], version));
      }
      return jsonTextAnswer(text);
    },
  };
}
