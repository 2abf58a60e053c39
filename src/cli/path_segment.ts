import { encodeSegment } from "../wire/endpoints.ts";
import { CommandError, EXIT } from "./command.ts";

/**
 * A word of the command line as a part of a path.
 *
 * @param what Such as "a key".
 * @throws {CommandError} for one that no path can carry, such as `..`.
 */
export function pathSegment(word: string, what: string): string {
  try {
    return encodeSegment(word);
  } catch {
    throw new CommandError(
      EXIT.wrongUsage,
      `"${word}" cannot be ${what}`,
      word === "" ? "is a variable of the shell not set?" : undefined,
    );
  }
}
