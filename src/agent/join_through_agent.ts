import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import type { PublicIdentity } from "../store/identity.ts";
import { loadSealKey } from "../store/seal_key.ts";
import { RegistrationError } from "../sync/registration_answer.ts";
import { removeTokenFile } from "../sync/remove_token_file.ts";
import type { FoundToken } from "../sync/token_sources.ts";
import { askRunningAgent, NoAnswerError } from "./ask_running_agent.ts";

/** What {@linkcode joinThroughAgent} works with. */
export interface JoinThroughAgentOptions {
  readonly config: Config;
  readonly io: Platform;
  readonly stop: AbortSignal;
  readonly findToken: (signal: AbortSignal) => Promise<FoundToken>;
}

/** What an agent needs to end its work and to begin again, beside the call. */
const AGENT_TURNS_MS = 30_000;

/**
 * Has the running agent join anew. The token goes to it sealed with the
 * machine's key, since the agent may not be allowed to read its file.
 *
 * @throws {TokenError | SealKeyError | RegistrationError | NoAnswerError}
 */
export async function joinThroughAgent(
  { config, io, stop, findToken }: JoinThroughAgentOptions,
): Promise<Pick<PublicIdentity, "nodeId" | "meshIp">> {
  const { token, file } = await findToken(stop);
  const credentialsDir = Deno.env.get("CREDENTIALS_DIRECTORY");
  const seal = await loadSealKey({
    ...(credentialsDir ? { credentialsDir } : {}),
    keyFile: config["seal.key_file"],
    create: false,
    random: io.random,
  });
  const timeoutMs = config["registration.max_retry_duration"] + AGENT_TURNS_MS;
  const { outcome, message, remedy, nodeId, meshIp } = await askRunningAgent(
    { config, timeoutMs, io, stop },
    { kind: "join", token, seal },
  );
  if (outcome === "refused") {
    // An agent of before says nothing of it.
    throw new RegistrationError(
      "refused",
      message,
      undefined,
      remedy ?? "none",
    );
  }
  if (outcome === "unavailable") {
    throw new RegistrationError("unreachable", message);
  }
  if (outcome === "failed" || nodeId === undefined || meshIp === undefined) {
    throw new NoAnswerError(`The agent could not do it: ${message}`);
  }
  if (file !== undefined) await removeTokenFile(file, io.log);
  return { nodeId, meshIp };
}
