import { dirname } from "node:path";
import type { Platform } from "../platform/platform.ts";
import { describeError } from "../platform/log.ts";
import {
  RefusedArtifactError,
  verifyArtifact,
} from "../trust/verify_artifact.ts";
import type { VerifiedArtifact } from "../wire/release.ts";
import { HostError } from "./host_error.ts";
import { install, type Installed } from "./install.ts";
import { readManifest } from "./manifest.ts";
import type { Places } from "./places.ts";
import { sumOfFile } from "./placement.ts";
import { UpdateRecords } from "./record_update.ts";
import { releaseIn } from "./release_folder.ts";
import type { ReleaseSource } from "./release_source.ts";
import { runProgram } from "./run_program.ts";
import type { Steps } from "./steps.ts";
import { compareVersions, isVersion } from "./version_order.ts";

/** Options for {@linkcode upgrade}. */
export interface UpgradeOptions {
  readonly places: Places;
  /** Data folder of the agent, as its configuration names it. */
  readonly dataDir: string;
  readonly source: ReleaseSource;
  /** Base64 of the 32 bytes of each release key. */
  readonly keys: readonly string[];
  /** The version to go to. @default the latest one */
  readonly version?: string;
  /** What releases call this machine's architecture, such as `amd64`. */
  readonly arch: string;
  /** How long an agent may take until it is ready, in ms. */
  readonly readyMs: number;
  readonly io: Platform;
  readonly steps: Steps;
}

/** What an upgrade came to. */
export interface Upgraded extends Installed {
  /** False when that version was installed already. */
  readonly isNew: boolean;
}

/**
 * Downloads a release, verifies it, puts it in place of what is installed, and
 * puts that back when an agent is not ready with it in time. Agents that do not
 * run are not started.
 *
 * @throws {HostError}
 */
export async function upgrade(
  options: UpgradeOptions,
  signal: AbortSignal,
): Promise<Upgraded> {
  const { places, steps, source } = options;
  const before = installedVersion(places);
  const version = options.version ?? await source.latest(signal);
  if (!isVersion(version)) {
    throw new HostError(
      "refused",
      `${JSON.stringify(version)} is not a version`,
      "it looks like 1.2.3",
    );
  }
  if (version === before) {
    return { version, before, isNew: false };
  }
  if (options.version === undefined && compareVersions(version, before) < 0) {
    throw new HostError(
      "refused",
      `plexd ${before} is installed, and the server's latest is ${version}`,
      `to go back to it, name it: plexd upgrade ${version}`,
    );
  }
  const records = new UpdateRecords(options.dataDir, options.io);
  const note: UpdateRecords["note"] = (what) => {
    if (!steps.isRehearsal) records.note(what);
  };
  try {
    const artifact = await verified(options, version, signal);
    note((store) => store.stage(artifact));
    const sha256 = sumOfFile(places.program);
    const former = { version: before, path: places.previous };
    await bring(
      options,
      artifact,
      signal,
      () =>
        note((store) =>
          store.activate(artifact, sha256 ? { ...former, sha256 } : undefined)
        ),
    );
    return { version, before, isNew: true };
  } catch (error) {
    const isBack = error instanceof HostError && error.kind === "rolled_back";
    const detail = describeError(error);
    note((store) =>
      isBack ? store.rolledBack(version, detail) : store.failed(version, detail)
    );
    throw error;
  }
}

function installedVersion(places: Places): string {
  if (places.isSystem && Deno.uid() !== 0) {
    throw new HostError(
      "refused",
      "Upgrading the whole machine's plexd needs root",
      "run it with sudo, or name an installation of your own with --prefix DIR",
    );
  }
  const manifest = readManifest(places);
  if (manifest) return manifest.version;
  throw new HostError(
    "refused",
    `plexd is not installed at ${places.program}`,
    "plexd install installs it; --prefix DIR names another place",
  );
}

async function verified(
  { source, keys, arch, steps }: UpgradeOptions,
  version: string,
  signal: AbortSignal,
): Promise<VerifiedArtifact> {
  const name = `plexd-${version}-linux-${arch}.tar.gz`;
  steps.tell(`look at the release ${version}`);
  const sums = await source.sums(version, signal);
  const signature = await source.signature(version, signal);
  try {
    return verifyArtifact({ version, name, sums, signature }, keys);
  } catch (error) {
    if (!(error instanceof RefusedArtifactError)) throw error;
    throw new HostError(
      "refused",
      error.message,
      error.kind === "not_listed"
        ? `there is no release ${version} for linux-${arch}`
        : "nothing was changed. If the release is your own, name its key: --key FILE",
      error,
    );
  }
}

/** Unpacks beside the installation: on its disk, and where programs may run. */
async function bring(
  options: UpgradeOptions,
  artifact: VerifiedArtifact,
  signal: AbortSignal,
  onPlaced: () => void,
) {
  const { places, source, steps, io } = options;
  const parent = dirname(places.manifest);
  const staging = `${parent}/.upgrade-${io.random.bytes(6).toHex()}`;
  Deno.mkdirSync(staging, { recursive: true, mode: 0o700 });
  try {
    steps.tell(`download ${artifact.name}`);
    const file = `${staging}/archive.tar.gz`;
    await source.archive(artifact, file, signal);
    await unpack(file, staging);
    const folder = `${staging}/${artifact.name.replace(/\.tar\.gz$/, "")}`;
    const release = await releaseIn(folder);
    if (release.version !== artifact.version) {
      throw new HostError(
        "refused",
        `The release ${artifact.version} holds a plexd ${release.version}`,
        "whoever publishes it has mixed something up; nothing was changed",
      );
    }
    await install({
      places,
      release,
      io,
      steps,
      first: {},
      token: () => undefined,
      start: true,
      onlyRunning: true,
      readyMs: options.readyMs,
      allowOlder: true,
      onPlaced,
    });
  } finally {
    Deno.removeSync(staging, { recursive: true });
  }
}

async function unpack(file: string, folder: string) {
  const args = ["-xzf", file, "-C", folder, "--no-same-owner"];
  const { code, stderr } = await runProgram("tar", args);
  if (code === 0) return;
  throw new HostError(
    "failed",
    `The archive cannot be unpacked: ${stderr.trim().slice(0, 300)}`,
    "see whether there is space on the disk, and whether tar is installed",
  );
}
