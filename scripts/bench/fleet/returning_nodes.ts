import { backoffMs } from "../../../src/uplink/backoff.ts";
import { OpenStream } from "./open_streams.ts";
import type { Return } from "./orders.ts";
import { RawConnection, type Target } from "./raw_connection.ts";
import { type SimulatedNode, stateRequest } from "./requests.ts";

/**
 * Nodes that do what agents do when their stream ends: they wait for as long as
 * the server has asked, open it again, and pull. A failed attempt waits as long
 * once more. Both waits are spread by the agent's own jitter.
 */
export class ReturningNodes {
  readonly #target: Target;
  readonly #count: number;
  readonly #etags = new Map<string, string>();
  readonly #back: number[] = [];
  readonly #all = Promise.withResolvers<void>();
  #firstEndMs = Infinity;
  #current = 0;
  #failed = 0;

  constructor(target: Target, nodes: readonly SimulatedNode[]) {
    this.#target = target;
    this.#count = nodes.length;
  }

  /** The node has a state and an open stream. */
  async join(node: SimulatedNode): Promise<void> {
    await this.#pull(node);
    await this.#open(node);
  }

  async allAreBack(): Promise<Return> {
    await this.#all.promise;
    const first = Math.min(...this.#back);
    const perSecond = new Map<number, number>();
    for (const ms of this.#back) {
      const second = Math.floor((ms - first) / 1000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    const seconds = Math.max(...perSecond.keys()) + 1;
    return {
      peakOverMean: Math.max(...perSecond.values()) / (this.#count / seconds),
      seconds: (performance.now() - this.#firstEndMs) / 1000,
      failed: this.#failed,
    };
  }

  async #open(node: SimulatedNode) {
    await OpenStream.open(this.#target, node, {
      onEvent() {},
      onEnd: (retryMs) => {
        this.#firstEndMs = Math.min(this.#firstEndMs, performance.now());
        this.#comeBack(node, retryMs);
      },
    });
  }

  async #comeBack(node: SimulatedNode, retryMs: number) {
    for (;;) {
      const waitMs = backoffMs(0, Math.random, {
        baseMs: retryMs,
        maxMs: retryMs,
      });
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      try {
        await this.#open(node);
        break;
      } catch {
        this.#failed++;
      }
    }
    this.#back.push(performance.now());
    while (!await this.#pull(node).then(() => true, () => false)) {
      this.#failed++;
    }
    if (++this.#current === this.#count) this.#all.resolve();
  }

  async #pull(node: SimulatedNode) {
    using connection = await RawConnection.open(this.#target);
    const known = this.#etags.get(node.id);
    const answer = await connection.call(stateRequest(node, known));
    if (answer.status !== 200 && answer.status !== 304) {
      throw new Error(`a pull was answered ${answer.status}`);
    }
    if (answer.etag !== undefined) this.#etags.set(node.id, answer.etag);
  }
}
