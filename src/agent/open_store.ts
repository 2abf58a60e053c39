import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import { adoptGoFolder } from "../store/adopt_go_folder.ts";
import type { Disk } from "../store/disk.ts";
import { type Membership, openMembership } from "../store/membership.ts";
import { ADOPTING_CLUSTER } from "../store/plan_migration.ts";
import type { RecoveryListener } from "../store/recovery.ts";
import type { Dialect } from "../wire/dialect.ts";
import { machineSeal } from "./machine_seal.ts";

/**
 * Opens the configured membership with the machine's seal key. What a Go agent
 * has left in the data folder is taken over first.
 *
 * @throws {AlreadyRunningError | SealKeyError | StoreOpenError | GoFolderError}
 */
export async function openStore(
  config: Config,
  io: Platform,
  version: string,
  recovered?: RecoveryListener,
  disk?: Disk,
): Promise<Membership> {
  const options = {
    dataDir: config.data_dir,
    cluster: config.cluster,
    seal: machineSeal(config, io.random),
    ...io,
    version,
    snapshotsKept: config["store.snapshots_kept"],
    ringSize: config["store.ring_size"],
    ...(recovered ? { recovered } : {}),
    ...(disk ? { disk } : {}),
  };
  const store = await openMembership(options);
  if (config.cluster !== ADOPTING_CLUSTER) return store;
  let nodeId: string | undefined;
  try {
    nodeId = await adoptGoFolder(store, {
      dataDir: config.data_dir,
      controlPlane: config["api.base_url"] ?? "",
      ...dialectOf(config),
      clock: io.clock,
    });
  } catch (error) {
    await store.close();
    throw error;
  }
  if (nodeId === undefined) return store;
  io.log.warn(
    "The data of the former agent were taken over; its files are left as " +
      "they are, with the node's keys in the clear",
    { node_id: nodeId, folder: config.data_dir },
  );
  await store.close();
  return await openMembership(options);
}

function dialectOf(config: Config): { readonly dialect?: Dialect } {
  switch (config["api.dialect"]) {
    case "auto":
      return {};
    case "1":
      return { dialect: 1 };
    case "2":
      return { dialect: 2 };
  }
}
