import type { Part } from "../platform/part.ts";
import { isoTime } from "../platform/clock.ts";
import type { Platform } from "../platform/platform.ts";
import type { Changes, Emit } from "./changes.ts";
import type { ReachabilityState } from "./state/composition_source.ts";
import type { Node, NodeRows, Rows, Storage } from "./storage/storage.ts";

/** For how long nodes may be silent, in ms. */
export interface ReachabilityThresholds {
  /** @default {90000} three heartbeats missed */
  readonly staleAfterMs: number;
  /** @default {300000} ten missed: more than a restart or short outage explains */
  readonly unreachableAfterMs: number;
}

export const DEFAULT_THRESHOLDS: ReachabilityThresholds = {
  staleAfterMs: 90_000,
  unreachableAfterMs: 300_000,
};

/** Between two looks; far below any useful threshold. */
const EVERY_MS = 5_000;

/**
 * How far wall time may go beside monotonic time between two looks. Clocks are
 * slewed by some ms in that time; more is a jump, or the machine has slept.
 */
const JUMP_MS = 1_000;

/** One moment by both clocks, in ms. */
interface Moment {
  readonly wall: number;
  readonly elapsed: number;
}

function momentOf(clock: Platform["clock"]): Moment {
  return { wall: clock.now(), elapsed: clock.elapsed() };
}

/** Options for {@linkcode ReachabilityWatch}. */
export interface ReachabilityWatchOptions extends ReachabilityThresholds {
  readonly storage: Storage;
  readonly changes: Changes;
  readonly io: Platform;
}

/**
 * Notices nodes that have fallen silent. What it says is stored, and an event
 * tells it, so that event and pull always say the same.
 *
 * A node cannot be heard while this server is down: silence counts from its
 * start. When the clock was set, or the machine slept, the times of heartbeats
 * tell nothing about silence: it counts from then, as from a start.
 *
 * @see seed Reconciliation pull, "Snapshot envelope diagram"
 */
export class ReachabilityWatch implements Part {
  readonly name = "reachability";
  readonly #options: ReachabilityWatchOptions;
  /** From when on silence counts, by the wall clock as it is now. */
  #since: number;
  /** Of the look before. */
  #before: Moment;
  /** Whether no heartbeat is of a time to come. */
  #isChecked = false;

  constructor(options: ReachabilityWatchOptions) {
    this.#options = options;
    this.#before = momentOf(options.io.clock);
    this.#since = this.#before.wall;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.io;
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        log.error("Silent nodes not noted", { error });
      }
      await clock.sleep(EVERY_MS, signal).catch(() => {});
    }
  }

  /** Notes who is silent by now. */
  async look(): Promise<void> {
    const { staleAfterMs, unreachableAfterMs } = this.#options;
    const nowMs = await this.#checkedNow();
    await this.#move("stale", "unreachable", unreachableAfterMs, nowMs);
    await this.#move("healthy", "unreachable", unreachableAfterMs, nowMs);
    await this.#move("healthy", "stale", staleAfterMs, nowMs);
  }

  /** The time, once what it means for silence has been seen to. */
  async #checkedNow(): Promise<number> {
    const { storage, io: { clock, log } } = this.#options;
    const now = momentOf(clock);
    const jumpMs = now.wall - this.#before.wall -
      (now.elapsed - this.#before.elapsed);
    this.#before = now;
    if (Math.abs(jumpMs) > JUMP_MS) {
      log.warn("The clock has jumped: silence of nodes counts from now", {
        jump_ms: Math.round(jumpMs),
      });
      this.#since = now.wall;
      this.#isChecked = false;
    }
    if (!this.#isChecked) {
      // It may have gone back while the server was down, too.
      await storage.write(async ({ nodes }) =>
        await nodes.notHeardAfter(now.wall)
      );
      this.#isChecked = true;
    }
    return now.wall;
  }

  async #move(
    from: ReachabilityState,
    to: ReachabilityState,
    afterMs: number,
    nowMs: number,
  ): Promise<void> {
    const { storage, changes } = this.#options;
    if (nowMs - this.#since < afterMs) return;
    const silent = (nodes: NodeRows) =>
      nodes.silentSince(from, nowMs - afterMs);
    // Mostly there is nothing to write, and a transaction costs a sync.
    const found = await storage.read(async ({ nodes }) => await silent(nodes));
    if (found.length === 0) return;
    await changes.make(async (rows, emit) => {
      for (const node of await silent(rows.nodes)) {
        const last = node.lastHeartbeatAtMs ?? this.#since;
        const atMs = Math.max(last, this.#since) + afterMs;
        await changeReachability(rows, emit, node, to, atMs);
      }
    });
  }
}

/** Notes a transition, and tells the node of it. */
export async function changeReachability(
  rows: Rows,
  emit: Emit,
  node: Pick<Node, "id" | "domainId" | "dialect" | "reachabilityState">,
  state: ReachabilityState,
  atMs: number,
): Promise<void> {
  await rows.nodes.reachabilityChanged(node.id, { state, atMs });
  // States of dialect 1 have no reachability.
  if (node.dialect === 1) return;
  await emit({
    type: "reachability_changed",
    domainId: node.domainId,
    nodeId: node.id,
    payload: JSON.stringify({
      node_id: node.id,
      from_state: node.reachabilityState,
      to_state: state,
      changed_at: isoTime(atMs),
    }),
  });
}
