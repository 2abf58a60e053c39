import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { Identity } from "../store/identity.ts";
import type { Membership } from "../store/membership.ts";
import type { OpenRequest, RequestBox } from "../store/request_box.ts";
import type { RequestAnswer } from "../store/request_file.ts";
import { StoreWriteError } from "../store/store_errors.ts";
import { RegistrationError } from "../sync/registration_answer.ts";
import { ControlError, type ControlFailure } from "../uplink/control_error.ts";
import type { NodeUplink } from "../uplink/node_uplink.ts";
import { acceptOffered, NoEpochOfferedError } from "./accept_epoch.ts";
import {
  deregisterUpstream,
  DeregistrationError,
} from "./deregister_upstream.ts";
import type { StateChanges } from "./state_changes.ts";

/** How often the agent looks for a request. */
const POLL_MS = 1_000;

/** How long an answer waits for its command, which may have been killed. */
const ANSWER_KEPT_MS = 10_000;

/** The control plane, or the way to it, is not there now. */
const AWAY: readonly ControlFailure[] = [
  "unreachable",
  "timeout",
  "server",
  "rate_limited",
];

const NOT_ENROLLED: RequestAnswer = {
  outcome: "refused",
  message: "this node is not enrolled",
  reason: "not_enrolled",
};

/** Options for {@linkcode Requests}. */
export interface RequestsOptions {
  readonly store: Pick<Membership, "forgetNode"> & {
    readonly marks: Pick<Membership["marks"], "load" | "save">;
    readonly requests: Pick<RequestBox, "read" | "answer" | "clear">;
  };
  /**
   * Joins anew with the given bootstrap token, ending all work under the
   * present identity.
   */
  readonly join: (
    token: string,
  ) => Promise<Pick<Identity, "nodeId" | "meshIp">>;
  /** The last lines of the log, without credentials. */
  readonly recentLog: () => readonly string[];
  readonly io: Platform;
}

/** Who the node is at present. */
export interface PresentNode {
  readonly nodeId: string;
  readonly uplink: Pick<NodeUplink, "deregister">;
  /** Asks for a pull of the state. */
  readonly pull: (reason: string) => void;
  /** Pulls the state, and tells what that has changed. */
  readonly pullNow: (signal: AbortSignal) => Promise<StateChanges>;
}

/**
 * Carries out what commands ask of the running agent, one request at a time.
 * Lives as long as the agent, through all identities that the node has.
 *
 * @see design, section 4 "Durability", rule 7
 */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #left = new AbortController();
  /** The request whose answer is written, or on its way. */
  #taken: string | undefined;
  #answeredMs: number | undefined;
  #joining: Promise<void> = Promise.resolve();
  /** Set once the control plane has removed the node. */
  #departure: { readonly id: string; readonly note: string } | undefined;
  #nodeId = "";

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** Aborts when the node has been deregistered: then all work is to end. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /**
   * What watches for requests while the node is registered as `node`, or is not
   * enrolled: then it can be asked to join.
   */
  part(node: PresentNode | undefined): Part {
    return {
      name: "requests",
      run: (signal) => this.#run(node, signal),
    };
  }

  /**
   * Does what has to wait until all parts have ended: forgets a node that was
   * deregistered, and answers.
   *
   * @throws {StoreWriteError} when it could not be forgotten.
   */
  async finish(): Promise<void> {
    await this.#joining;
    const departure = this.#departure;
    if (!departure) return;
    const { store, io } = this.#options;
    const { id, note } = departure;
    try {
      await store.forgetNode();
    } catch (error) {
      this.#answer(id, { outcome: "failed", message: describeError(error) });
      throw error;
    }
    const nodeId = this.#nodeId;
    this.#answer(id, { outcome: "done", message: note, nodeId });
    io.log.info("Node deregistered", {
      node_id: nodeId,
      ...(note === "" ? {} : { note }),
    });
  }

  async #run(
    node: PresentNode | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, log } = this.#options.io;
    this.#nodeId = node?.nodeId ?? "";
    while (!signal.aborted) {
      try {
        await this.#look(node, signal);
        await clock.sleep(POLL_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        log.error("A request was not carried out", {
          error: describeError(error),
        });
        await clock.sleep(POLL_MS, signal).catch(() => {});
      }
    }
  }

  async #look(
    node: PresentNode | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, io } = this.#options;
    const open = await store.requests.read();
    if (!open || open.id !== this.#taken) this.#answeredMs = undefined;
    if (!open || signal.aborted) return;
    if (open.id !== this.#taken) {
      this.#taken = open.id;
      io.log.info("Request taken", { request: open.request.kind });
      return await this.#carryOut(open, node, signal);
    }
    if (this.#answeredMs === undefined) return;
    if (io.clock.elapsed() - this.#answeredMs >= ANSWER_KEPT_MS) {
      store.requests.clear();
    }
  }

  async #carryOut(
    { id, request }: OpenRequest,
    node: PresentNode | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (request.kind === "unusable") {
      return this.#answer(id, { outcome: "failed", message: request.why });
    }
    if (request.kind === "join") {
      // Joining ends this part, among others: it must not wait for itself.
      this.#joining = this.#join(id, request.token);
      return;
    }
    if (request.kind === "recent_log") {
      const log = this.#options.recentLog();
      return this.#answer(id, { outcome: "done", message: "", log });
    }
    if (!node) return this.#answer(id, NOT_ENROLLED);
    if (request.kind === "accept_epoch") {
      return this.#answer(id, this.#acceptEpoch(node));
    }
    if (request.kind === "reconcile") {
      return this.#answer(id, await pulledAnswer(node, signal));
    }
    try {
      const note = await deregisterUpstream(node.uplink, request.force, signal);
      this.#departure = { id, note };
      this.#left.abort();
    } catch (error) {
      this.#answer(id, failedAnswer(error, signal));
    }
  }

  #acceptEpoch({ pull }: PresentNode): RequestAnswer {
    try {
      const message = acceptOffered(this.#options.store.marks);
      pull("a new epoch was accepted");
      return { outcome: "done", message };
    } catch (error) {
      const outcome = error instanceof NoEpochOfferedError
        ? "refused"
        : "failed";
      return { outcome, message: describeError(error) };
    }
  }

  async #join(id: string, token: string): Promise<void> {
    try {
      const { nodeId, meshIp } = await this.#options.join(token);
      this.#answer(id, { outcome: "done", message: "", nodeId, meshIp });
    } catch (error) {
      this.#answer(id, failedAnswer(error));
    }
  }

  /** Never throws: the command then waits in vain, and says so. */
  #answer(id: string, answer: RequestAnswer) {
    const { store, io } = this.#options;
    this.#answeredMs = io.clock.elapsed();
    try {
      store.requests.answer(id, answer);
    } catch (error) {
      io.log.error("A request could not be answered", {
        error: describeError(error),
      });
    }
  }
}

async function pulledAnswer(
  { pullNow }: PresentNode,
  signal: AbortSignal,
): Promise<RequestAnswer> {
  try {
    const { listed, total } = await pullNow(signal);
    return { outcome: "done", message: "", changes: listed, total };
  } catch (error) {
    if (signal.aborted || error instanceof StoreWriteError) {
      return failedAnswer(error, signal);
    }
    const isAway = error instanceof ControlError &&
      AWAY.includes(error.kind);
    return {
      outcome: isAway ? "unavailable" : "refused",
      message: describeError(error),
    };
  }
}

function failedAnswer(error: unknown, signal?: AbortSignal): RequestAnswer {
  if (signal?.aborted) {
    return { outcome: "failed", message: "the agent was stopped meanwhile" };
  }
  if (error instanceof DeregistrationError) {
    return { outcome: error.kind, message: describeError(error) };
  }
  if (error instanceof RegistrationError) {
    const { kind, remedy } = error;
    return {
      outcome: kind === "unreachable" ? "unavailable" : "refused",
      message: kind === "refused" ? error.message : describeError(error),
      remedy,
    };
  }
  return { outcome: "failed", message: describeError(error) };
}
