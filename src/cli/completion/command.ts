import { type CommandTable, EXIT, type Invocation } from "../command.ts";
import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import { zshCompletion } from "./zsh.ts";

/** The completion of each shell that has one. */
export const COMPLETIONS: Readonly<
  Record<
    string,
    (table: CommandTable) => string
  >
> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `plexd completion SHELL` */
export function completion(invocation: Invocation): Promise<number> {
  const { args, print, table } = invocation;
  print(COMPLETIONS[args[0]!]!(table).trimEnd());
  return Promise.resolve(EXIT.fine);
}
