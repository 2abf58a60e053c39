import { describeError } from "../platform/log.ts";
import { isoTime } from "../platform/clock.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import { formatDuration } from "../wire/duration.ts";
import type { HeartbeatRequest, HeartbeatResponse } from "../wire/bodies.ts";

/** Where heartbeats go. */
export interface HeartbeatUplink {
  heartbeat(
    body: HeartbeatRequest,
    signal: AbortSignal,
  ): Promise<HeartbeatResponse>;
}

/** Options for {@linkcode Heartbeat}. */
export interface HeartbeatOptions {
  readonly uplink: HeartbeatUplink;
  readonly nodeId: string;
  /** Time from the start of one to the start of the next. @default {30000} */
  readonly intervalMs?: number;
  /** `healthy` or `degraded`, asked for each heartbeat. */
  readonly status: () => string;
  /** `sha256:` and hex of the running program, or empty when unknown. */
  readonly binaryChecksum: () => Promise<string>;
  /** The control plane asks for a pull. */
  readonly onReconcile: () => void;
  /** Hears how each heartbeat went. */
  readonly onAnswer?: (failure: unknown) => void;
  readonly io: Platform;
}

/** Says at intervals that the node lives. @see docs/wire.md, section e.1 */
export class Heartbeat implements Part {
  readonly name = "heartbeat";
  readonly #options: HeartbeatOptions;
  readonly #intervalMs: number;
  readonly #startedMs: number;

  constructor(options: HeartbeatOptions) {
    const { intervalMs = 30_000 } = options;
    if (!(intervalMs >= 1_000)) {
      throw new RangeError(
        `Cannot send heartbeats as "intervalMs" must be >= 1000: current value is ${intervalMs}`,
      );
    }
    this.#options = options;
    this.#intervalMs = intervalMs;
    this.#startedMs = options.io.clock.elapsed();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.io;
    while (!signal.aborted) {
      const dueMs = clock.elapsed() + this.#intervalMs;
      await this.#beat(signal);
      try {
        await clock.sleep(dueMs - clock.elapsed(), signal);
      } catch {
        return;
      }
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const {
      uplink,
      nodeId,
      status,
      binaryChecksum,
      io,
      onReconcile,
      onAnswer,
    } = this.#options;
    try {
      const answer = await uplink.heartbeat({
        node_id: nodeId,
        timestamp: isoTime(io.clock.now()),
        status: status(),
        uptime: formatDuration(io.clock.elapsed() - this.#startedMs),
        binary_checksum: await binaryChecksum(),
      }, signal);
      onAnswer?.(undefined);
      if (answer.reconcile) onReconcile();
      if (answer.rotate_keys) {
        io.log.warn("Key rotation asked for, which this version cannot do");
      }
    } catch (error) {
      if (signal.aborted) return;
      io.log.warn("Heartbeat failed", { error: describeError(error) });
      onAnswer?.(error);
    }
  }
}
