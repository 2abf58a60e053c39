import { encodeSegment } from "../wire/endpoints.ts";
import { CommandError, EXIT } from "./command.ts";

/**
 * A key as a part of a path.
 *
 * @throws {CommandError} for one that no path can carry.
 */
export function keySegment(key: string): string {
  try {
    return encodeSegment(key);
  } catch {
    throw new CommandError(EXIT.wrongUsage, `"${key}" cannot be a key`);
  }
}
