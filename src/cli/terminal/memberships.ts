/** Memberships of this machine, as far as this user can see them. */
export interface KnownMemberships {
  /** Sorted. */
  readonly names: readonly string[];
  /** Whether there may be more, as the data folder is closed to this user. */
  readonly isPartial: boolean;
}

/**
 * The memberships that have a folder, and those whose agent has one for its
 * sockets, which users see that may not look into the data folder.
 *
 * @param runDir Where the folders of sockets are.
 */
export function knownMemberships(
  dataDir: string,
  runDir = "/var/run",
): KnownMemberships {
  const stored = foldersIn(`${dataDir}/clusters`);
  const running = (foldersIn(runDir) ?? [])
    .filter((name) => name === "plexd" || name.startsWith("plexd-"))
    .filter((name) => isThere(`${runDir}/${name}/api.sock`))
    .map((name) => name.slice("plexd-".length) || "default");
  return {
    names: [...new Set([...stored ?? [], ...running])].sort(),
    isPartial: stored === undefined,
  };
}

/** @returns undefined when this user may not look. */
function foldersIn(path: string): string[] | undefined {
  try {
    return [...Deno.readDirSync(path)]
      .filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isSocket === true;
  } catch {
    return false;
  }
}
