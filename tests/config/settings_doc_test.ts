import assert from "node:assert/strict";
import { settingsDocument } from "../../scripts/settings_doc.ts";

Deno.test("docs/configuration.md says what the table of settings says", async () => {
  const path = new URL("../../docs/configuration.md", import.meta.url);
  assert.equal(await Deno.readTextFile(path), settingsDocument());
});
