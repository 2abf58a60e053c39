/** Time that the processors have spent since the start, in ticks. */
export interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/** Bytes through all network interfaces but loopback, since the start. */
export interface NetworkBytes {
  readonly rx: number;
  readonly tx: number;
}

/** What a file of `/proc` says, or undefined when it says it in another way. */
type Parsed<Value> = Value | undefined;

/** Reads the first line of `/proc/stat`: all processors together. */
export function parseCpuTimes(text: string): Parsed<CpuTimes> {
  const line = /^cpu +([\d ]+)$/m.exec(text)?.[1];
  if (line === undefined) return undefined;
  // The time of guests, from the ninth on, is in that of users already.
  const ticks = line.trim().split(/ +/).map(Number).slice(0, 8);
  const [idle, waiting = 0] = ticks.slice(3);
  const total = exact(ticks.reduce((sum, one) => sum + one, 0));
  if (idle === undefined || total === undefined) return undefined;
  return { busy: total - idle - waiting, total };
}

/** Load between two readings, in percent with two decimals. */
export function cpuPercent(from: CpuTimes, to: CpuTimes): Parsed<number> {
  const total = to.total - from.total;
  if (total <= 0) return undefined;
  // The time spent waiting may go back, so that there can be less than none.
  const share = Math.min(Math.max((to.busy - from.busy) / total, 0), 1);
  return Math.round(share * 10_000) / 100;
}

/** Reads `/proc/meminfo`. Used is what could not be had at once. */
export function parseMemory(
  text: string,
): Parsed<{ readonly used: number; readonly total: number }> {
  const total = kibibytes(text, "MemTotal");
  const available = kibibytes(text, "MemAvailable");
  if (total === undefined || available === undefined) return undefined;
  return { used: Math.max(0, total - available), total };
}

/** Reads `/proc/self/net/dev`. */
export function parseNetwork(text: string): Parsed<NetworkBytes> {
  const lines = [...text.matchAll(/^ *([^\s:]+): *([\d ]+)$/gm)];
  if (lines.length === 0) return undefined;
  let [rx, tx] = [0, 0];
  for (const [, name, numbers = ""] of lines) {
    if (name === "lo") continue;
    const columns = numbers.trim().split(/ +/).map(Number);
    rx += columns[0] ?? 0;
    tx += columns[8] ?? 0;
  }
  if (exact(rx) === undefined || exact(tx) === undefined) return undefined;
  return { rx, tx };
}

/** Share of the last minute in which work waited for memory, in percent. */
export interface MemoryPressure {
  /** Some of it waited. */
  readonly some: number;
  /** All of it did. */
  readonly full: number;
}

/** Reads `/proc/pressure/memory`, or `memory.pressure` of a control group. */
export function parsePressure(text: string): Parsed<MemoryPressure> {
  const share = (who: string) =>
    Number(new RegExp(`^${who} .*\\bavg60=([\\d.]+)`, "m").exec(text)?.[1]);
  const [some, full] = [share("some"), share("full")];
  return Number.isNaN(some) || Number.isNaN(full) ? undefined : { some, full };
}

/** Reads the soft limit of open files from `/proc/self/limits`. */
export function parseOpenFilesLimit(text: string): Parsed<number> {
  const found = /^Max open files +(\d+) /m.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The control group of version 2 that `/proc/self/cgroup` names. */
export function parseControlGroup(text: string): Parsed<string> {
  return /^0::(\/.*)$/m.exec(text)?.[1];
}

function kibibytes(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1];
  return found === undefined ? undefined : exact(Number(found) * 1_024);
}

/**
 * A count that JSON can carry: an endless number would go up as `null`, and a
 * control plane refuses the whole batch for it.
 */
function exact(count: number): Parsed<number> {
  return Number.isSafeInteger(count) ? count : undefined;
}
