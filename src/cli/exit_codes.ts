import type { Command, ExitCode } from "./command.ts";

/** What each exit code means, whatever the command. */
export const MEANING: Readonly<Record<ExitCode, string>> = {
  0: "fine",
  1: "failed",
  2: "wrong usage",
  3: "not found",
  4: "the agent is not running",
  69: "the control plane is unavailable",
  75: "already running",
  77: "not enrolled",
  78: "bad configuration",
};

/** How a command can end, in ascending order. */
export function exitsOf(
  { exits }: Pick<Command, "exits">,
): readonly ExitCode[] {
  return [0, 1, 2, ...exits];
}
