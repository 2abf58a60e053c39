import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import type { Membership } from "../store/membership.ts";
import { AlreadyRunningError } from "../store/store_errors.ts";
import type { TrustMarks } from "../store/trust_marks.ts";
import { askRunningAgent, NoAnswerError } from "./ask_running_agent.ts";
import { openStore } from "./open_store.ts";

/** What {@linkcode acceptEpoch} works with. */
export interface AcceptEpochOptions {
  readonly config: Config;
  readonly io: Platform;
  readonly version: string;
  readonly stop: AbortSignal;
}

/** No epoch waits for being accepted. */
export class NoEpochOfferedError extends Error {
  override readonly name = "NoEpochOfferedError";

  constructor() {
    super("The control plane has not offered a new epoch");
  }
}

/** The agent need only change a file. */
const AGENT_ANSWERS_MS = 10_000;

/**
 * Accepts the epoch that the control plane offered last, after an operator has
 * made sure that it was restored. A running agent is asked to.
 *
 * @returns for people: what was accepted.
 * @throws {NoEpochOfferedError | NoAnswerError | AgentNotEnrolledError}
 * @throws {CorruptTrustError}
 */
export async function acceptEpoch(
  { config, io, version, stop }: AcceptEpochOptions,
): Promise<string> {
  let store: Membership;
  try {
    store = await openStore(config, io, version);
  } catch (error) {
    if (!(error instanceof AlreadyRunningError)) throw error;
    const { outcome, message } = await askRunningAgent(
      { config, timeoutMs: AGENT_ANSWERS_MS, io, stop },
      { kind: "accept_epoch" },
    );
    if (outcome === "done") return message;
    if (outcome === "refused") throw new NoEpochOfferedError();
    throw new NoAnswerError(`The agent could not do it: ${message}`);
  }
  await using _ = store;
  return acceptOffered(store.marks);
}

/**
 * Accepts the offered epoch; what was disputed in the one before is settled.
 *
 * @throws {NoEpochOfferedError | StoreWriteError | CorruptTrustError}
 */
export function acceptOffered(
  marks: Pick<TrustMarks, "load" | "save">,
): string {
  const { offeredEpoch, disputed: _, ...rest } = marks.load();
  if (offeredEpoch === undefined) throw new NoEpochOfferedError();
  marks.save({ ...rest, acceptedEpoch: offeredEpoch });
  return `epoch ${offeredEpoch} accepted`;
}
