import { errorAnswer } from "./answers.ts";

/** What follows the path of a request's URL; most requests have no query. */
export function queryOf(url: string): URLSearchParams | undefined {
  const at = url.indexOf("?");
  return at < 0 ? undefined : new URLSearchParams(url.slice(at + 1));
}

/**
 * The one value of a parameter; undefined when it is not there.
 *
 * @returns a refusal when it is there twice: nobody knows which one is meant.
 */
export function parameter(
  query: URLSearchParams,
  name: string,
): string | undefined | Response {
  const values = query.getAll(name);
  return values.length > 1
    ? errorAnswer(400, `${name} must be given once`)
    : values[0];
}

/**
 * Whether a parameter is `true`; it is not when it is missing.
 *
 * @returns a refusal of any other value than `true` and `false`.
 */
export function flagIn(url: string, name: string): boolean | Response {
  const query = queryOf(url);
  if (!query) return false;
  const value = parameter(query, name);
  if (value instanceof Response) return value;
  if (value === undefined || value === "false") return false;
  return value === "true" || errorAnswer(400, `${name} must be true or false`);
}
