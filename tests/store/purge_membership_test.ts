import assert from "node:assert/strict";
import { systemDisk } from "../../src/store/disk.ts";
import { purgeMembership } from "../../src/store/purge_membership.ts";
import { PurgeError } from "../../src/store/store_errors.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { inFolder, openStore } from "./open_store.ts";

Deno.test("a purge that cannot remove something names it, removes all else, and can be repeated", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.reports.put("a", { contentType: "text/plain", payload: "1" });
    const { root } = store.paths;
    await store.close();
    const options = {
      dataDir: dir,
      cluster: "default",
      clock: new FakeClock(),
      version: "1.2.3",
    };
    const disk = {
      ...systemDisk,
      remove(path: string) {
        if (path.endsWith("/peers")) {
          throw new Deno.errors.PermissionDenied("Permission denied");
        }
        systemDisk.remove(path);
      },
    };
    assert.throws(
      () => purgeMembership({ ...options, disk }),
      (error) =>
        error instanceof PurgeError &&
        error.message === `Cannot remove ${root}/peers: Permission denied`,
    );
    const left = [...Deno.readDirSync(root)].map(({ name }) => name).sort();
    assert.deepEqual(left, ["lock", "peers"]);

    const { folder } = purgeMembership(options);
    assert.equal(folder, root);
    assert.throws(() => Deno.statSync(root), Deno.errors.NotFound);
  }));
