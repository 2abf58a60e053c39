import { dirname } from "node:path";
import type { CredentialsStore } from "./credentials_store.ts";
import { IDENTITY_RECORD_FILE } from "./identity_record.ts";
import type { IdentityStore } from "./identity_store.ts";
import type { StoreContext } from "./store_context.ts";
import { StoreWriteError } from "./store_errors.ts";

/** Folders of what was trusted and signed for the node. */
const FOLDERS = ["trust", "snapshots"];

/**
 * Forgets who this node is and, after that, whom it trusts, with the events it
 * has seen. State and reports stay.
 *
 * @throws {StoreWriteError} when that could not be made durable: whatever is
 * left, the node is then registered as before or not at all.
 */
export async function forgetNode(
  { disk, root, folders }: StoreContext,
  identity: IdentityStore,
  credentials: CredentialsStore,
): Promise<void> {
  await identity.clear();
  credentials.clear();
  try {
    disk.remove(`${root}/${IDENTITY_RECORD_FILE}`);
    folders.get(dirname(IDENTITY_RECORD_FILE)).syncNow();
    for (const folder of FOLDERS) {
      for (const { name } of disk.list(`${root}/${folder}`)) {
        disk.remove(`${root}/${folder}/${name}`);
      }
      folders.get(folder).syncNow();
    }
  } catch (error) {
    throw new StoreWriteError("that former trust is gone", error);
  }
}
