import { CommandError, EXIT, type Invocation } from "./command.ts";
import { findTopic } from "./find_topic.ts";
import { helpFor } from "./help.ts";

/** `plexd help [COMMAND...]`: what `plexd COMMAND --help` prints. */
export function help(invocation: Invocation): Promise<number> {
  const { args, print, screen, table } = invocation;
  const topic = findTopic(table, args);
  const name = topic.command?.name ?? topic.family ?? "";
  if (args.length > name.split(" ").length) {
    throw new CommandError(
      EXIT.wrongUsage,
      `there is no command "${args.join(" ")}"`,
      `"plexd help ${name}" tells of "plexd ${name}"`,
    );
  }
  print(helpFor(table, topic, screen));
  return Promise.resolve(EXIT.fine);
}
