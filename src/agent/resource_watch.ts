import { statfs } from "node:fs/promises";
import { isoTime } from "../platform/clock.ts";
import type { KernelFiles } from "../platform/kernel_files.ts";
import type { Part } from "../platform/part.ts";
import type { Platform } from "../platform/platform.ts";
import type { ResourceRecord } from "../store/health_store.ts";
import { parseControlGroup, parsePressure } from "../sync/proc_text.ts";
import type { StatusDocument } from "../wire/status.ts";
import { CONTROL_GROUPS, memoryPressureOf } from "./kernel_files.ts";

/** Between two looks. */
const INTERVAL_MS = 60_000;

/** A disk is short below both this share and this many bytes free. */
const SHORT_DISK_SHARE = 0.05;
const SHORT_DISK_BYTES = 1024 ** 3;

/** A disk is short below this in any case. */
const FULL_DISK_BYTES = 64 * 1024 ** 2;

/** Memory is short when work has waited for it this share of a minute, in %. */
const SHORT_MEMORY_PERCENT = 10;

/** Descriptors are short from this share of the limit on. */
const SHORT_DESCRIPTORS_SHARE = 0.8;

/** Options for {@linkcode ResourceWatch}. */
export interface ResourceWatchOptions {
  /** The disk that this folder is on is looked at. */
  readonly dataDir: string;
  /** How many descriptors there are; undefined where that is not told. */
  readonly descriptors: () => Promise<ResourceRecord["descriptors"]>;
  /** Where the kernel tells about itself. @default {"/proc"} */
  readonly procDir?: string;
  /** @default {Deno.readTextFile} */
  readonly readText?: KernelFiles["read"];
  /** Where control groups are. @default {CONTROL_GROUPS} */
  readonly cgroupDir?: string;
  readonly io: Platform;
}

/**
 * Looks every minute at what the agent could run out of: space for its data,
 * memory, descriptors. What the machine does not tell is absent, never zero.
 */
export class ResourceWatch implements Part {
  readonly name = "resource_watch";
  readonly #options: ResourceWatchOptions;
  #last: ResourceRecord | undefined;
  #short: ReadonlySet<string> = new Set();

  constructor(options: ResourceWatchOptions) {
    this.#options = options;
  }

  /** As last seen; undefined before the first look. */
  get last(): ResourceRecord | undefined {
    return this.#last;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.io;
    try {
      for (;;) {
        await this.look();
        await clock.sleep(INTERVAL_MS, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Looks once. Never throws. */
  async look(): Promise<void> {
    const [disk, memory, descriptors] = await Promise.all([
      orAbsent(() => this.#disk()),
      orAbsent(() => this.#memory()),
      orAbsent(this.#options.descriptors),
    ]);
    this.#last = {
      at: isoTime(this.#options.io.clock.now()),
      ...(disk ? { disk } : {}),
      ...(memory ? { memory } : {}),
      ...(descriptors ? { descriptors } : {}),
    };
    this.#tell(shortOf(this.#last));
  }

  #tell(short: readonly string[]) {
    const { log } = this.#options.io;
    const { disk, memory, descriptors } = this.#last ?? {};
    for (const resource of short) {
      if (this.#short.has(resource)) continue;
      log.warn("A resource is short", {
        resource,
        ...{ disk, memory, descriptors }[resource],
      });
    }
    for (const resource of this.#short) {
      if (!short.includes(resource)) {
        log.info("A resource is no longer short", { resource });
      }
    }
    this.#short = new Set(short);
  }

  async #disk() {
    const { bsize, blocks, bavail } = await statfs(this.#options.dataDir);
    // Some file systems, such as those of containers, do not count.
    if (blocks === 0) return undefined;
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  /** Of the agent's own control group where that is told, else of the machine. */
  async #memory() {
    const { procDir = "/proc", cgroupDir = CONTROL_GROUPS } = this.#options;
    const { readText = Deno.readTextFile } = this.#options;
    const group = await orAbsent(async () =>
      parseControlGroup(await readText(`${procDir}/self/cgroup`))
    );
    const own = group && await orAbsent(async () =>
      parsePressure(
        await readText(memoryPressureOf(group, cgroupDir)),
      )
    );
    const found = own ??
      parsePressure(await readText(`${procDir}/pressure/memory`));
    return found && { somePercent: found.some, fullPercent: found.full };
  }
}

/** Which resources are short, by name. */
export function shortOf(
  { disk, memory, descriptors }: ResourceRecord,
): readonly ("disk" | "memory" | "descriptors")[] {
  const isDiskShort = disk !== undefined &&
    (disk.freeBytes < FULL_DISK_BYTES ||
      disk.freeBytes < SHORT_DISK_BYTES &&
        disk.freeBytes < SHORT_DISK_SHARE * disk.totalBytes);
  const isMemoryShort = memory !== undefined &&
    memory.somePercent >= SHORT_MEMORY_PERCENT;
  const isDescriptorsShort = descriptors !== undefined &&
    descriptors.open >= SHORT_DESCRIPTORS_SHARE * descriptors.limit;
  return [
    ...(isDiskShort ? ["disk"] as const : []),
    ...(isMemoryShort ? ["memory"] as const : []),
    ...(isDescriptorsShort ? ["descriptors"] as const : []),
  ];
}

/** What the status tells of resources; null before the first look. */
export function resourceStatus(
  seen: ResourceRecord | undefined,
): StatusDocument["resources"] {
  if (!seen) return null;
  const { at, disk, memory, descriptors } = seen;
  return {
    at,
    short: shortOf(seen),
    disk: disk
      ? { free_bytes: disk.freeBytes, total_bytes: disk.totalBytes }
      : null,
    memory: memory
      ? { some_percent: memory.somePercent, full_percent: memory.fullPercent }
      : null,
    descriptors: descriptors ?? null,
  };
}

async function orAbsent<Value>(
  look: () => Promise<Value | undefined>,
): Promise<Value | undefined> {
  try {
    return await look();
  } catch {
    return undefined;
  }
}
