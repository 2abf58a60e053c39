import { LocalCallError } from "../../client/errors.ts";
import type { Clock } from "../../platform/clock.ts";
import { errorText, failureOf } from "../ask_agent.ts";
import { CommandError, EXIT } from "../command.ts";
import {
  changeStream,
  NoStreamError,
  type StreamEvent,
} from "./change_stream.ts";

/** Wait before an agent that has gone is looked for again; it doubles. */
const RETRY_MS = 200;
const LONGEST_RETRY_MS = 5_000;

/** Options for {@linkcode followChanges}. */
export interface FollowOptions {
  readonly socket: string;
  /** With its query. */
  readonly path: string;
  /** Where the reader has stopped before; undefined to begin now. */
  readonly position: string | undefined;
  /** Hears what a person should know about the connection. */
  readonly tell: (text: string) => void;
  readonly clock: Clock;
  readonly stop: AbortSignal;
}

/**
 * The events of one stream after the other until `stop` aborts: when one ends,
 * the next goes on where it was.
 *
 * @throws {CommandError} when the agent cannot be asked the first time, or
 * refuses for good.
 */
export async function* followChanges(
  { socket, path, position, tell, clock, stop }: FollowOptions,
): AsyncGenerator<StreamEvent> {
  let at = position;
  let hasBegun = false;
  let isAway = false;
  let waitMs = RETRY_MS;
  while (!stop.aborted) {
    let ended = "the agent has gone; this goes on when it is back";
    try {
      const options = { socket, path, position: at, clock, stop };
      for await (const event of changeStream(options)) {
        if (isAway) tell("the agent is back");
        [hasBegun, isAway, waitMs] = [true, false, RETRY_MS];
        if (event.id !== "") at = event.id;
        if (event.told?.event !== "end") yield event;
        else if (event.told.data.includes("slow_reader")) {
          ended = "this reader was too slow; it goes on where it was";
        }
      }
    } catch (error) {
      ended = whyAway(error, hasBegun);
    }
    if (stop.aborted) return;
    if (!isAway) tell(ended);
    isAway = true;
    await clock.sleep(waitMs, stop).catch(() => {});
    waitMs = Math.min(2 * waitMs, LONGEST_RETRY_MS);
  }
}

/** @throws {CommandError} when waiting does not help. */
function whyAway(error: unknown, hasBegun: boolean): string {
  if (error instanceof LocalCallError) {
    if (!hasBegun || error.kind === "no_permission") throw failureOf(error);
    return `${error.message}; this goes on when one is`;
  }
  if (!(error instanceof NoStreamError)) throw error;
  const { status, text } = error;
  const said = errorText({ status, text, body: decoded(text), headers: NONE });
  if (hasBegun && status === 503) return `${said}; this goes on when it can`;
  throw status === 404
    ? new CommandError(EXIT.failed, "this agent is too old to be watched")
    : new CommandError(EXIT.failed, `the agent says: ${said}`);
}

const NONE = new Headers();

function decoded(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
