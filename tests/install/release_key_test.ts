import assert from "node:assert/strict";
import { RELEASE_KEYS } from "../../src/host/release_keys.ts";
import { importSigningKey } from "../../src/trust/signing_key.ts";
import { SCRIPT } from "./run_script.ts";

Deno.test("script and program believe the same release key", () => {
  const [, key] = /^RELEASE_KEY='([^']*)'$/m.exec(SCRIPT) ?? [];
  assert.ok(key !== undefined, "install.sh has no line of the key");
  // The first one signs new releases; others may still have signed older ones.
  assert.equal(RELEASE_KEYS[0] ?? "", key);
  for (const text of RELEASE_KEYS) assert.ok(importSigningKey(text), text);
});
