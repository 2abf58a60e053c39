import { dirname } from "node:path";
import { isMissing } from "../store/disk.ts";
import { errorCode } from "../store/store_errors.ts";
import { removeAccounts } from "./accounts.ts";
import { isEnrolled, statIfThere } from "./folders.ts";
import { HostError } from "./host_error.ts";
import { readManifest } from "./manifest.ts";
import type { Places } from "./places.ts";
import { removeIfThere } from "./placement.ts";
import type { Steps } from "./steps.ts";
import {
  AGENT_UNIT,
  agentUnits,
  dropUnits,
  enabledInstances,
  reloadUnits,
  systemdRuns,
} from "./systemd.ts";

/** Options for {@linkcode uninstall}. */
export interface UninstallOptions {
  readonly places: Places;
  readonly steps: Steps;
  /** Configuration, keys, data, user and groups go, too. */
  readonly purge: boolean;
}

/**
 * Removes what was installed, and that alone. Configuration and data stay unless
 * they are to be purged; the control plane is not told.
 *
 * @throws {HostError} kind "refused" when there is a plexd that was not
 * installed by this.
 */
export async function uninstall(options: UninstallOptions): Promise<void> {
  const { places, steps, purge } = options;
  if (places.isSystem && Deno.uid() !== 0) {
    throw new HostError(
      "refused",
      "Uninstalling from the whole machine needs root",
      "run it with sudo, or use --prefix DIR for an installation of your own",
    );
  }
  const manifest = readManifest(places);
  if (!manifest && statIfThere(places.program)) {
    throw new HostError(
      "refused",
      `${places.program} was not installed by this program`,
      "remove it the way it came; the Go agent has an uninstall of its own",
    );
  }
  if (!manifest) steps.tell("plexd is not installed: nothing to remove");
  const withSystemd = places.isSystem && systemdRuns();
  if (manifest && withSystemd) {
    const units = [
      ...new Set([
        AGENT_UNIT,
        ...await agentUnits(),
        ...enabledInstances(places.unitDir),
      ]),
    ];
    await steps.do(`stop ${units.join(", ")}`, () => dropUnits(units));
  }
  const enrolled = isEnrolled(places);
  for (const path of Object.keys(manifest?.files ?? {})) {
    await steps.do(`remove ${path}`, () => removeIfThere(path));
  }
  if (manifest) await removeTraces(options, Object.keys(manifest.files));
  if (manifest && withSystemd) {
    await steps.do("have systemd read its unit files", reloadUnits);
  }
  if (purge) await purgeAll(options);
  else if (manifest) {
    steps.tell(
      `${places.configDir} and ${places.dataDir} stay; --purge removes them`,
    );
  }
  if (manifest && enrolled) {
    steps.tell(
      purge
        ? "The control plane still knows this node, until an operator deletes it."
        : "The control plane still knows this node; it goes on where it was " +
          "when plexd is installed again.",
    );
  }
  if (statIfThere(places.former)) {
    steps.tell(`${places.former}, which was here before, is left alone`);
  }
}

async function removeTraces(
  { places, steps }: UninstallOptions,
  files: readonly string[],
) {
  await steps.do(`remove ${places.manifest}`, () => {
    removeIfThere(places.previous);
    removeIfThere(places.manifest);
    removeIfEmpty(dirname(places.manifest));
    removeIfEmpty(`${places.prefix}/share/doc/plexd`);
    // In a folder of somebody's own they were made for these files.
    if (places.isSystem) return;
    for (const path of [...files, places.manifest]) {
      removeEmptyAbove(path, places);
    }
  });
}

async function purgeAll({ places, steps }: UninstallOptions) {
  for (const folder of [places.dataDir, places.configDir, places.runDir]) {
    if (!statIfThere(folder)) continue;
    await steps.do(
      `remove ${folder}, with all that is in it`,
      () => {
        Deno.removeSync(folder, { recursive: true });
        if (!places.isSystem) removeEmptyAbove(folder, places);
      },
    );
  }
  if (places.isSystem) await removeAccounts(steps);
}

/** Removes the folders above a path that hold nothing any more. */
function removeEmptyAbove(path: string, { prefix }: Places) {
  for (
    let folder = dirname(path);
    folder.startsWith(`${prefix}/`) && removeIfEmpty(folder);
    folder = dirname(folder)
  );
}

/** @returns whether there is no such folder now. */
function removeIfEmpty(folder: string): boolean {
  try {
    Deno.removeSync(folder);
  } catch (error) {
    if (errorCode(error) === "ENOTEMPTY") return false;
    if (!isMissing(error)) throw error;
  }
  return true;
}
