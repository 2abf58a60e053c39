import type { Config } from "../config/settings.ts";
import type { Identity } from "../store/identity.ts";
import type { CredentialsWatch } from "./credentials_watch.ts";
import { registrationDialectFrom } from "./join_dialect.ts";
import { showNotEnrolled } from "./links.ts";
import { type Rejoin, runUntilRejoined } from "./rejoin.ts";
import { runUnenrolled, type UnenrolledContext } from "./unenrolled.ts";

/**
 * Joins with a token that lies there already, before anything is served: so an
 * agent that starts with a good one is ready as the node that it becomes.
 *
 * @returns undefined without one, or when that did not work.
 * @throws {ConfigError} when the node could not join with any token.
 * @throws when `signal` aborts.
 */
export async function joinAtStart(
  config: Config,
  joining: Rejoin,
  credentials: CredentialsWatch,
  signal: AbortSignal,
): Promise<Identity | undefined> {
  registrationDialectFrom(config);
  await joining.once(signal);
  return await credentials.enrolled();
}

/**
 * Serves as a node that is not enrolled until it has joined, or `end` aborts.
 *
 * @returns whether it has joined.
 */
export async function waitToJoin(
  context: UnenrolledContext,
  joining: Rejoin,
  end: AbortSignal,
): Promise<boolean> {
  const { degraded } = context;
  // What was heard as a node that this one is not any more.
  degraded.clear("control_plane_unreachable");
  showNotEnrolled(context, joining);
  joining.want(true);
  return await runUntilRejoined(
    (leave) => runUnenrolled(context, leave),
    joining,
    end,
  );
}
