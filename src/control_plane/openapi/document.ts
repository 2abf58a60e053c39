import {
  assertAllDescribed,
  contentObject,
  type Names,
  parametersOf,
  schemaNames,
  schemasOf,
} from "../../wire/openapi/schemas.ts";
import { PROBLEM_MEDIA_TYPE } from "../../wire/problem.ts";
import { ADMIN_OPERATIONS } from "./admin_operations.ts";
import * as adminAnswers from "./admin_answers.ts";
import * as nodeAnswers from "./node_answers.ts";
import { NODE_OPERATIONS } from "./node_operations.ts";
import type { Caller, Operation, Operations } from "./operation.ts";

/** A route of the server, as far as it is published. */
export interface DescribedRoute {
  readonly method: string;
  readonly path: string;
  /** What an operator's token must be good for. */
  readonly scope?: string;
}

const ALL: Operations = { ...NODE_OPERATIONS, ...ADMIN_OPERATIONS };

/**
 * The OpenAPI 3.1 document of a server with these routes.
 *
 * @throws {Error} for a route without an operation, and for an operation without
 * a route: then the document would say less, or more, than is true.
 */
export function openApiDocument(
  routes: readonly DescribedRoute[],
  version: string,
): Record<string, unknown> {
  const places = [...new Set(routes.map(placeOf))];
  assertAllDescribed(places, Object.keys(ALL));
  const names = schemaNames(
    [...Object.entries(nodeAnswers), ...Object.entries(adminAnswers)],
    Object.values(ALL),
  );
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const item = paths[route.path] ??= {};
    const operation = ALL[placeOf(route)]!;
    item[route.method.toLowerCase()] = operationObject(route, operation, names);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "plexd control plane",
      version,
      description: "The calls of nodes in both dialects, and of operators. " +
        "What several dialects have at one place is one of several shapes.",
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: schemasOf(names),
      responses: {
        Problem: {
          description: "What was refused, and why.",
          content: problemContent(names),
        },
      },
      securitySchemes: {
        node: {
          type: "http",
          scheme: "bearer",
          description: "The node's secret key; in dialect 2 with its id.",
        },
        operator: {
          type: "http",
          scheme: "bearer",
          description: "An operator's token; what it is good for is its scope.",
        },
        token: {
          type: "http",
          scheme: "bearer",
          description: "Dialect 1: the one-time token of the body once more.",
        },
      },
    },
  };
}

function placeOf({ method, path }: DescribedRoute): string {
  return `${method} ${path}`;
}

function operationObject(
  route: DescribedRoute,
  operation: Operation,
  names: Names,
) {
  const { id, summary, tag, caller, dialects, request, answers } = operation;
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(dialects ? { description: `Dialect ${dialects[0]} only.` } : {}),
    security: securityOf(caller, route),
    parameters: parametersOf(route.path, operation.query, operation.headers),
    ...(request
      ? {
        requestBody: { required: true, content: contentObject(request, names) },
      }
      : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, body]) => [status, {
          description: Number(status) < 400 ? "Done." : "Not now.",
          ...(body ? { content: contentObject(body, names) } : {}),
        }]),
      ),
      ...refusalsOf(route, operation, names),
    },
  };
}

function securityOf(caller: Caller, { method, scope }: DescribedRoute) {
  switch (caller) {
    case "anyone":
      return [];
    case "operator":
      return [{ operator: [scope ?? (method === "GET" ? "read" : "write")] }];
    case "token":
      return [{}, { token: [] }];
    case "node":
      return [{ node: [] }];
  }
}

/** What calls of a kind are refused with, and what this one adds. */
function refusalsOf(
  { path }: DescribedRoute,
  { caller, request, answers, refusals = {} }: Operation,
  names: Names,
) {
  const statuses = [
    400,
    ...(caller === "anyone" ? [] : [401, 403]),
    ...(path.includes("{") ? [404] : []),
    ...(request ? [408, 413, 415] : []),
    500,
    503,
  ];
  const common = statuses.filter((status) => !Object.hasOwn(answers, status))
    .map((status) => [status, { $ref: "#/components/responses/Problem" }]);
  const own = Object.entries(refusals).map(([status, codes]) => [status, {
    description: codes.map((code) => `\`${code}\``).join(", "),
    content: problemContent(names),
  }]);
  return Object.fromEntries([...common, ...own]);
}

function problemContent(names: Names) {
  return contentObject({ [PROBLEM_MEDIA_TYPE]: nodeAnswers.problem }, names);
}
