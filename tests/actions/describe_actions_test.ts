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

Deno.test({
  name: "describeActions() asks for the agent's user, whoever runs it",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inActionFolder(async ({ script }) => {
      const path = script(TEXT, 0o755);
      Deno.chownSync(path, 1234, null);
      const problemFor = async (agentUid: number) =>
        (await describeActions(settings({ a: path }), agentUid))[0]?.problem;
      assert.equal(await problemFor(1234), undefined);
      assert.match(await problemFor(65534) ?? "", /belongs to user 1234/);
      // Its interpreter, too, may be the agent's own.
      const outer = script(`#!${path}\n`, 0o755);
      const [found] = await describeActions(settings({ a: outer }), 1234);
      assert.equal(found?.problem, undefined);
    }),
});

const readers = [
  { mode: 0o700, agentUid: 65534, isReadable: false },
  { mode: 0o711, agentUid: 65534, isReadable: false },
  { mode: 0o755, agentUid: 65534, isReadable: true },
  { mode: 0o750, agentUid: 65534, isReadable: true }, // Perhaps: its group.
  { mode: 0o300, agentUid: 0, isReadable: true },
];
for (const { mode, agentUid, isReadable } of readers) {
  Deno.test({
    name: `an executable of root's with mode ${mode.toString(8)} is ${
      isReadable ? "" : "not "
    }for user ${agentUid} to read`,
    ignore: Deno.uid() !== 0,
    fn: () =>
      inActionFolder(async ({ script }) => {
        const commands = { a: script(TEXT, mode) };
        const [found] = await describeActions(settings(commands), agentUid);
        assert.equal(
          found?.problem?.replace(/^.* cannot/, "cannot"),
          isReadable
            ? undefined
            : "cannot be read by the agent's user: allow it with chmod a+r",
        );
      }),
  });
}

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
