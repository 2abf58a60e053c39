import type { Platform } from "../platform/platform.ts";
import type { FirstConfig } from "./first_config.ts";
import { statIfThere } from "./folders.ts";
import { HostError } from "./host_error.ts";
import { type Manifest, readManifest, writeManifest } from "./manifest.ts";
import type { Places } from "./places.ts";
import {
  piecesOf,
  type Placement,
  type PlannedFile,
  removeIfThere,
  stageFiles,
  sumOfFile,
} from "./placement.ts";
import { prepareNode, type TokenSource } from "./prepare_node.ts";
import type { Release } from "./release_folder.ts";
import { startAgent } from "./start_agent.ts";
import type { Steps } from "./steps.ts";
import { compareVersions } from "./version_order.ts";

/** Options for {@linkcode install}. */
export interface InstallOptions {
  readonly places: Places;
  readonly release: Release;
  readonly io: Pick<Platform, "clock" | "random">;
  readonly steps: Steps;
  /** For the configuration, where there is none yet. */
  readonly first: FirstConfig;
  /** The bootstrap token, for a node that still has to join. */
  readonly token: TokenSource;
  /** Start the agent, or only have it started with the machine. */
  readonly start: boolean;
  /** Only what runs is restarted: for an upgrade of what is there. */
  readonly onlyRunning: boolean;
  /** How long an agent may take until it is ready, in ms. */
  readonly readyMs: number;
  /** Whether a newer version may be replaced. */
  readonly allowOlder: boolean;
  /** Told when the files are in place, before anything is started. */
  readonly onPlaced?: () => void;
}

/** What an installation came to. */
export interface Installed {
  readonly version: string;
  /** What was installed before; undefined when nothing was. */
  readonly before: string | undefined;
}

/**
 * Brings a release onto this machine, or into a folder. What is right already is
 * left alone, so it can be done again; an agent that does not become ready with
 * it gets its former program back.
 *
 * @throws {HostError} kind "refused" before anything was changed, "rolled_back"
 * when the former version is in place again, "failed" otherwise.
 */
export async function install(options: InstallOptions): Promise<Installed> {
  const { places, release, steps, io, allowOlder } = options;
  if (places.isSystem && Deno.uid() !== 0) {
    throw new HostError(
      "refused",
      "Installing for the whole machine needs root",
      "run it with sudo, or use --prefix DIR for an installation of your own",
    );
  }
  const before = readManifest(places);
  if (
    before && !allowOlder &&
    compareVersions(before.version, release.version) > 0
  ) {
    throw new HostError(
      "refused",
      `plexd ${before.version} is installed, which is newer than ${release.version}`,
      `name the version to go back to it: --version ${release.version}`,
    );
  }
  const planned = release.files(places).map((file) =>
    keeping(file, places, before)
  );
  // First of all: on a full disk nothing is to be changed.
  using placement = steps.isRehearsal
    ? rehearsed(planned)
    : stageFiles(planned, io.random);
  tellFormer(planned, placement, options);
  const node = await prepareNode(options);
  const placed = await place(options, placement, before);
  options.onPlaced?.();
  await startAgent({ ...options, node, ...placed });
  return { version: release.version, before: before?.version };
}

/** Puts the files in place; what is returned takes them away again. */
async function place(
  { places, release, steps, io }: InstallOptions,
  placement: Placement,
  before: Manifest | undefined,
) {
  const { changed } = placement;
  const isNew = !statIfThere(places.program);
  if (changed.length > 0) {
    await steps.do(
      `put in place ${namesOf(changed, steps)}`,
      () => placement.commit(),
    );
  } else steps.tell(`plexd ${release.version} is in place already`);
  if (!steps.isRehearsal) {
    // A single program does not bring all that an archive brings.
    const files = { ...before?.files, ...Object.fromEntries(placement.sums) };
    writeManifest(places, { version: release.version, files }, io.random);
  }
  return {
    hasChanged: changed.length > 0,
    // A first installation is left as it is, to be looked into.
    ...(isNew ? {} : {
      undo() {
        placement.undo();
        if (before) writeManifest(places, before, io.random);
        else removeIfThere(places.manifest);
      },
    }),
  };
}

/** A rehearsal is read for the whole list. */
function namesOf(paths: readonly string[], { isRehearsal }: Steps): string {
  const [first, ...others] = paths;
  if (isRehearsal || first === undefined || others.length === 0) {
    return paths.join(", ");
  }
  return `${first} and ${others.length} more`;
}

/** Where the file that would be replaced is to be kept, if anywhere. */
function keeping(
  file: PlannedFile,
  places: Places,
  before: Manifest | undefined,
): PlannedFile {
  const isProgram = file.target === places.program;
  const there = sumOfFile(file.target);
  if (there === undefined) return file;
  const isOurs = before?.files[file.target] === there;
  if (isOurs) return isProgram ? { ...file, keep: places.previous } : file;
  const former = isProgram ? places.former : `${file.target}.former`;
  // The first one is the original; it is never written over.
  if (!statIfThere(former)) return { ...file, keep: former };
  return isProgram ? { ...file, keep: places.previous } : file;
}

/** What would be placed, for a rehearsal. */
function rehearsed(files: readonly PlannedFile[]): Placement {
  const sumOf = ({ source }: PlannedFile) =>
    typeof source === "string" ? sumOfFile(source) : undefined;
  return {
    changed: files
      .filter((file) =>
        sumOf(file) === undefined || sumOf(file) !== sumOfFile(file.target)
      )
      .map(({ target }) => target),
    sums: new Map(),
    commit() {},
    undo() {},
    [Symbol.dispose]() {},
  };
}

/** Says what is found of an agent that was not installed by this. */
function tellFormer(
  planned: readonly PlannedFile[],
  { changed }: Placement,
  { places, steps }: InstallOptions,
) {
  for (const { target, keep } of planned) {
    if (!keep || !changed.includes(target) || keep === places.previous) {
      continue;
    }
    const what = isGoProgram(target)
      ? `${target} is the Go agent`
      : `${target} was not put there by this installation, or was changed`;
    steps.tell(`${what}: it is kept as ${keep}`);
  }
  if (statIfThere(`${places.dataDir}/identity.json`)) {
    steps.tell(
      `${places.dataDir} holds a node of the Go agent: its identity and state ` +
        "are taken over at the first start, and its files stay",
    );
  }
}

/** Every program that Go has built says so in its bytes. */
const GO_MARK = "Go buildinf:";

function isGoProgram(path: string): boolean {
  let carried = "";
  for (const bytes of piecesOf(path)) {
    const text = carried + new TextDecoder("latin1").decode(bytes);
    if (text.includes(GO_MARK)) return true;
    carried = text.slice(-GO_MARK.length);
  }
  return false;
}
