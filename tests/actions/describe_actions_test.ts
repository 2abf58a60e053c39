import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { ActionSettings } from "../../src/actions/action_settings.ts";
import {
  describeActions,
  describeHooks,
} from "../../src/actions/describe_actions.ts";
import { inActionFolder } from "./real_action.ts";

const TEXT = "#!/bin/sh\necho hello\n";
const SUM = createHash("sha256").update(TEXT).digest("hex");

function settings(
  commands: Readonly<Record<string, string>>,
  enabled = true,
): ActionSettings {
  return {
    enabled,
    commands,
    maxConcurrent: 5,
    maxTimeoutMs: 90_000,
    maxOutputBytes: 1024,
  };
}

Deno.test("describeActions() says of each action whether it would run, sorted by name", () =>
  inActionFolder(async ({ dir, script }) => {
    const good = script(TEXT, 0o750);
    const open = script(TEXT, 0o777);
    const [first, second, third] = await describeActions(
      settings({ z: good, a: open, m: `${dir}/none` }),
    );
    assert.match(first?.problem ?? "", /can be written by others/);
    assert.match(second?.problem ?? "", /\/none does not exist$/);
    assert.deepEqual(third, {
      name: "z",
      path: good,
      mode: "0750",
      sha256: SUM,
    });
  }));

Deno.test("describeHooks() tells of those that would run, and of none while actions are off", () =>
  inActionFolder(async ({ dir, script }) => {
    const commands = { greet: script(TEXT), broken: `${dir}/none` };
    assert.deepEqual(await describeHooks(settings(commands)), [{
      name: "greet",
      description: "",
      parameters: [],
      source: "local",
      checksum: SUM,
      timeout: "1m30s",
      sandbox: "none",
    }]);
    assert.deepEqual(await describeHooks(settings(commands, false)), []);
  }));
