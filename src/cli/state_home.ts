import { CommandError, EXIT } from "./command.ts";

/**
 * Where this user's programs keep what they remember between two runs.
 *
 * @returns undefined when the environment names no such place.
 * @see the XDG Base Directory specification, "XDG_STATE_HOME"
 */
export function stateHomeIn(env: Pick<Deno.Env, "get">): string | undefined {
  const named = env.get("XDG_STATE_HOME");
  // The specification has relative ones ignored.
  if (named?.startsWith("/")) return named;
  const home = env.get("HOME");
  return home?.startsWith("/") ? `${home}/.local/state` : undefined;
}

/**
 * {@linkcode stateHomeIn} for a command that cannot go on without.
 *
 * @param what It is to remember, such as `a consumer`.
 * @throws {CommandError} when the environment names no such place.
 */
export function stateHome(
  what: string,
  env: Pick<Deno.Env, "get"> = Deno.env,
): string {
  const home = stateHomeIn(env);
  if (home !== undefined) return home;
  throw new CommandError(
    EXIT.failed,
    `there is no place to remember ${what} in: HOME is not set`,
    "set XDG_STATE_HOME to a folder of this user; in a unit of systemd, " +
      "StateDirectory= makes one",
  );
}
