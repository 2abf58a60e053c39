import { CommandError, EXIT, type Invocation } from "../command.ts";
import { type AdminSession, withAdmin } from "./session.ts";

/** Does one thing; gets the words after the verb. */
export type Verb = (
  session: AdminSession,
  words: readonly string[],
) => Promise<void>;

/** A verb with the words that it needs. */
export interface VerbRow {
  readonly words: readonly string[];
  readonly run: Verb;
}

/**
 * Runs the verb that the first argument names.
 *
 * @throws {CommandError} exit code 2 when words are missing or too many.
 */
export function verbCommand(
  name: string,
  verbs: Readonly<Record<string, VerbRow>>,
): (invocation: Invocation) => Promise<number> {
  return async (invocation) => {
    const [verb = "", ...words] = invocation.args;
    const row = verbs[verb];
    if (!row || words.length !== row.words.length) {
      const usage = row
        ? [verb, ...row.words].join(" ")
        : Object.keys(verbs).join("|");
      throw new CommandError(
        EXIT.wrongUsage,
        row
          ? `"plexd ${name} ${verb}" takes ${
            row.words.length === 0 ? "no further words" : row.words.join(" ")
          }`
          : `"plexd ${name}" does not know "${verb}"`,
        `usage: plexd ${name} ${usage}`,
      );
    }
    return await withAdmin(invocation, (session) => row.run(session, words));
  };
}
