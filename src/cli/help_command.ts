import { EXIT, type Invocation } from "./command.ts";
import { findTopic } from "./find_topic.ts";
import { helpFor } from "./help.ts";

/** `plexd help [COMMAND...]`: what `plexd COMMAND --help` prints. */
export function help(invocation: Invocation): Promise<number> {
  const { args, print, screen, table } = invocation;
  print(helpFor(table, findTopic(table, args), screen));
  return Promise.resolve(EXIT.fine);
}
