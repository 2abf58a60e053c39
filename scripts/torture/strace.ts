/** Calls of the system by which a store changes or reads its disk. */
export const CALLS = [
  "openat",
  "write",
  "pwrite64",
  "fsync",
  "fdatasync",
  "rename",
  "renameat2",
  "unlink",
  "unlinkat",
] as const;

/** Calls at which a process is killed, or fails, besides those above. */
const MORE_CALLS = ["mkdir", "ftruncate"] as const;

/** One call of the story, told apart from all others. */
export interface Point {
  readonly call: string;
  /** File or folder that it names or writes to. */
  readonly path: string;
  /** Which of the calls of this kind on this path by one thread, from 1. */
  readonly nth: number;
}

/** How a run of the driver went. */
export interface Run {
  /** What it said, line by line. */
  readonly said: readonly string[];
  /** Standard error. */
  readonly complaint: string;
  readonly isKilled: boolean;
  readonly code: number;
  /** Calls that did get the signal or the error. */
  readonly hits: number;
}

/** A script of this folder and its arguments, the data folder first. */
export type Words = readonly [script: string, dataDir: string, ...string[]];

/** Plays a story in a folder. */
export function playing(dataDir: string, story: number): Words {
  return ["driver.ts", dataDir, `${story}`];
}

/** Why strace cannot be used here; undefined when it can. */
export async function whyNoStrace(): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command("strace", {
      args: ["-f", "-o", "/dev/null", "-e", "trace=openat", "true"],
      stdout: "null",
      stderr: "piped",
    }).output();
    if (success) return undefined;
    const why = new TextDecoder().decode(stderr).trim();
    return `strace may not trace here: ${why}`;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "strace is not installed (Debian package strace)";
  }
}

/**
 * Runs a script once without a fault, and answers every call that it makes below
 * its data folder.
 */
export async function record(words: Words): Promise<Point[]> {
  const [script, folder] = words;
  const log = `${folder}.strace`;
  const calls = [...CALLS, ...MORE_CALLS].join();
  const { code, complaint } = await run(words, [
    "-y",
    "-o",
    log,
    "-e",
    `trace=${calls}`,
  ]);
  if (code !== 0) throw new Error(`${script} fails by itself: ${complaint}`);
  return pointsIn(await Deno.readTextFile(log), folder);
}

/**
 * Runs a script with something happening at one call.
 *
 * @param what As strace takes it, such as `signal=SIGKILL`.
 */
export async function inject(
  words: Words,
  { call, path, nth }: Point,
  what: string,
): Promise<Run> {
  const log = `${words[1]}.strace`;
  const outcome = await run(words, [
    // Stopping at no other call is faster, but signals get lost then.
    ...(what.startsWith("signal=") ? [] : ["--seccomp-bpf"]),
    "-o",
    log,
    "-P",
    path,
    "-e",
    `trace=${call}`,
    "-e",
    // Counted are the calls of each thread on that path.
    `inject=${call}:${what}:when=${nth}`,
  ]);
  const text = await Deno.readTextFile(log);
  const injected = [...text.matchAll(/\(INJECTED\)/g)].length;
  return { ...outcome, hits: outcome.isKilled ? 1 : injected };
}

async function run(
  [script, ...rest]: Words,
  options: readonly string[],
): Promise<Omit<Run, "hits">> {
  const child = await new Deno.Command("strace", {
    args: [
      "-f",
      ...options,
      Deno.execPath(),
      "run",
      "-A",
      "--no-prompt",
      new URL(script, import.meta.url).pathname,
      ...rest,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const said = new TextDecoder().decode(child.stdout).split("\n");
  return {
    said: said.filter((line) => line !== ""),
    complaint: new TextDecoder().decode(child.stderr),
    isKilled: child.signal === "SIGKILL",
    code: child.code,
  };
}

/** Reads the lines of `strace -f -y`. */
export function pointsIn(log: string, folder: string): Point[] {
  const counts = new Map<string, number>();
  const points = new Map<string, Point>();
  for (const line of log.split("\n")) {
    const [, thread = "", call = "", rest = ""] =
      /^(\d+) +(\w+)\((.*)$/.exec(line) ?? [];
    const at = rest.indexOf(folder);
    if (at < 0) continue;
    const path = /^[^"<>]*/.exec(rest.slice(at))![0];
    const key = `${call} ${path}`;
    const nth = (counts.get(`${thread} ${key}`) ?? 0) + 1;
    counts.set(`${thread} ${key}`, nth);
    points.set(`${key} ${nth}`, { call, path, nth });
  }
  return [...points.values()];
}
