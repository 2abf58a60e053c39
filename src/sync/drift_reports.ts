import { describeError } from "../platform/log.ts";
import type { Logger } from "../platform/log.ts";
import type { DriftReport } from "../wire/bodies.ts";
import { BoundedQueue } from "./bounded_queue.ts";

/** What {@linkcode DriftReports} works with. */
export interface DriftReportsOptions {
  readonly send: (report: DriftReport, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

/** Reports that wait while one is under way; the oldest gives way. */
const MOST_WAITING = 16;

/**
 * Tells the control plane what pulls have corrected, in order, beside the pulls:
 * a control plane that is slow to hear of drift must not keep its own changes
 * from arriving. What fails is logged and not repeated: what was corrected stays
 * corrected.
 *
 * @see docs/wire.md, section e.3
 */
export class DriftReports {
  readonly #options: DriftReportsOptions;
  readonly #waiting = new BoundedQueue<DriftReport>(MOST_WAITING);
  #isSending = false;
  #sent: Promise<void> = Promise.resolve();

  constructor(options: DriftReportsOptions) {
    this.#options = options;
  }

  /** Sends a report once those before it are through. */
  add(report: DriftReport, signal: AbortSignal): void {
    const { dropped } = this.#waiting;
    this.#waiting.add([report]);
    if (this.#waiting.dropped > dropped) {
      this.#options.log.warn("Drift report dropped, as too many wait");
    }
    if (!this.#isSending) this.#sent = this.#sendAll(signal);
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    await this.#sent;
  }

  /** Never rejects. What `signal` cuts off is not told of. */
  async #sendAll(signal: AbortSignal): Promise<void> {
    this.#isSending = true;
    try {
      for (;;) {
        const [report] = this.#waiting.take(1);
        if (!report || signal.aborted) return;
        await this.#send(report, signal);
      }
    } finally {
      // Here and not by the promise's own end: between the two a report could
      // come that nobody would send.
      this.#isSending = false;
    }
  }

  async #send(report: DriftReport, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.send(report, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#options.log.warn("Drift report failed", {
        error: describeError(error),
      });
    }
  }
}
