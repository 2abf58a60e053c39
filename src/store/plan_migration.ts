import { ADOPTED_FILE } from "./adopt_go_folder.ts";
import { CREDENTIALS_FILE, ENROLLED_MARK } from "./credentials_file.ts";
import { readIfThere, systemDisk } from "./disk.ts";
import type { Finding } from "./finding.ts";
import { membershipPaths } from "./folders.ts";
import { readGoFolder } from "./go_folder.ts";
import {
  IDENTITY_FILE,
  PRIVATE_KEY_FILE,
  SECRET_KEY_FILE,
} from "./identity_file.ts";
import { reportFileOf } from "./report_store.ts";
import { dataFileOf } from "./state_files.ts";

/** The one membership that a Go agent can have been. */
export const ADOPTING_CLUSTER = "default";

/**
 * What the next start would bring into the present layout, found out without a
 * lock, a key or any change: the folder of a Go agent, and memberships that
 * older versions of plexd have made.
 *
 * @returns each file, and what becomes of it; none when all is as it should be.
 * @throws {GoFolderError} when the Go agent's folder cannot be taken over.
 */
export async function planMigration(
  dataDir: string,
  cluster: string,
): Promise<readonly Finding[]> {
  const { root } = membershipPaths(dataDir, cluster);
  const has = (path: string) => readIfThere(systemDisk, path) !== undefined;
  if (has(`${root}/${IDENTITY_FILE}`)) {
    if (has(`${root}/${ENROLLED_MARK}`)) return [];
    return credentialsAreWritten("of an older plexd, without credentials");
  }
  if (cluster !== ADOPTING_CLUSTER || has(`${dataDir}/${ADOPTED_FILE}`)) {
    return [];
  }
  const former = await readGoFolder(dataDir);
  if (!former) return [];
  former.privateKey.fill(0);
  const goes = (file: string, to: string): Finding => ({
    file,
    what: "of the Go agent",
    repair: `copied into clusters/${cluster}/${to}; stays as it is`,
  });
  const isThere = (file: string) => has(`${dataDir}/${file}`);
  return [
    goes("identity.json", IDENTITY_FILE),
    goes("private_key", `${PRIVATE_KEY_FILE}, sealed`),
    goes("node_secret_key", `${SECRET_KEY_FILE}, sealed`),
    ...(isThere("signing_public_key")
      ? [goes("signing_public_key", IDENTITY_FILE)]
      : []),
    ...["state/metadata.json", "state/secrets.json"].filter(isThere)
      .map((file) => goes(file, file)),
    ...former.data.map(({ key }) =>
      goes(`state/data (${key})`, dataFileOf(key))
    ),
    ...former.reports.map(({ key }) =>
      goes(`state/report (${key})`, reportFileOf(key))
    ),
    { file: ADOPTED_FILE, what: "missing", repair: "says that this was done" },
    ...credentialsAreWritten("missing"),
  ];
}

function credentialsAreWritten(what: string): Finding[] {
  return [
    { file: CREDENTIALS_FILE, what, repair: "written, from the identity" },
    { file: ENROLLED_MARK, what, repair: "written: they were there" },
  ];
}
