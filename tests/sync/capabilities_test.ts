import assert from "node:assert/strict";
import { capabilitiesOf } from "../../src/sync/capabilities.ts";
import { capabilitiesSchema } from "../../src/wire/bodies.ts";

function hook(name: string) {
  return {
    name,
    description: "",
    parameters: [],
    source: "local",
    checksum: "00",
    timeout: "10m",
    sandbox: "none",
  };
}

Deno.test("capabilitiesOf() names the program and the hooks, in a steady order", async () => {
  const capabilities = await capabilitiesOf({
    version: "1.2.3",
    binarySha256: () => Promise.resolve("00ff"),
    hooks: () => Promise.resolve([hook("b"), hook("a")]),
  });
  assert.deepEqual(capabilities, {
    binary: { version: "1.2.3", checksum: "00ff" },
    builtin_actions: [],
    hooks: [hook("a"), hook("b")],
  });
  capabilitiesSchema.parse(capabilities);
});
