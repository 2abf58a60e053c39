import type { Config } from "../config/settings.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";

/** Is there where systemd has started the machine. */
const SYSTEMD = "/run/systemd/system";

/**
 * `plexd logs`: what the journal has of the agent's unit. Elsewhere the log
 * goes to standard error of "plexd up", and that is said.
 */
export async function logs(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const unit = unitOf(config);
  if (!isThere(SYSTEMD)) throw noJournal("systemd does not run this machine");
  const { stop, flags } = invocation;
  const args = ["--no-pager", "--unit", unit];
  if (flags["--follow"]) args.push("--follow");
  if (flags["--lines"] !== undefined) {
    args.push("--lines", linesIn(String(flags["--lines"])));
  }
  let journal: Deno.ChildProcess;
  try {
    journal = new Deno.Command("journalctl", {
      args,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw noJournal("there is no journalctl");
  }
  const end = () => {
    try {
      journal.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
  };
  stop.addEventListener("abort", end, { once: true });
  const { code } = await journal.status;
  stop.removeEventListener("abort", end);
  return stop.aborted || code === 0 ? EXIT.fine : EXIT.failed;
}

/** The unit that runs the agent of a membership. */
export function unitOf({ cluster }: Pick<Config, "cluster">): string {
  return cluster === "default" ? "plexd.service" : `plexd@${cluster}.service`;
}

function linesIn(given: string): string {
  if (/^(\d{1,7}|all)$/.test(given)) return given;
  throw new CommandError(EXIT.wrongUsage, '--lines is a number, or "all"');
}

function noJournal(why: string): CommandError {
  return new CommandError(
    EXIT.notFound,
    `there is no journal to read: ${why}`,
    'the agent writes its log to standard error of "plexd up": look where ' +
      "that goes, such as the log of the container",
  );
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
