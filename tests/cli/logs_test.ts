import assert from "node:assert/strict";
import { unitOf } from "../../src/cli/logs.ts";
import { runPlexd } from "./run_plexd.ts";

Deno.test("unitOf() names the unit of a membership", () => {
  assert.equal(unitOf({ cluster: "default" }), "plexd.service");
  assert.equal(unitOf({ cluster: "blue" }), "plexd@blue.service");
});

function hasSystemd(): boolean {
  try {
    return Deno.statSync("/run/systemd/system").isDirectory;
  } catch {
    return false;
  }
}

Deno.test({
  name: "plexd logs says where the log goes when systemd has none",
  ignore: hasSystemd(),
  fn: async () => {
    const { code, stdout, stderr } = await runPlexd(["logs", "--follow"]);
    assert.equal(code, 3);
    assert.equal(stdout, "");
    assert.match(stderr, /no journal to read: .*\n.*standard error/);
  },
});
