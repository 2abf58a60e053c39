import { askAgent, errorText, refusalIn } from "./ask_agent.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { pathSegment } from "./path_segment.ts";
import type { LocalAnswer } from "../client/call.ts";
import { parseDuration } from "../wire/duration.ts";
import { show } from "./output/show.ts";
import { readStdin } from "./read_stdin.ts";

/** What the agent takes at most. */
const MAX_REPORT_BYTES = 2 ** 20;

/** How long to wait where that is not said. */
const USUAL_WAIT_MS = 10_000;

/** What the agent waits at most. */
const LONGEST_WAIT_MS = 60_000;

/** Longest wait for an answer beyond that. */
const ANSWER_LIMIT_MS = 30_000;

/**
 * `plexd state report KEY`: prints a report; with `--data` writes it, under a
 * condition if one is given; with `--delete` removes it; with `--wait` ends when
 * the control plane knows.
 */
export async function stateReport(invocation: Invocation): Promise<number> {
  const [key = ""] = invocation.args;
  const { flags } = invocation;
  const [writes, removes] = [
    flags["--data"] !== undefined,
    !!flags["--delete"],
  ];
  const condition = conditionIn(flags);
  if (writes && removes) throw misuse("--data and --delete exclude each other");
  if (Object.keys(condition).length > 0 && !writes) {
    throw misuse("--if-match and --create need --data");
  }
  if (flags["--wait"] && !writes && !removes) {
    throw misuse("--wait needs --data or --delete");
  }
  waitMsIn(flags);
  if (writes) return await write(invocation, key, condition);
  if (removes) return await remove(invocation, key);
  return await print(invocation, key);
}

async function print(invocation: Invocation, key: string): Promise<number> {
  const config = await invocation.config();
  const answer = await askAgent(config, "GET", pathOf(key));
  if (answer.status !== 200) throw failure(answer, key);
  await show(invocation, {
    json: answer.text,
    table: async (screen) =>
      (await import("./state_table.ts")).entryTable(screen, answer.body),
    usual: "json",
  });
  return EXIT.fine;
}

async function write(
  invocation: Invocation,
  key: string,
  condition: Record<string, string>,
): Promise<number> {
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
    pathOf(key) + waitIn(invocation),
    // As it was typed: numbers keep their text, members their order.
    `{"content_type":"application/json","payload":${text}}`,
    { headers: condition, ...limitIn(invocation) },
  );
  if (answer.status === 202) throw notUpstream(answer, key, "written");
  if (answer.status !== 200) throw failure(answer, key);
  invocation.print(`report ${key} written${upstreamText(answer)}`);
  return EXIT.fine;
}

async function remove(invocation: Invocation, key: string): Promise<number> {
  const config = await invocation.config();
  const path = pathOf(key) + waitIn(invocation);
  const answer = await askAgent(
    config,
    "DELETE",
    path,
    undefined,
    limitIn(invocation),
  );
  if (answer.status === 202) throw notUpstream(answer, key, "removed");
  if (answer.status !== 204) throw failure(answer, key);
  invocation.print(`report ${key} removed${upstreamText(answer)}`);
  return EXIT.fine;
}

function pathOf(key: string): string {
  return `/v1/state/report/${pathSegment(key, "a key")}`;
}

/** How long to wait, ms; undefined for not at all. */
function waitMsIn(flags: Invocation["flags"]): number | undefined {
  const limit = flags["--timeout"];
  if (limit === undefined) return flags["--wait"] ? USUAL_WAIT_MS : undefined;
  if (!flags["--wait"]) throw misuse("--timeout needs --wait");
  const ms = parseDuration(String(limit)) ?? 0;
  if (ms >= 1 && ms <= LONGEST_WAIT_MS) return ms;
  throw misuse("--timeout is a duration from 1ms to 60s, such as 30s");
}

function waitIn({ flags }: Invocation): string {
  const ms = waitMsIn(flags);
  return ms === undefined ? "" : `?wait=synced&timeout=${ms}ms`;
}

/** The agent answers in time by itself; this is for one that is stuck. */
function limitIn({ flags }: Invocation): { limitMs: number } {
  return { limitMs: (waitMsIn(flags) ?? 0) + ANSWER_LIMIT_MS };
}

/** An agent before this was there does not wait, and says nothing of it. */
function upstreamText({ headers }: LocalAnswer): string {
  return headers.get("x-plexd-sync") === "synced"
    ? ", and the control plane knows"
    : "";
}

/** What it means that the control plane does not know yet, by how far it is. */
const NOT_UPSTREAM: Readonly<Record<string, readonly [string, string]>> = {
  pending: [
    "the control plane does not know yet",
    'it is told as soon as it can be; "plexd why" says what is wrong',
  ],
  suspended: [
    "the control plane takes no reports for now",
    "it is asked again within five minutes",
  ],
  refused: [
    "the control plane refuses it as it is",
    '"plexd status" says why',
  ],
  local_only: [
    "it never leaves this node",
    "the dialect of the control plane carries keys such as a-key.1, and " +
    "4096 bytes",
  ],
};

function notUpstream(
  { headers }: LocalAnswer,
  key: string,
  done: string,
): CommandError {
  const state = headers.get("x-plexd-sync") ?? "";
  const [why, hint] = NOT_UPSTREAM[state] ?? NOT_UPSTREAM["pending"]!;
  return new CommandError(
    EXIT.controlPlaneUnavailable,
    `report ${key} is ${done}, but ${why}`,
    hint,
  );
}

function conditionIn(flags: Invocation["flags"]): Record<string, string> {
  const version = flags["--if-match"];
  if (version !== undefined && !/^\d{1,15}$/.test(String(version))) {
    throw misuse("--if-match is the version of a report, such as 3");
  }
  return {
    ...(version === undefined ? {} : { "if-match": String(version) }),
    ...(flags["--create"] ? { "if-none-match": "*" } : {}),
  };
}

function failure(answer: LocalAnswer, key: string): CommandError {
  switch (answer.status) {
    case 400:
      if (errorText(answer) !== "invalid report key") return refusalIn(answer);
      return new CommandError(
        EXIT.failed,
        `no report can be named ${key}`,
        "a key has no slash and at most 255 bytes; those that begin with " +
          '"plexd." are the agent\'s own',
      );
    case 404:
      return new CommandError(
        EXIT.notFound,
        `report/${key} not found`,
        'keys are listed by "plexd state"',
      );
    case 409:
      return new CommandError(
        EXIT.failed,
        `report ${key} is at another version, and was left as it is`,
        `read it again: plexd state report ${key}`,
      );
    case 412:
      return new CommandError(
        EXIT.failed,
        `report ${key} is there already, and was left as it is`,
      );
    default:
      return refusalIn(answer);
  }
}

function misuse(message: string): CommandError {
  return new CommandError(
    EXIT.wrongUsage,
    message,
    "plexd state report --help",
  );
}
