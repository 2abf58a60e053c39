import { EXIT, type Invocation } from "./command.ts";
import { helpFor } from "./help.ts";
import { findTopic } from "./parse_args.ts";

/** `plexd help [COMMAND...]`: what `plexd COMMAND --help` prints. */
export function help(invocation: Invocation): Promise<number> {
  const { args, print, screen } = invocation;
  print(helpFor(findTopic(args), screen));
  return Promise.resolve(EXIT.fine);
}
