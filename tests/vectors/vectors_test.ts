import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { VECTORS_SHA256 } from "./load.ts";

Deno.test("vectors.json is the file that was handed over, to the byte", () => {
  const bytes = Deno.readFileSync(new URL("vectors.json", import.meta.url));
  assert.equal(createHash("sha256").update(bytes).digest("hex"), VECTORS_SHA256);
});
