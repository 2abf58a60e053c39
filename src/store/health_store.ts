import * as z from "zod/mini";
import { describeError } from "../platform/log.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { readIfThere } from "./disk.ts";
import { replaceFile } from "./replace_file.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";
import { checkSum, withSum } from "./summed_json.ts";
import { isShortage } from "./typed_reads.ts";

/** Path of the file, below the membership's folder. */
export const HEALTH_FILE = "health/health.json";

/** More reasons than there are names for. */
const MAX_REASONS = 64;

/** Characters of a detail that are kept. */
const LONGEST_DETAIL = 500;

/** Why the agent was degraded. */
export interface StoredReason {
  /** Of whatever version wrote it. */
  readonly reason: string;
  /** RFC 3339 text. */
  readonly since: string;
  readonly detail: string;
}

/** When a node last heard of its control plane, in ms since the Unix epoch. */
export interface ContactTimes {
  readonly lastHeartbeatMs?: number;
  /** Last successful pull. */
  readonly lastPullMs?: number;
  /** Last applied event. */
  readonly lastEventMs?: number;
}

/** What the agent could run out of. What could not be seen is absent. */
export interface ResourceRecord {
  /** When it was seen, RFC 3339 text. */
  readonly at: string;
  /** Of the disk with the data folder, as far as this user may fill it. */
  readonly disk?: { readonly freeBytes: number; readonly totalBytes: number };
  /** Share of the last minute in which work waited for memory. */
  readonly memory?: {
    readonly somePercent: number;
    readonly fullPercent: number;
  };
  /** Open descriptors of the agent, and how many it may have. */
  readonly descriptors?: { readonly open: number; readonly limit: number };
}

/** How the agent was when it was last asked. It decides nothing. */
export interface HealthRecord {
  readonly reasons: readonly StoredReason[];
  readonly resources?: ResourceRecord;
  /**
   * Until when the node may work without its control plane, RFC 3339 text;
   * absent when nothing says so.
   */
  readonly safeUntil?: string;
  /** Whose contact times these are. */
  readonly nodeId?: string;
  readonly contact: ContactTimes;
}

const NOTHING: HealthRecord = Object.freeze({ reasons: [], contact: {} });

const moment = z.optional(z.number());
const healthSchema = z.object({
  format: z.literal(1),
  node_id: z.optional(z.string()),
  last_heartbeat_ms: moment,
  last_pull_ms: moment,
  last_event_ms: moment,
  safe_until: z.optional(z.string()),
  resources: z.optional(z.object({
    at: z.string(),
    disk: z.optional(z.object({
      free_bytes: z.number(),
      total_bytes: z.number(),
    })),
    memory: z.optional(z.object({
      some_percent: z.number(),
      full_percent: z.number(),
    })),
    descriptors: z.optional(z.object({ open: z.int(), limit: z.int() })),
  })),
  reasons: z.array(z.object({
    reason: z.string(),
    since: z.string(),
    detail: z.string(),
  })),
});

/** Keeps how the agent is. A damaged file costs no more than what it said. */
export class HealthStore {
  readonly #context: StoreContext;
  #record: HealthRecord;

  private constructor(context: StoreContext, record: HealthRecord) {
    this.#context = context;
    this.#record = record;
  }

  /** Opens the file. A damaged one is begun anew, and that is told. */
  static open(context: StoreContext): HealthStore {
    const { disk, root, damaged, recovered } = context;
    try {
      const bytes = readIfThere(disk, `${root}/${HEALTH_FILE}`);
      return new HealthStore(context, bytes ? decodeHealth(bytes) : NOTHING);
    } catch (error) {
      if (isShortage(error)) throw error;
      const what = describeError(error);
      const action = `${damaged.setAside(HEALTH_FILE)}; it is written anew`;
      recovered({ file: HEALTH_FILE, what, action });
      return new HealthStore(context, NOTHING);
    }
  }

  /** As it was last stored. */
  get record(): HealthRecord {
    return this.#record;
  }

  /** @throws {StoreWriteError} when it could not be made durable. */
  async save(record: HealthRecord): Promise<void> {
    const { disk, temp, folders } = this.#context;
    const kept = {
      ...record,
      reasons: record.reasons.slice(0, MAX_REASONS).map((one) => ({
        ...one,
        detail: one.detail.slice(0, LONGEST_DETAIL).toWellFormed(),
      })),
    };
    try {
      const target = folders.target(HEALTH_FILE);
      await replaceFile(disk, temp, target, encode(kept));
    } catch (error) {
      throw new StoreWriteError("the agent's health", error);
    }
    this.#record = kept;
  }
}

function encode(
  { reasons, nodeId, contact, resources, safeUntil }: HealthRecord,
): Uint8Array<ArrayBuffer> {
  return withSum(JSON.stringify({
    format: 1,
    node_id: nodeId,
    last_heartbeat_ms: contact.lastHeartbeatMs,
    last_pull_ms: contact.lastPullMs,
    last_event_ms: contact.lastEventMs,
    safe_until: safeUntil,
    resources: resources && storedResources(resources),
    reasons: reasons.map(({ reason, since, detail }) => ({
      reason,
      since,
      detail,
    })),
  })).bytes;
}

function storedResources(
  { at, disk, memory, descriptors }: ResourceRecord,
): NonNullable<z.infer<typeof healthSchema>["resources"]> {
  return {
    at,
    disk: disk &&
      { free_bytes: disk.freeBytes, total_bytes: disk.totalBytes },
    memory: memory && {
      some_percent: memory.somePercent,
      full_percent: memory.fullPercent,
    },
    descriptors,
  };
}

function resourcesFrom(
  { at, disk, memory, descriptors }: NonNullable<
    z.infer<typeof healthSchema>["resources"]
  >,
): ResourceRecord {
  return {
    at,
    ...(disk
      ? { disk: { freeBytes: disk.free_bytes, totalBytes: disk.total_bytes } }
      : {}),
    ...(memory
      ? {
        memory: {
          somePercent: memory.some_percent,
          fullPercent: memory.full_percent,
        },
      }
      : {}),
    ...(descriptors ? { descriptors } : {}),
  };
}

/** @throws {ShapeError} unless every byte is as it was written. */
export function decodeHealth(bytes: Uint8Array<ArrayBuffer>): HealthRecord {
  const checked = checkSum(bytes);
  if (!checked) throw new ShapeError("its sum is wrong");
  const file = parseShape("health", healthSchema, checked.text);
  const { node_id, last_heartbeat_ms, last_pull_ms, last_event_ms } = file;
  return {
    reasons: file.reasons,
    ...(file.resources ? { resources: resourcesFrom(file.resources) } : {}),
    ...(file.safe_until === undefined ? {} : { safeUntil: file.safe_until }),
    ...(node_id === undefined ? {} : { nodeId: node_id }),
    contact: {
      ...(last_heartbeat_ms === undefined
        ? {}
        : { lastHeartbeatMs: last_heartbeat_ms }),
      ...(last_pull_ms === undefined ? {} : { lastPullMs: last_pull_ms }),
      ...(last_event_ms === undefined ? {} : { lastEventMs: last_event_ms }),
    },
  };
}
