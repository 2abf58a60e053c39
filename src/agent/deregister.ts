import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import { readMembership } from "../store/read_membership.ts";
import { type Purged, purgeMembership } from "../store/purge_membership.ts";
import {
  AlreadyRunningError,
  CorruptIdentityError,
} from "../store/store_errors.ts";
import { askRunningAgent, NoAnswerError } from "./ask_running_agent.ts";
import {
  deregisterUpstream,
  DeregistrationError,
} from "./deregister_upstream.ts";
import { nodeUplinkFor } from "./node_uplink.ts";
import { openStore } from "./open_store.ts";
import { openUplink } from "./open_uplink.ts";

/** What {@linkcode deregisterNode} works with. */
export interface DeregisterOptions {
  readonly config: Config;
  readonly io: Platform;
  readonly version: string;
  readonly stop: AbortSignal;
  /** Go on locally, whatever the control plane says. */
  readonly force: boolean;
}

/** A node that is no member any more. */
export interface Deregistered {
  /** Absent when its damaged identity did not tell. */
  readonly nodeId?: string;
  /** What to know beside that; empty when all is as expected. */
  readonly note: string;
}

/** There is no identity that could be deregistered. */
export class NotEnrolledError extends Error {
  override readonly name = "NotEnrolledError";

  constructor(dataDir: string) {
    super(`There is no enrolled node in ${dataDir}`);
  }
}

/** Beside the call itself, an agent that is to answer has to end its work. */
const AGENT_ENDS_MS = 30_000;

/**
 * Removes this node from its control plane, then its identity and trust from
 * disk. A running agent is asked to do it, and ends.
 *
 * @throws {NotEnrolledError | AgentNotEnrolledError} when there is no node.
 * @throws {DeregistrationError | NoAnswerError}
 * @throws {CorruptIdentityError} unless `force` is set.
 */
export async function deregisterNode(
  options: DeregisterOptions,
): Promise<Deregistered> {
  const { config, io, version, force } = options;
  // Nothing is made on a machine that never joined.
  if (!isEnrolled(config)) throw new NotEnrolledError(config.data_dir);
  let store: Membership;
  try {
    store = await openStore(config, io, version);
  } catch (error) {
    if (!(error instanceof AlreadyRunningError)) throw error;
    return await askAgent(options);
  }
  await using _ = store;
  const identity = await identityOf(store, force);
  if (identity === "none") throw new NotEnrolledError(config.data_dir);
  const note = identity === "damaged"
    ? "the control plane was not asked, as the identity is damaged"
    : await askControlPlane(identity, options);
  await store.forgetNode();
  return {
    ...(identity === "damaged" ? {} : { nodeId: identity.nodeId }),
    note,
  };
}

/** An agent that was not asked to end may be at it all the same. */
const NOBODY_ENDS_MS = 1_000;

/**
 * Removes all that is left of a membership, once nobody holds it any more.
 *
 * @param hasLeft Whether the node has just left: then its agent ends.
 * @throws {AlreadyRunningError} when somebody still holds it.
 * @throws {PurgeError}
 */
export async function purgeNode(
  { config, io, version, stop }: DeregisterOptions,
  hasLeft: boolean,
): Promise<Purged> {
  const { data_dir: dataDir, cluster } = config;
  const { clock } = io;
  const endMs = clock.elapsed() +
    (hasLeft ? AGENT_ENDS_MS : NOBODY_ENDS_MS);
  for (;;) {
    try {
      return purgeMembership({ dataDir, cluster, clock, version });
    } catch (error) {
      // An agent that has answered still holds it for a moment.
      const wait = error instanceof AlreadyRunningError &&
        clock.elapsed() < endMs;
      if (!wait) throw error;
      await clock.sleep(100, stop);
    }
  }
}

function isEnrolled({ data_dir: dataDir, cluster }: Config): boolean {
  try {
    return readMembership({ dataDir, cluster })?.identity !== undefined;
  } catch (error) {
    if (error instanceof CorruptIdentityError) return true;
    throw error;
  }
}

async function identityOf(
  store: Membership,
  force: boolean,
): Promise<Identity | "none" | "damaged"> {
  try {
    return await store.identity.load() ?? "none";
  } catch (error) {
    if (force && error instanceof CorruptIdentityError) return "damaged";
    throw error;
  }
}

async function askControlPlane(
  identity: Identity,
  { config, io, version, stop, force }: DeregisterOptions,
): Promise<string> {
  using client = await openUplink(config, io, version);
  const uplink = nodeUplinkFor(identity, {
    http: client.http,
    config,
    version,
    clock: io.clock,
  });
  return await deregisterUpstream(uplink, force, stop);
}

async function askAgent(
  { config, io, stop, force }: DeregisterOptions,
): Promise<Deregistered> {
  const timeoutMs = config["api.request_timeout"] + AGENT_ENDS_MS;
  const answer = await askRunningAgent(
    { config, timeoutMs, io, stop },
    { kind: "deregister", force },
  );
  const { outcome, message, nodeId } = answer;
  switch (outcome) {
    case "done":
      return { note: message, ...(nodeId === undefined ? {} : { nodeId }) };
    case "failed":
      throw new NoAnswerError(`The agent could not do it: ${message}`);
    default:
      throw new DeregistrationError(outcome, message);
  }
}
