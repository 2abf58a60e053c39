import * as z from "zod/mini";
import { PROBLEM_MEDIA_TYPE } from "../../wire/problem.ts";
import { ADMIN_OPERATIONS } from "./admin_operations.ts";
import * as adminAnswers from "./admin_answers.ts";
import * as nodeAnswers from "./node_answers.ts";
import { NODE_OPERATIONS } from "./node_operations.ts";
import type {
  BodyShape,
  Caller,
  Content,
  Operation,
  Operations,
} from "./operation.ts";

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
  const places = new Set(routes.map(placeOf));
  const undescribed = [...places].filter((place) => !Object.hasOwn(ALL, place));
  const unserved = Object.keys(ALL).filter((place) => !places.has(place));
  if (undescribed.length + unserved.length > 0) {
    throw new Error(
      `Routes without an operation: ${undescribed.join(", ") || "none"}; ` +
        `operations without a route: ${unserved.join(", ") || "none"}`,
    );
  }
  const names = schemaNames();
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

type Names = ReadonlyMap<z.ZodMiniType, string>;

function placeOf({ method, path }: DescribedRoute): string {
  return `${method} ${path}`;
}

/**
 * Answers are named as they are exported, requests after the operation that
 * takes them first.
 */
function schemaNames(): Names {
  const names = new Map<z.ZodMiniType, string>();
  const answers = [
    ...Object.entries(nodeAnswers),
    ...Object.entries(adminAnswers),
  ];
  for (const [name, schema] of answers) {
    if (!names.has(schema)) names.set(schema, pascal(name));
  }
  for (const { id, request = {} } of Object.values(ALL)) {
    const shapes = Object.values(request).flatMap(schemasIn);
    for (const [at, schema] of shapes.entries()) {
      const name = `${id}Request${at === 0 ? "" : at + 1}`;
      if (!names.has(schema)) names.set(schema, name);
    }
  }
  return names;
}

function pascal(name: string): string {
  return name[0]!.toUpperCase() + name.slice(1);
}

function schemasIn(shape: BodyShape): readonly z.ZodMiniType[] {
  if (typeof shape === "string") return [];
  return isList(shape) ? shape : [shape];
}

function isList(shape: BodyShape): shape is readonly z.ZodMiniType[] {
  return Array.isArray(shape);
}

function schemasOf(names: Names): Record<string, unknown> {
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of names) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io: "input",
    uri: refTo,
  });
  return Object.fromEntries(
    Object.entries(schemas).sort(([a], [b]) => a < b ? -1 : 1)
      .map(([name, { $schema: _dialect, $id: _place, ...schema }]) => [
        name,
        schema,
      ]),
  );
}

function refTo(name: string): string {
  return `#/components/schemas/${name}`;
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
    parameters: parametersOf(route, operation),
    ...(request
      ? { requestBody: { required: true, content: content(request, names) } }
      : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, body]) => [status, {
          description: Number(status) < 400 ? "Done." : "Not now.",
          ...(body ? { content: content(body, names) } : {}),
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

function parametersOf(
  { path }: DescribedRoute,
  { query = {}, headers = {} }: Operation,
) {
  const schema = { type: "string" };
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema,
  }));
  const named = (place: string, all: Readonly<Record<string, string>>) =>
    Object.entries(all).map(([name, description]) => ({
      name,
      in: place,
      description,
      schema,
    }));
  return [...inPath, ...named("query", query), ...named("header", headers)];
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
  return content({ [PROBLEM_MEDIA_TYPE]: nodeAnswers.problem }, names);
}

function content(content: Content, names: Names) {
  return Object.fromEntries(
    Object.entries(content).map(([mediaType, shape]) => [
      mediaType,
      { schema: bodySchema(shape, names) },
    ]),
  );
}

function bodySchema(shape: BodyShape, names: Names): object {
  if (shape === "text") return { type: "string" };
  if (shape === "bytes") return {};
  const refs = schemasIn(shape).map((schema) => {
    const name = names.get(schema);
    return name === undefined ? inlined(schema) : { $ref: refTo(name) };
  });
  return refs.length === 1 ? refs[0]! : { anyOf: refs };
}

function inlined(schema: z.ZodMiniType): object {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io: "input",
  });
  return rest;
}
