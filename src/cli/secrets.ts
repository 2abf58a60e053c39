import type { Config } from "../config/settings.ts";
import { askAgent, errorText, refusalIn } from "./ask_agent.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { pathSegment } from "./path_segment.ts";
import type { LocalAnswer } from "../client/call.ts";
import { show } from "./output/show.ts";
import { writeAll } from "./write.ts";

/**
 * `plexd secrets get SECRET`: the one command that prints the value of a secret,
 * decrypted by the running agent for this one answer.
 */
export async function secretsGet(invocation: Invocation): Promise<number> {
  const [key = ""] = invocation.args;
  const { flags } = invocation;
  const isRaw = flags["--raw"] === true;
  if (isRaw && flags["--output"] !== undefined) {
    throw new CommandError(
      EXIT.wrongUsage,
      "--raw and --output exclude each other",
    );
  }
  const config = await invocation.config();
  const answer = await askForSecret(config, key);
  const value = valueIn(answer);
  // Byte for byte, for a program that reads it.
  if (isRaw) writeAll(Deno.stdout, value);
  else {
    await show(invocation, {
      json: answer.text,
      table: ({ columns }) => columns === undefined ? value : seen(value),
    });
  }
  return EXIT.fine;
}

/**
 * `plexd secrets list`: names and versions. Where the control plane gives no
 * index they are those that were read before.
 */
export async function secretsList(invocation: Invocation): Promise<number> {
  const config = await invocation.config();
  const answer = await askAgent(config, "GET", "/v1/state/secrets");
  if (answer.status !== 200) throw refusalIn(answer);
  await show(invocation, {
    json: answer.text,
    table: async (screen) =>
      (await import("./secrets_table.ts")).secretsTable(screen, answer.body),
  });
  return EXIT.fine;
}

async function askForSecret(config: Config, key: string): Promise<LocalAnswer> {
  const isSplit = config["node_api.split_secrets"];
  const socket = isSplit
    ? config["node_api.secrets_socket_path"]
    : config["node_api.socket_path"];
  const answer = await askAgent(
    { ...config, "node_api.socket_path": socket },
    "GET",
    `/v1/state/secrets/${pathSegment(key, "a key")}`,
  );
  if (answer.status !== 200) throw failure(answer, key);
  return answer;
}

function failure(answer: LocalAnswer, key: string): CommandError {
  const said = errorText(answer);
  switch (answer.status) {
    case 403:
      return new CommandError(
        EXIT.failed,
        `the value of ${key} is not given here: ${said}`,
        "the control plane, or this socket, does not allow it; " +
          "node_api.secrets_socket_path names the one that gives values",
      );
    case 404:
      return new CommandError(
        EXIT.notFound,
        `there is no secret ${key}`,
        'names of secrets are listed by "plexd secrets list"',
      );
    case 429:
      return new CommandError(
        EXIT.controlPlaneUnavailable,
        `the control plane is asked too often: ${said}`,
        `try again in ${waitIn(answer)}`,
      );
    case 503:
      if (reasonIn(answer) === " (not_enrolled)") return refusalIn(answer);
      return new CommandError(
        EXIT.controlPlaneUnavailable,
        `the value of ${key} cannot be had now: ${said}${reasonIn(answer)}`,
        'values are never kept on the node; "plexd why" says what is wrong',
      );
    default:
      return new CommandError(
        EXIT.failed,
        said,
        'the log of the agent says why: "plexd logs"',
      );
  }
}

/** As the control plane asked for it, in seconds. */
function waitIn({ headers }: LocalAnswer): string {
  const wait = headers.get("retry-after");
  return wait !== null && /^\d+$/.test(wait) ? `${Number(wait)} s` : "a while";
}

function reasonIn({ body }: LocalAnswer): string {
  const reason = typeof body === "object" && body !== null && "reason" in body
    ? body.reason
    : undefined;
  return typeof reason === "string" ? ` (${reason})` : "";
}

function valueIn({ body }: LocalAnswer): string {
  const value = typeof body === "object" && body !== null && "value" in body
    ? body.value
    : undefined;
  if (typeof value === "string") return value;
  throw new CommandError(EXIT.failed, "the agent's answer holds no value");
}

/** On a terminal a value may take lines, and must not steer it. */
function seen(value: string): string {
  return value.replace(/(?![\n\t])\p{Cc}/gu, "\ufffd");
}
