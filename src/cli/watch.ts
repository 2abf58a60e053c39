import * as z from "zod/mini";
import { ApiError, LocalCallError } from "../client/errors.ts";
import { watch as watchAgent, type WatchNews } from "../client/watch.ts";
import { nearest } from "../config/nearest.ts";
import type { Config } from "../config/settings.ts";
import type { Clock } from "../platform/clock.ts";
import { parseShape } from "../wire/shape_error.ts";
import { WATCH_KINDS, type WatchKind } from "../wire/watch.ts";
import { askAgent, failureOf, notEnrolled, refusalIn } from "./ask_agent.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { lineForm } from "./output/show.ts";
import { stateHome } from "./state_home.ts";
import { Consumer } from "./watch/consumer.ts";
import { CursorStore } from "./watch/cursor_store.ts";
import { jsonLine, type Shown, tableLine } from "./watch/watch_line.ts";

/** Longest name of a consumer, in bytes. */
const LONGEST_NAME = 255;

/**
 * `plexd watch`: a line for each change of what this node is given or reports,
 * once it is durable. When the agent goes away it waits for it.
 */
export async function watch(invocation: Invocation): Promise<number> {
  const { flags, print, complain, stop, platform } = invocation;
  const form = lineForm({ flags }, "watch");
  const filter = filterOf(flags);
  const name = consumerNameIn(flags);
  const config = await invocation.config();
  const { clock } = platform(config);
  let consumer: Consumer | undefined;
  const ended = new AbortController();
  const tell = (shown: Shown) => {
    const line = form === "json" ? jsonLine(shown) : tableLine(shown);
    // Whoever does not read any more has not seen it.
    if (line !== undefined && !print(line)) ended.abort();
  };
  const connection = new Connection((text) => complain(`plexd: ${text}`));
  try {
    consumer = await consumerOf(invocation, config, clock, name, filter);
    const events = watchAgent(config["node_api.socket_path"], {
      ...filter,
      ...(consumer?.position === undefined
        ? {}
        : { position: consumer.position }),
      onNews(news) {
        connection.hear(news);
        if (news.type === "opened") tell({ ...news, type: "hello" });
        if (news.type === "moved" && !ended.signal.aborted) {
          consumer?.reached(news.position);
        }
      },
      signal: AbortSignal.any([stop, ended.signal]),
      clock,
    });
    for await (const event of events) {
      if (event.type !== "hello") tell(event);
    }
  } catch (error) {
    if (!stop.aborted) throw failureIn(error);
  } finally {
    await consumer?.end();
  }
  return EXIT.fine;
}

/** Says once that the agent has gone, and once that it is back. */
class Connection {
  readonly #say: (text: string) => void;
  #isAway = false;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  hear(news: WatchNews): void {
    if (news.type === "lost") {
      if (!this.#isAway) {
        this.#say(AWAY[news.reason] ?? `${GONE}${news.reason}`);
      }
      this.#isAway = true;
    } else if (this.#isAway) {
      this.#isAway = false;
      this.#say("the agent is back");
    }
  }
}

const GONE = "the agent has gone, and is waited for: ";

const AWAY: Readonly<Record<string, string>> = {
  stopping: `${GONE}it was stopped, or begins anew`,
  state_unavailable: "the state is not to be shown any more, as when it has " +
    "expired; going on when there is a new one",
  slow_reader: "what is printed was read too slowly; going on where it stopped",
};

/** What it means for a command that there is no stream. */
function failureIn(error: unknown): unknown {
  if (error instanceof LocalCallError) return failureOf(error);
  if (!(error instanceof ApiError)) return error;
  if (error.reason === "not_enrolled") return notEnrolled();
  return error.status === 404
    ? new CommandError(EXIT.failed, "this agent is too old to be watched")
    : new CommandError(EXIT.failed, `the agent says: ${error.message}`);
}

/** What is watched. */
interface Filter {
  readonly kinds: readonly WatchKind[];
  readonly keys: readonly string[];
}

/** The filters, in one order, so that they name what is watched. */
function filterOf(flags: Invocation["flags"]): Filter {
  const given = flags["--kind"] === undefined
    ? []
    : String(flags["--kind"]).split(",");
  const kinds = given.map((text) => {
    const kind = WATCH_KINDS.find((known) => known === text);
    if (kind !== undefined) return kind;
    const near = nearest(text, WATCH_KINDS);
    throw new CommandError(
      EXIT.wrongUsage,
      `there is no kind "${text}"`,
      near ? `did you mean "${near}"?` : `there are ${WATCH_KINDS.join(", ")}`,
    );
  });
  const key = flags["--key"];
  return {
    kinds: [...new Set(kinds)].sort(),
    keys: key === undefined ? [] : [String(key)],
  };
}

/** Only what names the membership; the rest is for other commands. */
const statusSchema = z.object({
  cluster: z.string(),
  node_id: z.string(),
  identity: z.object({ membership_id: z.nullable(z.string()) }),
});

/** @throws {CommandError} for one that no consumer can have. */
function consumerNameIn(flags: Invocation["flags"]): string | undefined {
  if (flags["--consumer"] === undefined) return undefined;
  const consumer = String(flags["--consumer"]);
  const bytes = new TextEncoder().encode(consumer).length;
  if (consumer === "" || bytes > LONGEST_NAME || !consumer.isWellFormed()) {
    throw new CommandError(
      EXIT.wrongUsage,
      `--consumer is a name of 1 to ${LONGEST_NAME} bytes`,
    );
  }
  return consumer;
}

/** Asks the agent even without a consumer: that tells what is wrong with it. */
async function consumerOf(
  { complain, stop }: Invocation,
  config: Config,
  clock: Clock,
  consumer: string | undefined,
  filter: Filter,
): Promise<Consumer | undefined> {
  const answer = await askAgent(
    config,
    "GET",
    "/v1/status",
    undefined,
    { signal: stop },
  );
  if (consumer === undefined) return undefined;
  if (answer.status !== 200) throw refusalIn(answer);
  const { cluster, node_id, identity } = parseShape(
    "status",
    statusSchema,
    answer.text,
  );
  const folder = `${stateHome("a consumer")}/plexd/watch`;
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
        channel: JSON.stringify([filter.kinds, filter.keys]),
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
