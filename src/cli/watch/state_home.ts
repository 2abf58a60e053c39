import { CommandError, EXIT } from "../command.ts";

/**
 * Where this user's programs keep what they remember between two runs.
 *
 * @throws {CommandError} when the environment names no such place.
 * @see the XDG Base Directory specification, "XDG_STATE_HOME"
 */
export function stateHome(env: Pick<Deno.Env, "get"> = Deno.env): string {
  const named = env.get("XDG_STATE_HOME");
  // The specification has relative ones ignored.
  if (named?.startsWith("/")) return named;
  const home = env.get("HOME");
  if (home?.startsWith("/")) return `${home}/.local/state`;
  throw new CommandError(
    EXIT.failed,
    "there is no place to remember a consumer in: HOME is not set",
    "set XDG_STATE_HOME to a folder of this user; in a unit of systemd, " +
      "StateDirectory= makes one",
  );
}
