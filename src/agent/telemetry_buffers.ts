import type { Logger } from "../platform/log.ts";
import type { Identity } from "../store/identity.ts";
import { BatchBuffer } from "../sync/batch_buffer.ts";
import type { SystemSample } from "../uplink/node_uplink.ts";
import type { AuditEntry, LogEntry } from "../wire/bodies.ts";

/** What waits to be sent, by kind. */
export interface BuffersOfNode {
  readonly metrics: BatchBuffer<SystemSample>;
  readonly logs: BatchBuffer<LogEntry>;
  readonly audit: BatchBuffer<AuditEntry>;
}

/** How many items could not wait to be collected. */
interface Lost {
  readonly logs: number;
  readonly audit: number;
}

/** Who hears what waits. */
type Hearer = Pick<Identity, "controlPlane" | "domainId" | "nodeId">;

/**
 * Keeps what could not be sent while parts of the agent begin anew, and when the
 * node joins anew at those who would have heard it. Others must not: audit
 * records name secrets.
 */
export class TelemetryBuffers {
  readonly #log: Logger;
  #hearer: string | undefined;
  #buffers = emptyBuffers();

  /** @param log Must not be forwarded. */
  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * Those for what `identity` sends.
   *
   * @param lost What had been dropped before it was collected: it is no news for
   * another than the one who would have heard it.
   */
  for({ controlPlane, domainId, nodeId }: Hearer, lost: Lost): BuffersOfNode {
    const hearer = JSON.stringify([controlPlane, domainId ?? nodeId]);
    if (this.#hearer !== hearer) {
      this.tellLost("Telemetry of the former node is dropped");
      this.#buffers = emptyBuffers();
      if (this.#hearer !== undefined) {
        this.#buffers.logs.told = lost.logs;
        this.#buffers.audit.told = lost.audit;
      }
      this.#hearer = hearer;
    }
    return this.#buffers;
  }

  /** Logs how much is lost when it ends here; nothing when nothing waits. */
  tellLost(sentence: string): void {
    const { metrics, logs, audit } = this.#buffers;
    const counts = {
      metrics: metrics.queue.size,
      logs: logs.queue.size,
      audit: audit.queue.size,
    };
    if (Object.values(counts).every((count) => count === 0)) return;
    this.#log.warn(sentence, counts);
  }
}

/** Who sends says how much they hold. */
function emptyBuffers(): BuffersOfNode {
  return {
    metrics: new BatchBuffer(1),
    logs: new BatchBuffer(1),
    audit: new BatchBuffer(1),
  };
}
