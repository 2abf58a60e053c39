import assert from "node:assert/strict";
import { removeTokenFile } from "../../src/sync/remove_token_file.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

Deno.test("removeTokenFile() removes it", async () => {
  const path = await Deno.makeTempFile({ prefix: "plexd-token-" });
  const log = new MemoryLog();
  await removeTokenFile(path, log);
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  assert.deepEqual(log.lines, []);
});

Deno.test("removeTokenFile() says what it could not remove", async () => {
  const path = await Deno.makeTempDir({ prefix: "plexd-token-" });
  const log = new MemoryLog();
  await Deno.writeTextFile(`${path}/inside`, "");
  await removeTokenFile(path, log);
  assert.equal(log.lines[0]?.level, "warn");
  assert.equal(log.lines[0]?.fields["path"], path);
  await Deno.remove(path, { recursive: true });
});
