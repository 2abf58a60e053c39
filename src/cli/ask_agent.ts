import type { Config } from "../config/settings.ts";
import { CommandError, EXIT } from "./command.ts";
import { call, type LocalAnswer, LocalCallError } from "./local_client.ts";

/** {@linkcode call}, with failures as an engineer at a terminal needs them. */
export async function askAgent(
  config: Config,
  ...request: Parameters<typeof call> extends [string, ...infer Rest] ? Rest
    : never
): Promise<LocalAnswer> {
  const socket = config["node_api.socket_path"];
  try {
    return await call(socket, ...request);
  } catch (error) {
    if (!(error instanceof LocalCallError)) throw error;
    throw failureOf(error);
  }
}

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
