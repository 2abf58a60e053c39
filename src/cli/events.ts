import { LocalCallError } from "../client/errors.ts";
import type { Config } from "../config/settings.ts";
import { readLastRun } from "../store/read_last_run.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { eventsSchema, type Transition } from "../wire/transitions.ts";
import { askIfRunning, refusalIn } from "./ask_agent.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { lineOfJson } from "./indent_json.ts";
import { lineForm, show } from "./output/show.ts";
import { type Cell, table } from "./output/table.ts";
import { plain } from "./output/text_width.ts";
import { reading } from "./stored_membership.ts";

/** How often `--follow` looks for what is new. */
const FOLLOW_EVERY_MS = 1_000;

/**
 * `plexd events`: what happened to the agent, oldest first; from its disk when
 * it does not run. With `--follow`, also what happens from now on.
 */
export async function events(invocation: Invocation): Promise<number> {
  const { flags, stop } = invocation;
  const form = flags["--follow"] ? lineForm({ flags }, "--follow") : undefined;
  const config = await invocation.config();
  const first = await transitionsOf(config, stop).catch((error) => {
    if (form && stop.aborted) return undefined;
    throw error;
  });
  if (!first) return EXIT.fine;
  const { known, isLive } = first;
  if (!isLive) {
    invocation.complain(
      "plexd: no agent is running; this is what its store holds on disk",
    );
  }
  if (form) {
    await follow(invocation, config, form, known);
    return EXIT.fine;
  }
  if (known.length === 0) {
    invocation.complain("plexd: nothing has happened yet");
  }
  await show(invocation, {
    json: JSON.stringify({ events: known, from_disk: !isLive }),
    table: (screen) =>
      known.length === 0 ? "" : table(screen, HEAD, rows(known)),
  });
  return EXIT.fine;
}

const HEAD = ["AT", "EVENT", "CARRIER", "REASON"];
const BAD = ["failed", "disconnect", "refused", "unauthorized", "degraded"];

function rows(list: readonly Transition[]): Cell[][] {
  return list.map(({ type, at, carrier, reason }) => [
    at,
    BAD.includes(type) ? { text: type, colour: "yellow" } : type,
    carrier ?? "-",
    reason ?? "-",
  ]);
}

/**
 * Prints a line for each; in JSON each is a document of its own. Ends when it is
 * told to, and with the first line that nobody reads.
 */
async function follow(
  { print, stop, platform }: Invocation,
  config: Config,
  form: "table" | "json",
  first: readonly Transition[],
): Promise<void> {
  const { clock } = platform(config);
  const tell = (list: readonly Transition[]) =>
    list.every((one) => print(form === "json" ? lineOfJson(one) : lineOf(one)));
  let known = first;
  let isRead = tell(first);
  try {
    while (isRead) {
      await clock.sleep(FOLLOW_EVERY_MS, stop);
      const next = (await transitionsOf(config, stop)).known;
      isRead = tell(newIn(next, known));
      known = next;
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

function lineOf({ type, at, carrier, reason }: Transition): string {
  const rest = [carrier, reason].filter((text) => text !== undefined);
  return plain([at, type.padEnd(12), ...rest].join("  ")).trimEnd();
}

/** What of a ring was not there at the look before. */
export function newIn(
  next: readonly Transition[],
  known: readonly Transition[],
): readonly Transition[] {
  const seen = known.map((one) => JSON.stringify(one));
  const texts = next.map((one) => JSON.stringify(one));
  // The longest end of what was known with which the list still begins.
  for (let from = 0; from < seen.length; from++) {
    const kept = seen.slice(from);
    if (kept.every((text, at) => texts[at] === text)) {
      return next.slice(kept.length);
    }
  }
  return next;
}

async function transitionsOf(
  config: Config,
  signal: AbortSignal,
): Promise<{ known: readonly Transition[]; isLive: boolean }> {
  const answer = await askIfRunning(
    config,
    "GET",
    "/v1/events",
    undefined,
    { signal },
  );
  if (!(answer instanceof LocalCallError)) {
    if (answer.status !== 200) {
      throw refusalIn(answer);
    }
    try {
      const { events } = parseShape("events", eventsSchema, answer.text);
      return { known: events, isLive: true };
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new CommandError(EXIT.failed, error.message);
    }
  }
  const socket = config["node_api.socket_path"];
  const { data_dir: dataDir, cluster } = config;
  const { transitions, run } = reading(
    dataDir,
    () => readLastRun(dataDir, cluster),
  );
  if (!run && transitions.length === 0) {
    throw new CommandError(
      EXIT.agentNotRunning,
      `no agent is running on ${socket}, and none has run in ${dataDir}`,
      'start it with "plexd up", or name another folder with --data-dir',
    );
  }
  return { known: transitions, isLive: false };
}
