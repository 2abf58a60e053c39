import * as z from "zod/mini";
import { rawElements, rawMembers } from "../../wire/raw_json.ts";
import { checkShape, ShapeError } from "../../wire/shape_error.ts";
import { ProblemError } from "./problem.ts";
import { readText, type ReadTextOptions } from "./request_body.ts";

/** A body that has the wanted shape, beside the text it was read from. */
export interface JsonBody<T> {
  readonly value: T;
  /** Raw text of the top-level members, for what is kept as it came. */
  readonly raw: ReadonlyMap<string, string>;
}

/** Members whose value belongs to others and is only passed on. */
const OPAQUE: ReadonlySet<string> = new Set(["payload"]);

/** No document of the wire nests deeper outside of opaque members. */
const DEEPEST_CHECKED = 6;

/** Reads and checks the JSON body of a request; throws what its parts throw. */
export async function readJson<S extends z.ZodMiniType>(
  request: Request,
  schema: S,
  options: ReadTextOptions,
): Promise<JsonBody<z.infer<S>>> {
  return parseJsonBody(await readText(request, options), schema);
}

/**
 * Reads a JSON object of a given shape. A member that stands twice is refused,
 * except in opaque ones: two readers may pick different ones.
 *
 * @throws {ProblemError} 400 "malformed_body"
 */
export function parseJsonBody<S extends z.ZodMiniType>(
  text: string,
  schema: S,
): JsonBody<z.infer<S>> {
  const value = decode(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed("The body is not a JSON object");
  }
  refuseTwins(text, 0);
  return { value: checked(schema, value), raw: new Map(rawMembers(text)) };
}

/** Options for {@linkcode readJsonList} and {@linkcode readJsonLines}. */
export interface JsonListOptions extends ReadTextOptions {
  readonly maxItems: number;
  /** Longest item, as the text that came. */
  readonly maxItemCharacters: number;
}

/**
 * Reads a body that is a JSON array of items of one shape.
 *
 * @returns the raw text of each item.
 * @throws {ProblemError} 400 "malformed_body", 413 "too_many_records" or
 * "record_too_large", and what {@linkcode readText} throws.
 */
export async function readJsonList(
  request: Request,
  schema: z.ZodMiniType,
  options: JsonListOptions,
): Promise<string[]> {
  const text = await readText(request, options);
  const items = decode(text);
  if (!Array.isArray(items)) throw malformed("The body is not a JSON array");
  checkCount(items, options);
  const texts = rawElements(text);
  checkLengths(texts, options);
  refuseTwins(text, 0);
  checked(z.array(schema), items);
  return texts;
}

/**
 * Reads a body that has an item of one shape on each of its lines; empty lines
 * count for nothing.
 *
 * @returns the raw text of each item.
 * @throws {ProblemError} as {@linkcode readJsonList}
 */
export async function readJsonLines(
  request: Request,
  schema: z.ZodMiniType,
  options: JsonListOptions,
): Promise<string[]> {
  const text = await readText(request, options);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  checkCount(lines, options);
  checkLengths(lines, options);
  const items = lines.map((line) => {
    const item = decode(line);
    refuseTwins(line, 0);
    return item;
  });
  checked(z.array(schema), items);
  return lines;
}

function checkCount(items: readonly unknown[], { maxItems }: JsonListOptions) {
  if (items.length <= maxItems) return;
  throw new ProblemError(413, "too_many_records", {
    detail: `A call brings at most ${maxItems} records`,
  });
}

function checkLengths(
  texts: readonly string[],
  { maxItemCharacters }: JsonListOptions,
) {
  if (texts.every((text) => text.length <= maxItemCharacters)) return;
  throw new ProblemError(413, "record_too_large", {
    detail: `A record has at most ${maxItemCharacters} characters`,
  });
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("The body is not JSON");
  }
}

function checked<S extends z.ZodMiniType>(
  schema: S,
  value: unknown,
): z.infer<S> {
  try {
    return checkShape("body", schema, value);
  } catch (error) {
    if (error instanceof ShapeError) throw malformed(error.message);
    throw error;
  }
}

function refuseTwins(text: string, depth: number) {
  if (depth > DEEPEST_CHECKED) return;
  const first = text.trimStart()[0];
  if (first === "[") {
    for (const element of rawElements(text)) refuseTwins(element, depth + 1);
  }
  if (first !== "{") return;
  const names = new Set<string>();
  for (const [name, raw] of rawMembers(text)) {
    if (names.has(name)) throw malformed("A member stands twice");
    names.add(name);
    if (!OPAQUE.has(name)) refuseTwins(raw, depth + 1);
  }
}

function malformed(detail: string) {
  return new ProblemError(400, "malformed_body", { detail });
}
