import assert from "node:assert/strict";
import { PACKAGED_FILES } from "../../src/host/packaged_files.ts";

Deno.test("the program carries the files of packaging/ as they are", () => {
  const folder = new URL("../../packaging/", import.meta.url);
  assert.deepEqual(Object.keys(PACKAGED_FILES), [
    "systemd/plexd.service",
    "systemd/plexd@.service",
    "sysusers.d/plexd.conf",
    "tmpfiles.d/plexd.conf",
  ]);
  for (const [path, text] of Object.entries(PACKAGED_FILES)) {
    assert.equal(
      text,
      Deno.readTextFileSync(new URL(path, folder)),
      `${path}: make src/host/packaged_files.ts anew, as scripts/packaged_files.ts tells`,
    );
  }
});
