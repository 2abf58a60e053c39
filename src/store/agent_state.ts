import { dirname } from "node:path";
import * as z from "zod/mini";
import { type Clock, isoTime } from "../platform/clock.ts";
import { describeError, type Logger } from "../platform/log.ts";
import { type Random, uuidV7 } from "../platform/random.ts";
import { parseShape, ShapeError } from "../wire/shape_error.ts";
import { type Disk, readIfThere, systemDisk } from "./disk.ts";
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
}

/** Options for {@linkcode AgentState.begin}. */
export interface AgentStateOptions {
  readonly dataDir: string;
  /** The membership that this run is for. */
  readonly cluster: string;
  readonly version: string;
  /** What is switched on. */
  readonly features: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** @default {systemDisk} */
  readonly disk?: Disk;
}

const runSchema = z.object({
  version: z.string(),
  features: z.array(z.string()),
  started_at: z.string(),
  stopped_at: z.nullable(z.string()),
});
const agentSchema = z.object({
  format: z.literal(1),
  install_id: z.string().check(z.minLength(1)),
  runs: z.array(z.tuple([z.string(), runSchema])),
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
    this.lastStop = before &&
      { at: before.stopped_at, clean: before.stopped_at !== null };
  }

  /** Notes that the agent starts. */
  static begin(options: AgentStateOptions): AgentState {
    const { cluster, version, features, clock, random } = options;
    const run: Run = {
      version,
      features: [...features],
      started_at: isoTime(clock.now()),
      stopped_at: null,
    };
    let before: Run | undefined;
    const file = change(options, (stored) => {
      before = stored && new Map(stored.runs).get(cluster);
      const installId = stored?.install_id ?? uuidV7(clock, random);
      return withRun(installId, stored?.runs ?? [], cluster, run);
    });
    return new AgentState(options, file, before, run);
  }

  /** Notes that the agent has stopped, with nothing left to write. */
  stopped(): void {
    const { cluster, clock } = this.#options;
    const run = { ...this.#run, stopped_at: isoTime(clock.now()) };
    change(
      this.#options,
      (stored) => withRun(this.installId, stored?.runs ?? [], cluster, run),
    );
  }
}

function withRun(
  installId: string,
  runs: AgentFile["runs"],
  cluster: string,
  run: Run,
): AgentFile {
  const others = runs.filter(([name]) => name !== cluster);
  const kept = [...others, [cluster, run] as [string, Run]];
  return {
    format: 1,
    install_id: installId,
    runs: kept.slice(-MAX_MEMBERSHIPS),
  };
}

/** Reads, changes and writes the file while nobody else does. */
function change(
  options: AgentStateOptions,
  next: (stored: AgentFile | undefined) => AgentFile,
): AgentFile {
  const { dataDir, log, disk = systemDisk } = options;
  const path = `${dataDir}/${AGENT_FILE}`;
  const folder = dirname(path);
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    using lock = Deno.openSync(`${folder}/lock`, {
      write: true,
      create: true,
      mode: 0o600,
    });
    lock.lockSync(true);
    try {
      const file = next(read(options, path));
      replace(disk, path, withSum(JSON.stringify(file)).bytes);
      return file;
    } finally {
      lock.unlockSync();
    }
  } catch (error) {
    log.warn("The agent's own state could not be stored", {
      error: describeError(error),
    });
    return next(undefined);
  }
}

/** A damaged file is begun anew: what it says is for people alone. */
function read(
  { log, disk = systemDisk }: AgentStateOptions,
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

function replace(disk: Disk, path: string, bytes: Uint8Array) {
  const temp = `${path}.new`;
  disk.remove(temp);
  disk.createNow(temp, bytes);
  disk.rename(temp, path);
  const folder = disk.openFolder(dirname(path));
  try {
    folder.syncNow();
  } finally {
    folder.close();
  }
}
