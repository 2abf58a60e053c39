import { isoTime } from "../platform/clock.ts";
import { inTurn } from "../platform/in_turn.ts";
import { describeError } from "../platform/log.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { fileNameOf } from "../store/file_name.ts";
import { FailureSeries } from "../uplink/failure_series.ts";
import type { ActionRequest } from "../wire/action_request.ts";
import type {
  ExecutionAck,
  ExecutionResult,
  RejectReason,
} from "../wire/bodies.ts";
import { formatDuration } from "../wire/duration.ts";
import type { ExecutionRequest } from "../wire/state.ts";
import { type ActionSettings, commandOf } from "./action_settings.ts";
import { accepted } from "./result_reporter.ts";
import { type ActionOutcome, runAction } from "./run_action.ts";

/** Where executions are kept, so that none begins twice. */
export interface ExecutionPort {
  /** Those that have begun and have no result. */
  readonly running: readonly {
    readonly executionId: string;
    readonly acceptedAtMs: number;
  }[];
  readonly unreported: readonly unknown[];
  has(executionId: string): boolean;
  /** @throws {StoreWriteError} */
  begin(executionId: string, action: string): Promise<void>;
  /** @throws {StoreWriteError} */
  finish(result: ExecutionResult): Promise<void>;
}

/** Who tells the control plane. */
export interface ReporterPort {
  answer(ack: ExecutionAck): void;
  wake(): void;
}

/** What is noted about each request to run something. */
export interface ActionAudit {
  readonly eventType: "action";
  readonly action: "execute" | "reject";
  /** Who wanted it. */
  readonly subject: Readonly<Record<string, unknown>>;
  /** Which action, and what came of it; never parameters or output. */
  readonly object: Readonly<Record<string, unknown>>;
  readonly result: "success" | "failure";
}

/** Options for {@linkcode ActionEngine}. */
export interface ActionEngineOptions {
  readonly settings: ActionSettings;
  readonly store: ExecutionPort;
  readonly reporter: ReporterPort;
  /** Folder in which each execution gets one of its own for its time. */
  readonly tempFolder: string;
  readonly audit: (record: ActionAudit) => void;
  readonly io: Platform;
}

/** Results that may wait for the control plane before nothing more is begun. */
const MAX_UNREPORTED = 100;

/** Rejected executions of pulls that are remembered, not to say it each time. */
const MAX_REJECTED = 1_000;

/**
 * Runs what the control plane asks for, if the operator has configured it.
 *
 * An execution is on disk before anything runs. So it runs at most once: what a
 * crash has cut off is reported as an error, and never begun again.
 *
 * @see docs/wire.md, sections a.6, b.5 and h.7
 */
export class ActionEngine implements Part {
  readonly name = "actions";
  readonly #options: ActionEngineOptions;
  readonly #stop = new AbortController();
  /** By execution; there as soon as its place is taken. */
  readonly #running = new Map<string, Promise<void>>();
  readonly #interrupted: ExecutionPort["running"];
  readonly #rejected = new Set<string>();

  constructor(options: ActionEngineOptions) {
    this.#options = options;
    this.#interrupted = options.store.running;
  }

  /** Executions that are under way. */
  get running(): number {
    return this.#running.size;
  }

  /**
   * Takes a request on, or tells the control plane why not. Resolves long
   * before it is carried out, once it is certain that it will be at most once.
   *
   * @returns why not; undefined when it is taken on.
   * @throws {StoreWriteError} when nothing has happened for want of a disk.
   */
  offer(request: ActionRequest): Promise<RejectReason | undefined> {
    // One that comes twice at once must not be rejected before it is accepted:
    // the control plane would believe that it is over.
    return inTurn(this, () => this.#offer(request));
  }

  async #offer(request: ActionRequest): Promise<RejectReason | undefined> {
    const reason = this.#objection(request);
    if (reason) {
      this.#reject(request, reason);
      return reason;
    }
    await this.#begin(request);
    return undefined;
  }

  /**
   * Takes on what a pull of dialect 2 lists: again and again, until it is over.
   * What has begun here is passed over, and so is what has expired.
   *
   * @throws {StoreWriteError}
   */
  async offerPulled(requests: readonly ExecutionRequest[]): Promise<void> {
    const { store, io } = this.#options;
    for (const { executionId, status, expiresAt, ...rest } of requests) {
      const { action, parameters } = rest;
      const isOver = expiresAt !== undefined &&
        !(Date.parse(expiresAt) > io.clock.now());
      if (isOver || this.#isKnown(executionId)) continue;
      if (this.#rejected.has(executionId)) continue;
      if (status !== "pending") {
        // Begun, but not by what this node remembers: perhaps by what it was.
        await store.begin(executionId, action);
        await this.#finish(lost(executionId, io, "this node does not know it"));
        continue;
      }
      const request = { executionId, action, parameters };
      const reason = this.#objection(request);
      // There may be room when it is listed again.
      if (reason === "max_concurrent_reached" || reason === "shutting_down") {
        continue;
      }
      if (!reason) await this.#begin(request);
      else {
        this.#rejected.add(executionId);
        const [oldest] = this.#rejected;
        if (this.#rejected.size > MAX_REJECTED) this.#rejected.delete(oldest!);
        this.#reject(request, reason);
      }
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<void>();
    const stop = () => {
      this.#stop.abort();
      stopped.resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    for (const { executionId } of this.#interrupted) {
      await this.#finish(
        lost(executionId, this.#options.io, "the agent ended while it ran"),
      );
    }
    await stopped.promise;
    await Promise.all(this.#running.values());
  }

  #isKnown(executionId: string): boolean {
    return this.#running.has(executionId) ||
      this.#options.store.has(executionId);
  }

  #objection(request: ActionRequest): RejectReason | undefined {
    const { settings, store } = this.#options;
    if (this.#stop.signal.aborted) return "shutting_down";
    if (!settings.enabled) return "actions_disabled";
    if (this.#isKnown(request.executionId)) return "duplicate_execution_id";
    if (commandOf(settings, request.action) === undefined) {
      return "unknown_action";
    }
    const isFull = this.#running.size >= settings.maxConcurrent ||
      store.unreported.length >= MAX_UNREPORTED;
    return isFull ? "max_concurrent_reached" : undefined;
  }

  #reject(request: ActionRequest, reason: RejectReason) {
    const { reporter, io } = this.#options;
    const { executionId, action } = request;
    io.log.warn("Action rejected", {
      execution_id: executionId,
      action,
      reason,
    });
    this.#audit("reject", request, { reason }, "failure");
    reporter.answer({ execution_id: executionId, status: "rejected", reason });
  }

  async #begin(request: ActionRequest) {
    const { store, reporter, io } = this.#options;
    const { executionId, action } = request;
    const over = Promise.withResolvers<void>();
    // Its place is taken before anybody else is asked anything.
    this.#running.set(executionId, over.promise);
    try {
      await store.begin(executionId, action);
    } catch (error) {
      this.#running.delete(executionId);
      over.resolve();
      throw error;
    }
    reporter.answer(accepted(executionId));
    io.log.info("Action started", { execution_id: executionId, action });
    this.#execute(request).finally(() => {
      this.#running.delete(executionId);
      over.resolve();
      reporter.wake();
    });
  }

  /** Never fails: whatever goes wrong is the result. */
  async #execute(request: ActionRequest) {
    const { settings, tempFolder, io } = this.#options;
    const { executionId, action, parameters, checksum, triggeredBy } = request;
    const { timeoutMs = settings.maxTimeoutMs } = request;
    const startedMs = io.clock.elapsed();
    const outcome = await runAction({
      executionId,
      action,
      parameters,
      path: commandOf(settings, action)!,
      ...(checksum === undefined ? {} : { checksum }),
      timeoutMs: Math.min(timeoutMs, settings.maxTimeoutMs),
      maxOutputBytes: settings.maxOutputBytes,
      // Named after what runs once only: one of a former run may still be there,
      // if what a crash has left running holds on to it.
      folder: `${tempFolder}/action-${fileNameOf(executionId)}`,
      clock: io.clock,
    }, this.#stop.signal);
    const { status, exitCode } = outcome;
    io.log.info("Action ended", {
      execution_id: executionId,
      action,
      status,
      exit_code: exitCode,
    });
    const result = status === "success" ? "success" : "failure";
    this.#audit("execute", request, { status, exit_code: exitCode }, result);
    await this.#finish({
      ...resultOf(executionId, outcome, io),
      duration: formatDuration(io.clock.elapsed() - startedMs),
      ...(triggeredBy ? { triggered_by: triggeredBy } : {}),
    });
  }

  /** Stores a result; as long as that fails, nothing knows how it ended. */
  async #finish(result: ExecutionResult) {
    const { store, reporter, io } = this.#options;
    const { clock, log } = io;
    const failures = new FailureSeries({ baseMs: 1_000, maxMs: 60_000, ...io });
    for (;;) {
      try {
        await store.finish(result);
        return reporter.wake();
      } catch (error) {
        log.error("The result of an action could not be stored", {
          execution_id: result.execution_id,
          error: describeError(error),
        });
        if (this.#stop.signal.aborted) return;
        await clock.sleep(failures.add(error), this.#stop.signal)
          .catch(() => {});
      }
    }
  }

  #audit(
    action: ActionAudit["action"],
    request: ActionRequest,
    details: Readonly<Record<string, unknown>>,
    result: ActionAudit["result"],
  ) {
    const { executionId, action: name, triggeredBy } = request;
    this.#options.audit({
      eventType: "action",
      action,
      subject: triggeredBy ?? { type: "control_plane" },
      object: { execution_id: executionId, action: name, ...details },
      result,
    });
  }
}

function resultOf(
  executionId: string,
  outcome: ActionOutcome,
  { clock }: Platform,
): ExecutionResult {
  return {
    execution_id: executionId,
    status: outcome.status,
    exit_code: outcome.exitCode,
    stdout: outcome.stdout,
    stderr: outcome.stderr,
    duration: formatDuration(0),
    finished_at: isoTime(clock.now()),
  };
}

/** The result of an execution of which nobody saw the end. */
function lost(executionId: string, io: Platform, why: string): ExecutionResult {
  return resultOf(executionId, {
    status: "error",
    exitCode: -1,
    stdout: "",
    stderr:
      `plexd: ${why}; how it ended is not known, and it is not run again\n`,
  }, io);
}
