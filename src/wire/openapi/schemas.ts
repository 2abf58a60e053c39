/**
 * What every OpenAPI document of plexd is made of: schemas of zod under names,
 * and bodies and parameters that refer to them. It loads zod's converter, so it
 * belongs to what is made when somebody asks for a document.
 */
import * as z from "zod/mini";
import type { BodyShape, Content } from "./content.ts";

/** The names under which schemas are published. */
export type Names = ReadonlyMap<z.ZodMiniType, string>;

/** An operation, as far as naming what it takes needs it. */
interface Taking {
  readonly id: string;
  readonly request?: Content;
}

/**
 * Answers are named as they are exported, requests after the operation that
 * takes them first.
 */
export function schemaNames(
  answers: readonly (readonly [name: string, schema: z.ZodMiniType])[],
  operations: readonly Taking[],
): Names {
  const names = new Map<z.ZodMiniType, string>();
  for (const [name, schema] of answers) {
    if (!names.has(schema)) names.set(schema, pascal(name));
  }
  for (const { id, request = {} } of operations) {
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

/** `components.schemas`, sorted by name. */
export function schemasOf(names: Names): Record<string, unknown> {
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

/** The `content` of a request or an answer. */
export function contentObject(
  content: Content,
  names: Names,
): Record<string, { readonly schema: object }> {
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

/** The parameters of a path, a query and the headers, all of them text. */
export function parametersOf(
  path: string,
  query: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): object[] {
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

/**
 * Holds the routes of a server against the operations that are written down.
 *
 * @param served Method and path of each route, such as `GET /v1/ping`.
 * @param described The same of each operation.
 * @throws {Error} for a route without an operation, and for an operation without
 * a route: then the document would say less, or more, than is true.
 */
export function assertAllDescribed(
  served: readonly string[],
  described: readonly string[],
): void {
  const undescribed = served.filter((place) => !described.includes(place));
  const unserved = described.filter((place) => !served.includes(place));
  if (undescribed.length + unserved.length === 0) return;
  throw new Error(
    `Routes without an operation: ${undescribed.join(", ") || "none"}; ` +
      `operations without a route: ${unserved.join(", ") || "none"}`,
  );
}
