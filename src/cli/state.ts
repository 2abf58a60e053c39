import { askAgent, refusalIn } from "./ask_agent.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { pathSegment } from "./path_segment.ts";
import { show } from "./output/show.ts";

/** `plexd state` */
export async function state(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const isFull = invocation.flags["--full"] === true;
  const path = isFull ? "/v1/state?full=true" : "/v1/state";
  const answer = await askAgent(config, "GET", path);
  if (answer.status !== 200) {
    throw refusalIn(answer);
  }
  warnWhenStale(answer.headers, invocation);
  await show(invocation, {
    json: answer.text,
    table: async (screen) => {
      const { stateTable } = await import("./state_table.ts");
      const reports = await askAgent(config, "GET", REPORTS_WITH_SYNC);
      return stateTable(screen, answer.body, reports.body);
    },
    usual: "json",
  });
  return EXIT.fine;
}

/** An agent before this was there leaves out how far each is. */
const REPORTS_WITH_SYNC = "/v1/state/report?sync=true";

/** `plexd state get TYPE KEY` */
export async function stateGet(invocation: Invocation): Promise<number> {
  const [type = "", key = ""] = invocation.args;
  const config = await invocation.config();
  const answer = await askAgent(
    config,
    "GET",
    `/v1/state/${type}/${pathSegment(key, "a key")}`,
  );
  if (answer.status === 404) {
    throw new CommandError(
      EXIT.notFound,
      `${type}/${key} not found`,
      'keys are listed by "plexd state"',
    );
  }
  if (answer.status !== 200) {
    throw refusalIn(answer);
  }
  warnWhenStale(answer.headers, invocation);
  await show(invocation, {
    json: answer.text,
    table: async (screen) =>
      (await import("./state_table.ts")).entryTable(screen, answer.body),
    usual: "json",
  });
  return EXIT.fine;
}

function warnWhenStale(headers: Headers, { complain }: Invocation) {
  if (headers.get("x-plexd-stale") !== "true") return;
  complain('plexd: this state is stale; "plexd status" says why');
}
