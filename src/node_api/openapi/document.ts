import { json } from "../../wire/openapi/content.ts";
import {
  assertAllDescribed,
  contentObject,
  type Names,
  parametersOf,
  schemaNames,
  schemasOf,
} from "../../wire/openapi/schemas.ts";
import * as answers from "./answers.ts";
import type { Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";

/** Texts of the errors that every route may answer, by status. */
const COMMON: Readonly<Record<number, readonly string[]>> = {
  400: ["malformed host"],
  401: ["unauthorized"],
  403: ["forbidden: foreign origin"],
  421: ["misdirected request"],
  500: ["internal error"],
};

/**
 * The OpenAPI 3.1 document of a local API with these routes.
 *
 * @param served Method and path of each, such as `GET /v1/state`; HEAD is
 * wherever GET is, and is not among them.
 * @throws {Error} when routes and operations are not the same.
 */
export function openApiDocument(
  served: readonly string[],
  version: string,
): Record<string, unknown> {
  assertAllDescribed(served, Object.keys(OPERATIONS));
  const names = schemaNames(
    Object.entries(answers),
    Object.values(OPERATIONS),
  );
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [place, operation] of Object.entries(OPERATIONS)) {
    const [method = "", path = ""] = place.split(" ");
    const item = paths[path] ??= {};
    item[method.toLowerCase()] = operationObject(path, operation, names);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "plexd local API",
      version,
      description: "What programs on a node can ask of its agent. HEAD is " +
        "answered wherever GET is. A path that is none of these is answered " +
        "with 404, another method with 405 and `Allow`. Over a Unix socket " +
        "who may connect is a matter of its group; over TCP every call " +
        "carries the bearer, and what is no request to the letter, too long " +
        "or too slow is answered with 400, 408, 414, 417, 431, 501 or 505, " +
        "and with 503 when there are too many connections.",
    },
    servers: [{ url: "/" }],
    security: [{}, { bearer: [] }],
    paths,
    components: {
      schemas: schemasOf(names),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "TCP only: the content of `node_api.http_token_file`.",
        },
      },
    },
  };
}

function operationObject(path: string, operation: Operation, names: Names) {
  const { id, summary, tag, query, headers, request, answers } = operation;
  return {
    operationId: id,
    summary,
    tags: [tag],
    parameters: parametersOf(path, query, headers),
    ...(request
      ? {
        requestBody: {
          required: true,
          content: contentObject(request, names),
        },
      }
      : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, content]) => [status, {
          description: DESCRIPTIONS[status] ?? "Done.",
          ...headersOf(operation),
          ...(content ? { content: contentObject(content, names) } : {}),
        }]),
      ),
      ...refusalsOf(operation, names),
    },
  };
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  202: "Done here, and not upstream yet.",
  304: "The body is the one that the tag stands for.",
  503: "Not now.",
};

function headersOf({ answerHeaders = {} }: Operation) {
  const headers = Object.entries(answerHeaders).map(([name, description]) => [
    name,
    { description, schema: { type: "string" } },
  ]);
  return headers.length === 0 ? {} : { headers: Object.fromEntries(headers) };
}

/** What every route refuses with, and what this one adds. */
function refusalsOf({ refusals = {} }: Operation, names: Names) {
  const statuses = new Set([...Object.keys(COMMON), ...Object.keys(refusals)]);
  return Object.fromEntries(
    [...statuses].map(Number).map((status) => {
      const texts = [...refusals[status] ?? [], ...COMMON[status] ?? []];
      return [status, {
        description: texts.map((text) => `\`${text}\``).join(", "),
        content: contentObject(json(answers.error), names),
      }];
    }),
  );
}
