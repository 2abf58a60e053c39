import { encodeSegment } from "../wire/endpoints.ts";
import { askAgent, errorText } from "./ask_agent.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { show } from "./output/show.ts";
import { readStdin } from "./read_stdin.ts";

/** `plexd state` */
export async function state(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const answer = await askAgent(config, "GET", "/v1/state");
  if (answer.status !== 200) {
    throw new CommandError(EXIT.failed, errorText(answer));
  }
  warnWhenStale(answer.headers, invocation);
  await show(invocation, {
    json: answer.text,
    table: async (screen) =>
      (await import("./state_table.ts")).stateTable(screen, answer.body),
    usual: "json",
  });
  return EXIT.fine;
}

/** What the agent takes at most. */
const MAX_REPORT_BYTES = 2 ** 20;

/** `plexd state get TYPE KEY` */
export async function stateGet(invocation: Invocation): Promise<number> {
  const [type = "", key = ""] = invocation.args;
  const config = await invocation.config();
  const answer = await askAgent(
    config,
    "GET",
    `/v1/state/${type}/${segment(key)}`,
  );
  if (answer.status === 404) {
    throw new CommandError(
      EXIT.notFound,
      `${type}/${key} not found`,
      'keys are listed by "plexd state"',
    );
  }
  if (answer.status !== 200) {
    throw new CommandError(EXIT.failed, errorText(answer));
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

/** `plexd state report KEY --data JSON` */
export async function stateReport(invocation: Invocation): Promise<number> {
  const [key = ""] = invocation.args;
  const given = invocation.flags["--data"];
  const text = given === "-"
    ? await readStdin(MAX_REPORT_BYTES)
    : String(given);
  try {
    JSON.parse(text);
  } catch {
    throw new CommandError(
      EXIT.wrongUsage,
      given === "-" ? "standard input is not JSON" : "--data is not JSON",
      `a text needs its quotes: --data '"hello"'`,
    );
  }
  const config = await invocation.config();
  const answer = await askAgent(
    config,
    "PUT",
    `/v1/state/report/${segment(key)}`,
    // As it was typed: numbers keep their text, members their order.
    `{"content_type":"application/json","payload":${text}}`,
  );
  if (answer.status !== 200) {
    throw new CommandError(EXIT.failed, errorText(answer));
  }
  invocation.print(`report ${key} written`);
  return EXIT.fine;
}

function segment(key: string): string {
  try {
    return encodeSegment(key);
  } catch {
    throw new CommandError(EXIT.wrongUsage, `"${key}" cannot be a key`);
  }
}

function warnWhenStale(headers: Headers, { complain }: Invocation) {
  if (headers.get("x-plexd-stale") !== "true") return;
  complain('plexd: this state is stale; "plexd status" says why');
}
