import { DamagedFolder } from "../../src/store/damaged_folder.ts";
import { type Disk, systemDisk } from "../../src/store/disk.ts";
import {
  makeFolders,
  makeRoot,
  membershipPaths,
} from "../../src/store/folders.ts";
import type { Recovery } from "../../src/store/recovery.ts";
import { TempFolder } from "../../src/store/replace_file.ts";
import {
  OpenFolders,
  type StoreContext,
} from "../../src/store/store_context.ts";
import { typedReads } from "../../src/store/typed_reads.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

/** What one store of a membership works with, without the others. */
export interface OpenedContext extends Disposable {
  readonly context: StoreContext;
  readonly recovered: Recovery[];
}

/** The context of the membership "default" of a data folder, which is made. */
export function storeContext(
  dataDir: string,
  disk: Disk = systemDisk,
  clock: FakeClock = new FakeClock(),
): OpenedContext {
  const { root, tmp } = membershipPaths(dataDir, "default");
  makeRoot(dataDir, root);
  makeFolders(root);
  for (const { name } of Deno.readDirSync(tmp)) {
    Deno.removeSync(`${tmp}/${name}`);
  }
  const recovered: Recovery[] = [];
  const folders = new OpenFolders(disk, root);
  const context = {
    root,
    cluster: "default",
    disk: typedReads(disk),
    temp: new TempFolder(disk, tmp),
    damaged: new DamagedFolder(disk, root, clock),
    folders,
    clock,
    random: new FakeRandom(),
    log: new MemoryLog(),
    recovered: (recovery: Recovery) => recovered.push(recovery),
  };
  return { context, recovered, [Symbol.dispose]: () => folders.close() };
}
