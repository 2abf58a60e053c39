import { statfs } from "node:fs/promises";
import { isoTime } from "../platform/clock.ts";
import type { KernelFiles } from "../platform/kernel_files.ts";
import { describeError } from "../platform/log.ts";
import type { Platform } from "../platform/platform.ts";
import {
  cpuPercent,
  type CpuTimes,
  parseCpuTimes,
  parseMemory,
  parseNetwork,
} from "../sync/proc_text.ts";
import type { SystemSample } from "../uplink/node_uplink.ts";
import type { SystemData } from "../wire/bodies.ts";
import { runtimeCpuTimes, runtimeMemory } from "./runtime_load.ts";

/** Options for {@linkcode SystemSampler}. */
export interface SystemSamplerOptions {
  /** The disk that this folder is on is looked at. */
  readonly dataDir: string;
  /** Where the kernel tells about itself. @default {"/proc"} */
  readonly procDir?: string;
  /** @default {Deno.readTextFile} */
  readonly readText?: KernelFiles["read"];
  readonly io: Platform;
}

/**
 * Looks at the load of the machine. What cannot be read, as in some containers,
 * is left out and said once.
 */
export class SystemSampler {
  readonly #options: SystemSamplerOptions;
  readonly #procDir: string;
  readonly #missing = new Set<string>();
  #cpu: CpuTimes | undefined;

  constructor(options: SystemSamplerOptions) {
    this.#options = options;
    this.#procDir = options.procDir ?? "/proc";
  }

  /** One sample; none where nothing can be read. */
  async sample(): Promise<SystemSample[]> {
    const parts = await Promise.all([
      this.#read("cpu", () => this.#cpuLoad()),
      this.#read("memory", () => this.#memory()),
      this.#read("disk", () => this.#disk()),
      this.#read("network", () => this.#network()),
    ]);
    const data: SystemData = Object.assign({}, ...parts);
    if (Object.keys(data).length === 0) return [];
    return [{ timestamp: isoTime(this.#options.io.clock.now()), data }];
  }

  async #read(
    what: string,
    read: () => Promise<SystemData | undefined>,
  ): Promise<SystemData> {
    try {
      const part = await read();
      if (part) return part;
      this.#tellMissing(what, "its form is not known");
    } catch (error) {
      // The runtime would tell to compile plexd otherwise.
      const isHidden = error instanceof Deno.errors.NotCapable;
      this.#tellMissing(
        what,
        isHidden ? "this process may not look there" : describeError(error),
      );
    }
    return {};
  }

  #tellMissing(what: string, error: string) {
    if (this.#missing.has(what)) return;
    this.#missing.add(what);
    this.#options.io.log.info("Metric left out", { metric: what, error });
  }

  /** Load since the last sample; nothing yet on the first. */
  async #cpuLoad(): Promise<SystemData | undefined> {
    const latest = await this.#proc("stat")
      .then(parseCpuTimes, orElse(runtimeCpuTimes));
    if (!latest) return undefined;
    const percent = this.#cpu && cpuPercent(this.#cpu, latest);
    this.#cpu = latest;
    return percent === undefined ? {} : { cpu_usage_percent: percent };
  }

  async #memory(): Promise<SystemData | undefined> {
    const memory = await this.#proc("meminfo")
      .then(parseMemory, orElse(runtimeMemory));
    return memory && {
      memory_used_bytes: memory.used,
      memory_total_bytes: memory.total,
    };
  }

  async #disk(): Promise<SystemData | undefined> {
    const { bsize, blocks, bfree } = await statfs(this.#options.dataDir);
    const total = blocks * bsize;
    // Some file systems of a network or in user space make no sense here.
    const used = Math.max(0, blocks - bfree) * bsize;
    if (!Number.isSafeInteger(total) || total <= 0) return undefined;
    return { disk_used_bytes: used, disk_total_bytes: total };
  }

  async #network(): Promise<SystemData | undefined> {
    // That of this process: the other may be hidden, and is the same.
    const network = parseNetwork(await this.#proc("self/net/dev"));
    return network && {
      network_rx_bytes: network.rx,
      network_tx_bytes: network.tx,
    };
  }

  #proc(file: string): Promise<string> {
    const { readText = Deno.readTextFile } = this.#options;
    return readText(`${this.#procDir}/${file}`);
  }
}

/** What to do where this process may not open a file, whoever runs it. */
function orElse<Value>(ask: () => Value): (error: unknown) => Value {
  return (error) => {
    if (error instanceof Deno.errors.NotCapable) return ask();
    throw error;
  };
}
