import assert from "node:assert/strict";
import { compareVersions, isVersion } from "../../src/host/version_order.ts";

Deno.test("versions have the order of Semantic Versioning", () => {
  const ordered = [
    "0.1.0-dev",
    "0.1.0",
    "0.9.9",
    "0.10.0",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "2.0.0",
  ];
  for (const [at, version] of ordered.entries()) {
    for (const [other, second] of ordered.entries()) {
      const sign = Math.sign(compareVersions(version, second));
      assert.equal(sign, Math.sign(at - other), `${version} and ${second}`);
    }
  }
  assert.equal(compareVersions("1.0.0", "1.0.0+unofficial-base"), 0);
});

Deno.test("what could lead elsewhere is no version", () => {
  assert.ok(isVersion("0.1.0-dev+unofficial-base"));
  for (
    const text of ["", "1", "1.0", "latest", "v1.0.0", "1.0.0/../2", "1.0.0 "]
  ) assert.ok(!isVersion(text), text);
  assert.throws(() => compareVersions("1.0.0", "latest"), RangeError);
});
