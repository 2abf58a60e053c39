import { type Clock, isoTime } from "../platform/clock.ts";
import type { Dialect } from "../wire/dialect.ts";
import { readIfThere, systemDisk } from "./disk.ts";
import { encodeEntryFile } from "./entry_file.ts";
import { readGoFolder } from "./go_folder.ts";
import { IDENTITY_FILE } from "./identity_file.ts";
import type { Membership } from "./membership.ts";
import { reportFileOf } from "./report_store.ts";
import { withSum } from "./summed_json.ts";
import { writeMember } from "./write_member.ts";

/** Says that the Go agent's data have been taken over, below the membership. */
const ADOPTED_FILE = "identity/adopted.json";

/** Options for {@linkcode adoptGoFolder}. */
export interface AdoptOptions {
  readonly dataDir: string;
  /** Base URL of the control plane that the configuration names. */
  readonly controlPlane: string;
  /** The dialect that the configuration asks for, if it does. */
  readonly dialect?: Dialect;
  readonly clock: Clock;
}

/**
 * Takes over what the Go agent has left in the data folder, once, into a
 * membership without an identity. Its files stay as they are.
 *
 * The identity is stored last, so that a crash on the way means that all of it
 * is done again.
 *
 * @returns the node's id, or undefined when there was nothing to take over. The
 * membership is to be opened anew otherwise.
 * @throws {GoFolderError} when a file is missing or damaged.
 * @throws {StoreWriteError}
 * @see design, section 3 "On a node"
 */
export async function adoptGoFolder(
  store: Membership,
  options: AdoptOptions,
): Promise<string | undefined> {
  const { root } = store.paths;
  const isThere = (file: string) =>
    readIfThere(systemDisk, `${root}/${file}`) !== undefined;
  if (isThere(ADOPTED_FILE)) return undefined;
  if (isThere(IDENTITY_FILE)) {
    noteIfBeside(root, options);
    return undefined;
  }
  const former = await readGoFolder(options.dataDir);
  if (!former) return undefined;
  const { metadata, secretRefs, data, reports } = former;
  if (store.state.view.data.size === 0 && !store.state.view.position) {
    await store.state.update(() => ({ metadata, secretRefs, data }));
  }
  for (const entry of reports) {
    if (store.reports.get(entry.key)) continue;
    writeMember(root, reportFileOf(entry.key), encodeEntryFile(entry).bytes);
  }
  const { nodeId, meshIp, privateKey, publicKey, nodeSecretKey } = former;
  const dialect = options.dialect ?? former.dialect;
  await store.identity.save({
    nodeId,
    meshIp,
    dialect,
    ...(dialect === 2 && former.signingKeyId !== undefined
      ? { signingKeyId: former.signingKeyId }
      : {}),
    controlPlane: options.controlPlane,
    enrolledAt: isoTime(former.writtenAtMs),
    publicKey,
    privateKey,
    nodeSecretKey,
    signingPublicKey: former.signingPublicKey,
  });
  markAdopted(root, options.clock);
  return nodeId;
}

/** A node that has joined does not become the former one when it leaves. */
function noteIfBeside(root: string, { dataDir, clock }: AdoptOptions) {
  if (readIfThere(systemDisk, `${dataDir}/identity.json`)) {
    markAdopted(root, clock);
  }
}

function markAdopted(root: string, clock: Clock) {
  const text = JSON.stringify({ format: 1, at: isoTime(clock.now()) });
  writeMember(root, ADOPTED_FILE, withSum(text).bytes);
}
