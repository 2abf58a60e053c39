import * as z from "zod/mini";
import { nearest } from "../config/nearest.ts";
import type { Config } from "../config/settings.ts";
import type { Clock } from "../platform/clock.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { WATCH_KINDS } from "../wire/watch.ts";
import { askAgent, errorText } from "./ask_agent.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { outputForm } from "./output/show.ts";
import { Consumer } from "./watch/consumer.ts";
import { CursorStore } from "./watch/cursor_store.ts";
import { followChanges } from "./watch/follow_changes.ts";
import { stateHome } from "./watch/state_home.ts";
import { jsonLine, tableLine } from "./watch/watch_line.ts";

/** Longest name of a consumer, in bytes. */
const LONGEST_NAME = 255;

/**
 * `plexd watch`: a line for each change of what this node is given or reports,
 * once it is durable. When the agent goes away it waits for it.
 */
export async function watch(invocation: Invocation): Promise<number> {
  const { flags, print, complain, stop, platform } = invocation;
  const form = outputForm({ flags });
  if (form === "yaml") {
    throw new CommandError(
      EXIT.wrongUsage,
      "watch prints lines: --output is table or json",
    );
  }
  const query = queryOf(flags);
  const config = await invocation.config();
  const { clock } = platform(config);
  const consumer = await consumerOf(invocation, config, clock, query);
  const lineOf = form === "json" ? jsonLine : tableLine;
  try {
    const events = followChanges({
      socket: config["node_api.socket_path"],
      path: `/v1/watch${query === "" ? "" : `?${query}`}`,
      position: consumer?.position,
      tell: (text) => complain(`plexd: ${text}`),
      clock,
      stop,
    });
    for await (const { id, told } of events) {
      const line = told && lineOf({ id, ...told });
      // A consumer that has gone away has not seen it.
      if (line !== undefined && !print(line)) break;
      if (id !== "") consumer?.reached(id);
    }
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new CommandError(EXIT.failed, error.message);
  } finally {
    await consumer?.end();
  }
  return EXIT.fine;
}

/** The filters, in one order, so that it names what is watched. */
function queryOf(flags: Invocation["flags"]): string {
  const kinds = flags["--kind"] === undefined
    ? []
    : String(flags["--kind"]).split(",");
  for (const kind of kinds) {
    const known: readonly string[] = WATCH_KINDS;
    if (known.includes(kind)) continue;
    const near = nearest(kind, known);
    throw new CommandError(
      EXIT.wrongUsage,
      `there is no kind "${kind}"`,
      near ? `did you mean "${near}"?` : `there are ${known.join(", ")}`,
    );
  }
  const query = new URLSearchParams();
  for (const kind of [...new Set(kinds)].sort()) query.append("kind", kind);
  const key = flags["--key"];
  if (key !== undefined) query.append("key", String(key));
  return query.toString();
}

/** Only what names the membership; the rest is for other commands. */
const statusSchema = z.object({
  cluster: z.string(),
  node_id: z.string(),
  identity: z.object({ membership_id: z.nullable(z.string()) }),
});

/** Asks the agent even without a consumer: that tells what is wrong with it. */
async function consumerOf(
  { flags, complain }: Invocation,
  config: Config,
  clock: Clock,
  query: string,
): Promise<Consumer | undefined> {
  const name = flags["--consumer"];
  const answer = await askAgent(config, "GET", "/v1/status");
  if (name === undefined) return undefined;
  const consumer = String(name);
  const bytes = new TextEncoder().encode(consumer).length;
  if (consumer === "" || bytes > LONGEST_NAME || !consumer.isWellFormed()) {
    throw new CommandError(
      EXIT.wrongUsage,
      `--consumer is a name of 1 to ${LONGEST_NAME} bytes`,
    );
  }
  if (answer.status !== 200) {
    throw new CommandError(EXIT.failed, errorText(answer));
  }
  const { cluster, node_id, identity } = parseShape(
    "status",
    statusSchema,
    answer.text,
  );
  const folder = `${stateHome()}/plexd/watch`;
  const store = new CursorStore(
    folder,
    clock,
    (what) => complain(`plexd: consumers begin anew: ${what}`),
  );
  try {
    return new Consumer(
      store,
      {
        membership: identity.membership_id ?? `${cluster} ${node_id}`,
        consumer,
        channel: `watch?${query}`,
      },
      clock,
      (error) => complain(`plexd: ${cannotSave(folder, error)}`),
    );
  } catch (error) {
    throw new CommandError(
      EXIT.failed,
      cannotSave(folder, error),
      "set XDG_STATE_HOME to a folder of this user",
    );
  }
}

function cannotSave(folder: string, error: unknown): string {
  return `where consumers stopped cannot be kept in ${folder}: ${
    error instanceof Error ? error.message : error
  }`;
}
