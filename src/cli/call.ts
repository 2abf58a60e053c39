import type { ControlClient } from "../uplink/control_client.ts";
import { ControlError } from "../uplink/control_error.ts";
import { hideSecret } from "../uplink/hide_secret.ts";
import type { FirstValue } from "../wire/raw_json.ts";
import { CommandError, EXIT, type Invocation } from "./command.ts";
import { controlFailure } from "./control_failure.ts";
import { indentJson } from "./indent_json.ts";
import { nodeClient } from "./node_client.ts";
import { readStdin } from "./read_stdin.ts";

/** As of an answer, where that is not set. */
const MAX_DATA_BYTES = 10 * 1024 * 1024;

/**
 * `plexd call METHOD PATH`: any call to the control plane as this node. What is
 * printed never holds the node's own secret.
 */
export async function call(invocation: Invocation): Promise<number> {
  const { args, print, stop } = invocation;
  const [method = "", path = ""] = args;
  if (!/^\/[\x21-\x7e]*$/.test(path)) {
    throw new CommandError(
      EXIT.wrongUsage,
      "PATH begins with a slash and is encoded, such as /v1/ping",
    );
  }
  const json = await dataOf(invocation);
  if (method === "GET" && json !== undefined) {
    throw new CommandError(EXIT.wrongUsage, "a GET has no --data");
  }
  const config = await invocation.config();
  const { client, nodeId, secrets } = await nodeClient(
    invocation,
    config,
    invocation.platform(config),
  );
  using _ = client;
  try {
    const own = path.replaceAll("{node_id}", encodeURIComponent(nodeId));
    const answer = await askedOf(client, method, own, json, stop);
    if (answer) print(withoutSecrets(indentJson(answer.raw), secrets));
  } catch (error) {
    throw error instanceof ControlError ? controlFailure(error) : error;
  }
  return EXIT.fine;
}

async function dataOf({ flags }: Invocation): Promise<string | undefined> {
  const given = flags["--data"];
  if (given === undefined) return undefined;
  const text = given === "-" ? await readStdin(MAX_DATA_BYTES) : String(given);
  if (isJson(text)) return text;
  throw new CommandError(
    EXIT.wrongUsage,
    given === "-" ? "standard input is not JSON" : "--data is not JSON",
  );
}

function askedOf(
  client: ControlClient,
  method: string,
  path: string,
  json: string | undefined,
  stop: AbortSignal,
): Promise<FirstValue | undefined> {
  switch (method) {
    case "GET":
      return client.getJson(path, stop);
    case "POST":
      return client.postJson(path, json, stop);
    default:
      return client.sendJson(method, path, json, stop);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function withoutSecrets(json: string, secrets: readonly string[]): string {
  return secrets.reduce((text, one) => hideSecret(one, text, false), json);
}
