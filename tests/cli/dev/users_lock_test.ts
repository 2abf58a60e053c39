import assert from "node:assert/strict";
import { UsersLock } from "../../../src/cli/dev/users_lock.ts";

Deno.test("UsersLock tells only the last one that leaves", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/users.lock`;
  const first = await UsersLock.join(path);
  const second = await UsersLock.join(path);
  assert.equal(first.leave(), false);
  assert.equal(second.leave(), true);
  first.close();
  second.close();
  await Deno.remove(folder, { recursive: true });
});
