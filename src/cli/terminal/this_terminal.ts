import { systemClock } from "../../platform/clock.ts";
import type { Command } from "../command.ts";
import { stateHomeIn } from "../state_home.ts";
import { choiceOf, choicesFile, choicesIn } from "./choices.ts";
import { readProc } from "./read_proc.ts";
import { currentSession } from "./session.ts";
import type { ThisTerminal } from "./terminal.ts";

/**
 * Which membership was chosen in this terminal. It has to be asked before the
 * process gives anything up: nothing tells of its terminal from then on.
 */
export function thisTerminal(
  { terminal }: Pick<Command, "terminal">,
): ThisTerminal {
  if (terminal === "ignored") return {};
  const home = stateHomeIn(Deno.env);
  const text = home === undefined ? undefined : textIn(choicesFile(home));
  if (text === undefined && terminal !== "chosen") return {};
  const session = currentSession({ env: Deno.env, read: readProc });
  if (!session) return {};
  const choices = choicesIn(text ?? "", systemClock.now());
  const choice = choiceOf(choices, session);
  return { session, ...(choice ? { choice } : {}) };
}

function textIn(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Not there, or not for this user: nothing was chosen.
    return undefined;
  }
}
