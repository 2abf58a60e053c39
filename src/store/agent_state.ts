import { dirname } from "node:path";
import * as z from "zod/mini";
import { type Clock, isoTime } from "../platform/clock.ts";
import { describeError, type Logger } from "../platform/log.ts";
import { type Random, uuidV7 } from "../platform/random.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { type Disk, readIfThere, systemDisk } from "./disk.ts";
import { replaceUnderLock, underShortLock } from "./short_lock.ts";
import { checkSum, withSum } from "./summed_json.ts";

/** Path of the file, below the data folder. */
export const AGENT_FILE = "agent/agent.json";

/** Memberships whose starts are kept; the oldest start gives way. */
const MAX_MEMBERSHIPS = 64;

/** How an earlier run of the agent ended. */
export interface LastStop {
  /** RFC 3339 text; null when it did not get to say. */
  readonly at: string | null;
  /** It was told to stop, and all that it had to write is written. */
  readonly clean: boolean;
  /** It ended by itself, and could still say so. */
  readonly failed: boolean;
}

/** What looked at the whole node, and what came of it. */
export interface Diagnostics {
  readonly kind: "diag" | "store_verify";
  /** RFC 3339 text. */
  readonly at: string;
  /** `failed`: it could not look. */
  readonly outcome: "ok" | "findings" | "failed";
}

/** Where the state of the agent is, and what it takes to change it. */
export interface AgentFolder {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** @default {systemDisk} */
  readonly disk?: Disk;
}

/** Options for {@linkcode AgentState.begin}. */
export interface AgentStateOptions extends AgentFolder {
  /** The membership that this run is for. */
  readonly cluster: string;
  readonly version: string;
  /** What is switched on. */
  readonly features: readonly string[];
}

const runSchema = z.object({
  version: z.string(),
  features: z.array(z.string()),
  started_at: z.string(),
  stopped_at: z.nullable(z.string()),
  failed: z.optional(z.boolean()),
});
const agentSchema = z.object({
  format: z.literal(1),
  install_id: z.string().check(z.minLength(1)),
  runs: z.array(z.tuple([z.string(), runSchema])),
  last_diagnostics: z.optional(z.object({
    kind: z.enum(["diag", "store_verify"]),
    at: z.string(),
    outcome: z.enum(["ok", "findings", "failed"]),
  })),
});
type AgentFile = z.infer<typeof agentSchema>;
type Run = z.infer<typeof runSchema>;

/**
 * What is known of the agent itself, whatever it is a member of: shared by all
 * memberships of a data folder, under a lock that is held for a moment only.
 * It decides nothing, so a disk that refuses it does not refuse the start.
 */
export class AgentState {
  readonly #options: AgentStateOptions;
  readonly #run: Run;
  /** Made once for this data folder. */
  readonly installId: string;
  /** Undefined on the first start of this membership. */
  readonly lastStop: LastStop | undefined;

  private constructor(
    options: AgentStateOptions,
    file: AgentFile,
    before: Run | undefined,
    run: Run,
  ) {
    this.#options = options;
    this.#run = run;
    this.installId = file.install_id;
    const failed = before?.failed ?? false;
    this.lastStop = before && {
      at: before.stopped_at,
      clean: before.stopped_at !== null && !failed,
      failed,
    };
  }

  /** What is switched on in this run. */
  get features(): readonly string[] {
    return this.#run.features;
  }

  /** What was last found by a look at the node, also by another process. */
  get lastDiagnostics(): Diagnostics | undefined {
    const { dataDir, log } = this.#options;
    try {
      const path = `${dataDir}/${AGENT_FILE}`;
      return read(this.#options, path)?.last_diagnostics;
    } catch (error) {
      log.debug("The agent's own state could not be read", {
        error: describeError(error),
      });
      return undefined;
    }
  }

  /** Notes that the agent starts. */
  static begin(options: AgentStateOptions): AgentState {
    const { cluster, version, features, clock } = options;
    const run: Run = {
      version,
      features: [...features],
      started_at: isoTime(clock.now()),
      stopped_at: null,
    };
    let before: Run | undefined;
    const file = change(options, (stored) => {
      before = new Map(stored.runs).get(cluster);
      return withRun(stored, cluster, run);
    });
    return new AgentState(options, file, before, run);
  }

  /** Notes that the agent has stopped, with nothing left to write. */
  stopped(): void {
    this.#ended({});
  }

  /** Notes that the agent ends because something has failed. */
  failed(): void {
    this.#ended({ failed: true });
  }

  #ended(how: { readonly failed?: boolean }) {
    const { cluster, clock } = this.#options;
    const run = {
      ...this.#run,
      stopped_at: isoTime(clock.now()),
      ...how,
    };
    change(
      this.#options,
      (stored) =>
        withRun({ ...stored, install_id: this.installId }, cluster, run),
    );
  }
}

/**
 * Notes what came of a look at the whole node. Never throws: what was found is
 * what counts.
 */
export function noteDiagnostics(
  folder: AgentFolder,
  { kind, outcome }: Omit<Diagnostics, "at">,
): void {
  const at = isoTime(folder.clock.now());
  change(folder, (stored) => ({
    ...stored,
    last_diagnostics: { kind, at, outcome },
  }));
}

/** A run of the agent, as it has noted itself. */
export interface NotedRun {
  readonly version: string;
  /** RFC 3339 text. */
  readonly startedAt: string;
  /** RFC 3339 text; null while it runs, or when it did not get to say. */
  readonly stoppedAt: string | null;
  /** It ended by itself, and could still say so. */
  readonly failed: boolean;
}

/**
 * The last run for a membership, as it lies on disk.
 *
 * @returns undefined when there was none, or what is noted is damaged.
 * @throws {Error} of the system when the file cannot be read.
 */
export function readLastRun(
  folder: Omit<AgentFolder, "clock" | "random">,
  cluster: string,
): NotedRun | undefined {
  const file = read(folder, `${folder.dataDir}/${AGENT_FILE}`);
  const run = new Map(file?.runs).get(cluster);
  return run && {
    version: run.version,
    startedAt: run.started_at,
    stoppedAt: run.stopped_at,
    failed: run.failed ?? false,
  };
}

function withRun(stored: AgentFile, cluster: string, run: Run): AgentFile {
  const others = stored.runs.filter(([name]) => name !== cluster);
  const kept = [...others, [cluster, run] as [string, Run]];
  return { ...stored, runs: kept.slice(-MAX_MEMBERSHIPS) };
}

/** Reads, changes and writes the file while nobody else does. */
function change(
  folder: AgentFolder,
  next: (stored: AgentFile) => AgentFile,
): AgentFile {
  const { dataDir, clock, random, log, disk = systemDisk } = folder;
  const path = `${dataDir}/${AGENT_FILE}`;
  const none = (): AgentFile => ({
    format: 1,
    install_id: uuidV7(clock, random),
    runs: [],
  });
  try {
    return underShortLock(dirname(path), () => {
      const file = next(read(folder, path) ?? none());
      const { bytes } = withSum(JSON.stringify(file));
      replaceUnderLock(disk, path, bytes);
      return file;
    });
  } catch (error) {
    log.warn("The agent's own state could not be stored", {
      error: describeError(error),
    });
    return next(none());
  }
}

/** A damaged file is begun anew: what it says is for people alone. */
function read(
  { log, disk = systemDisk }: Pick<AgentFolder, "log" | "disk">,
  path: string,
): AgentFile | undefined {
  const bytes = readIfThere(disk, path);
  if (!bytes) return undefined;
  try {
    const checked = checkSum(bytes);
    if (!checked) throw new ShapeError("its sum is wrong");
    return parseShape("agent state", agentSchema, checked.text);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    log.warn("The agent's own state was damaged, and is begun anew", {
      file: path,
      error: describeError(error),
    });
    return undefined;
  }
}
