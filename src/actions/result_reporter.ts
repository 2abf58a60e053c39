import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import {
  ControlError,
  type ControlFailure,
  isAboutCall,
} from "../uplink/control_error.ts";
import { FailureSeries } from "../uplink/failure_series.ts";
import type { NodeUplink } from "../uplink/node_uplink.ts";
import type { ExecutionAck, ExecutionResult } from "../wire/bodies.ts";

/** The results that the control plane does not have. */
export interface ResultOutbox {
  readonly running: readonly { readonly executionId: string }[];
  /** The oldest first. */
  readonly unreported: readonly { readonly executionId: string }[];
  /** @throws {Error} when it cannot be read just now. */
  result(executionId: string): ExecutionResult | undefined;
  settle(executionId: string): Promise<void>;
}

/** Options for {@linkcode ResultReporter}. */
export interface ResultReporterOptions {
  readonly outbox: ResultOutbox;
  readonly uplink: Pick<NodeUplink, "ackExecution" | "reportResult">;
  readonly io: Platform;
}

/** Answers that wait at most; the oldest give way. */
const MAX_ACKS = 1_000;

/**
 * Characters of each output that go along when more was too much: as much as
 * plexd's own control plane keeps, then what no other should refuse.
 */
const SHORTER_OUTPUTS = [65_536, 4_096] as const;

/** Longest wait between two tries, before jitter, ms. */
const LONGEST_WAIT_MS = 60_000;

/** Time for what is still to be said once the agent stops, ms. */
const FLUSH_MS = 2_000;

/** After these, saying the same again would be refused again. */
const FINAL: readonly ControlFailure[] = [
  "bad_request",
  "forbidden",
  "not_found",
  "conflict",
  "too_large",
  "unsupported",
];

/**
 * Tells the control plane what becomes of the executions it asks for: first
 * whether the node takes them on, then how they ended, until it has either.
 *
 * Results wait on disk. An answer that is lost by a restart is given again for
 * what was taken on; a rejection is not, since nothing follows it.
 *
 * @see docs/wire.md, sections a.3, a.6 and h.7
 */
export class ResultReporter implements Part {
  readonly name = "action_results";
  readonly #options: ResultReporterOptions;
  /** By execution; see {@linkcode answer}. */
  readonly #acks = new Map<string, ExecutionAck>();
  readonly #failures: FailureSeries;
  #wake: (() => void) | undefined;

  constructor(options: ResultReporterOptions) {
    this.#options = options;
    this.#failures = new FailureSeries({
      baseMs: 1_000,
      maxMs: LONGEST_WAIT_MS,
      ...options.io,
    });
    const { running, unreported } = options.outbox;
    for (const { executionId } of [...unreported, ...running]) {
      this.#acks.set(executionId, accepted(executionId));
    }
  }

  /**
   * Queues the answer to a request; a later one takes the place of an earlier
   * one that is still to be said. But what was taken on stays so: a request that
   * comes twice, as the last one before a crash does, is rejected the second
   * time, and the control plane would believe that nothing ever ran.
   */
  answer(ack: ExecutionAck): void {
    if (this.#acks.get(ack.execution_id)?.status === "accepted") return;
    this.#acks.set(ack.execution_id, ack);
    const [oldest] = this.#acks.keys();
    if (this.#acks.size > MAX_ACKS && oldest !== undefined) {
      this.#acks.delete(oldest);
    }
    this.wake();
  }

  /** There may be a result. */
  wake(): void {
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const wake = () => this.wake();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        const failure = await this.#round(signal);
        if (failure !== undefined) await this.#pause(failure, signal);
        else if (this.#isIdle) await promise;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", wake);
    }
    await this.#flush();
  }

  /** Rejections are not kept, so they get a last chance before the end. */
  async #flush() {
    const rejections = [...this.#acks.values()]
      .filter(({ status }) => status === "rejected");
    if (rejections.length === 0) return;
    const done = new AbortController();
    const limit = new AbortController();
    const timer = this.#options.io.clock.sleep(FLUSH_MS, done.signal)
      .then(() => limit.abort(), () => {});
    try {
      for (const ack of rejections) await this.#sendAck(ack, limit.signal);
    } catch (error) {
      if (!limit.signal.aborted) throw error;
    } finally {
      done.abort();
      await timer;
    }
  }

  get #isIdle(): boolean {
    return this.#acks.size === 0 &&
      this.#options.outbox.unreported.length === 0;
  }

  async #pause(failure: unknown, signal: AbortSignal) {
    const { clock, log } = this.#options.io;
    const wait_ms = Math.round(this.#failures.add(failure));
    const error = describeError(failure);
    log.warn("The control plane has not heard of an execution yet", {
      wait_ms,
      error,
    });
    await clock.sleep(wait_ms, signal);
  }

  /**
   * Says everything once: one result that fails must not hold up the others.
   *
   * @returns the last failure after which saying it again may help.
   */
  async #round(signal: AbortSignal): Promise<unknown> {
    let failure: unknown;
    for (const ack of [...this.#acks.values()]) {
      failure = await this.#sendAck(ack, signal) ?? failure;
    }
    for (const { executionId } of this.#options.outbox.unreported) {
      // Nobody is told the end of what nobody knows to have begun.
      if (this.#acks.has(executionId)) continue;
      failure = await this.#sendResult(executionId, signal) ?? failure;
    }
    if (failure === undefined) this.#failures.end();
    return failure;
  }

  async #sendAck(ack: ExecutionAck, signal: AbortSignal): Promise<unknown> {
    const { uplink } = this.#options;
    const failure = await this.#send(
      ack.execution_id,
      () => uplink.ackExecution(ack, signal),
      signal,
    );
    // Another answer may have taken its place meanwhile.
    if (failure === undefined && this.#acks.get(ack.execution_id) === ack) {
      this.#acks.delete(ack.execution_id);
    }
    return failure;
  }

  async #sendResult(
    executionId: string,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { uplink, outbox, io } = this.#options;
    try {
      const result = outbox.result(executionId);
      if (!result) return undefined;
      const failure = await this.#send(
        executionId,
        () => sendFitting(uplink, result, signal),
        signal,
      );
      if (failure !== undefined) return failure;
      await outbox.settle(executionId);
      io.log.info("Execution reported", {
        execution_id: executionId,
        status: result.status,
      });
      return undefined;
    } catch (error) {
      // The disk may let it be read, or settled, at the next try.
      signal.throwIfAborted();
      return error;
    }
  }

  /** @returns a failure after which the same may be tried again. */
  async #send(
    executionId: string,
    call: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      await call();
      return undefined;
    } catch (error) {
      if (signal.aborted || !isFinal(error)) {
        signal.throwIfAborted();
        return error;
      }
      this.#options.io.log.warn(
        "The control plane does not want to hear of an execution",
        { execution_id: executionId, error: describeError(error) },
      );
      return undefined;
    }
  }
}

/** With less and less of the output, as long as it is more than is taken. */
async function sendFitting(
  uplink: Pick<NodeUplink, "reportResult">,
  result: ExecutionResult,
  signal: AbortSignal,
): Promise<void> {
  const longest = Math.max(result.stdout.length, result.stderr.length);
  const shorter = SHORTER_OUTPUTS.filter((limit) => limit < longest);
  for (const limit of [longest, ...shorter]) {
    try {
      return await uplink.reportResult(shortened(result, limit), signal);
    } catch (error) {
      const isTooLarge = error instanceof ControlError &&
        error.kind === "too_large";
      if (!isTooLarge || limit === (shorter.at(-1) ?? longest)) throw error;
    }
  }
}

function shortened(result: ExecutionResult, limit: number): ExecutionResult {
  const { stdout, stderr } = result;
  return {
    ...result,
    stdout: shortText(stdout, limit),
    stderr: shortText(stderr, limit),
  };
}

function shortText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // Half of a character at the end becomes a whole one.
  return `${text.slice(0, limit).toWellFormed()}\n` +
    `[plexd: ${text.length - limit} more characters were too much for the ` +
    `control plane]\n`;
}

function isFinal(error: unknown): boolean {
  if (!(error instanceof ControlError)) return false;
  const { kind, status = 0, isPage } = error;
  // The control plane that knows it may be back behind whoever answers so.
  if (kind === "not_found" && isPage) return false;
  return FINAL.includes(kind) || status === 501 ||
    (kind === "unexpected_status" && isAboutCall(status));
}

/** The answer to a request that the node takes on. */
export function accepted(executionId: string): ExecutionAck {
  return { execution_id: executionId, status: "accepted", reason: "" };
}
