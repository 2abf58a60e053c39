import { call, type LocalAnswer } from "../client/call.ts";
import { LocalCallError } from "../client/errors.ts";
import type { Config } from "../config/settings.ts";
import { CommandError, EXIT } from "./command.ts";

/** What {@linkcode call} takes beside the socket. */
type Request = Parameters<typeof call> extends [unknown, ...infer Rest] ? Rest
  : never;

/**
 * Asks the agent of this membership, on a connection of its own. Whoever names
 * another membership, but not its socket, would be answered by the wrong agent
 * without a word.
 *
 * @throws {CommandError} when it cannot be asked, with what to do about it;
 * also when the agent is that of another membership.
 */
export async function askAgent(
  config: Config,
  ...request: Request
): Promise<LocalAnswer> {
  const answer = await askIfRunning(config, ...request);
  if (answer instanceof LocalCallError) throw failureOf(answer);
  return answer;
}

/**
 * {@linkcode askAgent} for commands that have something to say, too, when no
 * agent runs.
 *
 * @returns the error of kind "not_running" when none does.
 * @throws {CommandError} as {@linkcode askAgent} for all else.
 */
export async function askIfRunning(
  config: Config,
  ...request: Request
): Promise<LocalAnswer | LocalCallError> {
  const socket = config["node_api.socket_path"];
  const [method, path, , { signal } = {}] = request;
  try {
    if (method === "GET" && path.split("?")[0] === STATUS) {
      const answer = await call(socket, ...request);
      checkCluster(config, answer.body);
      return answer;
    }
    if (config.cluster !== "default") {
      const options = signal ? { signal } : {};
      const { body } = await call(socket, "GET", STATUS, undefined, options);
      checkCluster(config, body);
    }
    return await call(socket, ...request);
  } catch (error) {
    if (!(error instanceof LocalCallError)) throw error;
    if (error.kind === "not_running") return error;
    throw failureOf(error);
  }
}

const STATUS = "/v1/status";

const HINTS = {
  not_running: 'start it with "plexd up", or name its socket with --config',
  no_permission: "run this as root, or join the group that owns the socket",
  no_answer: "it may be overloaded or stuck: look at its log",
  bad_answer: "is another program listening there?",
} as const satisfies Record<LocalCallError["kind"], string>;

/** What it means for a command that the agent could not be asked. */
export function failureOf(error: LocalCallError): CommandError {
  const exitCode = error.kind === "not_running"
    ? EXIT.agentNotRunning
    : EXIT.failed;
  return new CommandError(exitCode, error.message, HINTS[error.kind]);
}

/** The `error` text of an answer that is no success. */
export function errorText(answer: LocalAnswer): string {
  const { body } = answer;
  const text = typeof body === "object" && body !== null && "error" in body
    ? body.error
    : undefined;
  return typeof text === "string" ? text : `status ${answer.status}`;
}

/** What an answer that is no success means for a command, if nothing special. */
export function refusalIn(answer: LocalAnswer): CommandError {
  const { body } = answer;
  const isNotEnrolled = typeof body === "object" && body !== null &&
    "reason" in body && body.reason === "not_enrolled";
  if (isNotEnrolled) return notEnrolled();
  // The agent names the error alone: what is behind it is not for workloads.
  const hint = answer.status >= 500
    ? '"plexd why" says what is wrong; if it does not, the agent\'s log does'
    : undefined;
  return new CommandError(EXIT.failed, errorText(answer), hint);
}

/** What it means for a command that the agent has no node yet. */
export function notEnrolled(): CommandError {
  return new CommandError(
    EXIT.notEnrolled,
    "this node is not enrolled",
    'put a one-time token in place, or run "plexd join"; "plexd status" ' +
      "says what the agent waits for",
  );
}

/** @throws {CommandError} when a status is that of another membership. */
function checkCluster(config: Config, status: unknown): void {
  const theirs = typeof status === "object" && status !== null &&
      "cluster" in status
    ? status.cluster
    : undefined;
  if (typeof theirs !== "string" || theirs === config.cluster) return;
  throw new CommandError(
    EXIT.failed,
    `the agent on ${
      config["node_api.socket_path"]
    } is that of membership "${theirs}", not of "${config.cluster}"`,
    "name the configuration of the agent that is meant with --config, or its " +
      "socket with PLEXD_NODE_API_SOCKET_PATH",
  );
}
