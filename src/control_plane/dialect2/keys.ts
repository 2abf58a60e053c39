import { SECRET_NAME_2 } from "../../wire/dialect2/bodies.ts";
import { ProblemError } from "../http/problem.ts";
import type { StatePart } from "../node_changes.ts";

/** Longest key of metadata and data. @see docs/wire.md, section h.4 */
const MAX_KEY = 128;

/**
 * Refuses keys that a node of dialect 2 could never be told, or could never ask
 * for.
 *
 * @throws {ProblemError} 400 "invalid_key"
 */
export function checkKey2(part: StatePart, key: string): void {
  if (part === "secret_refs") {
    if (SECRET_NAME_2.test(key)) return;
    throw invalid(`names of secrets match ${SECRET_NAME_2.source}`);
  }
  if (key.length <= MAX_KEY) return;
  throw invalid(`a key has at most ${MAX_KEY} characters`);
}

function invalid(why: string) {
  return new ProblemError(400, "invalid_key", {
    detail: `The node speaks dialect 2, where ${why}`,
  });
}
