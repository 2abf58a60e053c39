import { dirname } from "node:path";
import { type Clock, isoTime } from "../platform/clock.ts";
import type { Dialect } from "../wire/dialect.ts";
import { readIfThere, systemDisk } from "./disk.ts";
import { encodeEntryFile } from "./entry_file.ts";
import { readGoFolder } from "./go_folder.ts";
import { IDENTITY_FILE } from "./identity_file.ts";
import type { Membership } from "./membership.ts";
import { reportFileOf } from "./report_store.ts";
import { StoreWriteError } from "./store_errors.ts";
import { withSum } from "./summed_json.ts";
import { writeMember } from "./write_member.ts";

/**
 * Says that the Go agent's data have been taken over. Below the data folder, as
 * they are: it has to outlive the membership.
 */
/** Says that the Go agent's folder was taken over; below the data folder. */
export const ADOPTED_FILE = "agent/adopted.json";

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
  const isThere = (path: string) => readIfThere(systemDisk, path) !== undefined;
  if (isThere(`${options.dataDir}/${ADOPTED_FILE}`)) return undefined;
  if (isThere(`${root}/${IDENTITY_FILE}`)) {
    // A node that has joined does not become the former one when it leaves.
    if (isThere(`${options.dataDir}/identity.json`)) markAdopted(options);
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
  privateKey.fill(0);
  markAdopted(options);
  return nodeId;
}

/** That the file is there is what counts. @throws {StoreWriteError} */
function markAdopted({ dataDir, clock }: AdoptOptions) {
  const path = `${dataDir}/${ADOPTED_FILE}`;
  const text = JSON.stringify({ format: 1, at: isoTime(clock.now()) });
  try {
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    systemDisk.createNow(path, withSum(text).bytes);
    for (const folder of [dirname(path), dataDir]) {
      using open = Deno.openSync(folder);
      open.syncSync();
    }
  } catch (error) {
    throw new StoreWriteError("that the former agent is taken over", error);
  }
}
