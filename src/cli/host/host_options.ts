import { resolve } from "node:path";
import { HostError } from "../../host/host_error.ts";
import { type Places, placesBelow, SYSTEM_PLACES } from "../../host/places.ts";
import { type Steps, toldSteps } from "../../host/steps.ts";
import { parseDuration } from "../../wire/duration.ts";
import { CommandError, EXIT, type Invocation } from "../command.ts";

/** As long as the unit gives the agent: `TimeoutStartSec=`. */
const READY_TIMEOUT = "90s";

/** Where the installation is that a command line means. */
export function placesOf({ flags }: Pick<Invocation, "flags">): Places {
  const prefix = flags["--prefix"];
  if (typeof prefix !== "string") return SYSTEM_PLACES;
  const path = resolve(prefix);
  if (path !== "/") return placesBelow(path);
  throw new CommandError(
    EXIT.wrongUsage,
    "--prefix is a folder below /",
    "without it plexd is installed for the whole machine",
  );
}

/** Steps that standard error tells; with `--dry-run` they are only told. */
export function stepsOf(
  { flags, complain }: Pick<Invocation, "flags" | "complain">,
): Steps {
  return toldSteps(
    flags["--dry-run"] === true,
    (line) => complain(`plexd: ${line}`),
  );
}

/** How long an agent may take until it is ready, in ms. */
export function readyMsOf({ flags }: Pick<Invocation, "flags">): number {
  const ms = parseDuration(String(flags["--ready-timeout"] ?? READY_TIMEOUT));
  if (ms !== undefined && ms > 0) return ms;
  throw new CommandError(
    EXIT.wrongUsage,
    "--ready-timeout is a duration such as 90s",
  );
}

/** What a failed installation tells. */
export function hostFailure(error: unknown): unknown {
  if (!(error instanceof HostError)) return error;
  const { message, hint, cause } = error;
  return new CommandError(EXIT.failed, message, hint, cause);
}
