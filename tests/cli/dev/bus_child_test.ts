import assert from "node:assert/strict";
import { CommandError } from "../../../src/cli/command.ts";
import { needBusPrograms } from "../../../src/cli/dev/bus_child.ts";
import { findProgram } from "../../../src/cli/dev/find_program.ts";

Deno.test("without nats-server, or what ends it, dev says what to install", () => {
  for (const there of ["setpriv", "nats-server"]) {
    const find = (name: string) => name === there ? `/bin/${name}` : undefined;
    assert.throws(() => needBusPrograms(find), (error) => {
      assert.ok(error instanceof CommandError);
      assert.equal(error.exitCode, 3);
      assert.match(error.message, /nats-server and setpriv/);
      assert.match(error.hint!, /apt-get install nats-server util-linux/);
      return true;
    });
  }
});

Deno.test("programs are found where the shell finds them", () => {
  assert.match(findProgram("sh")!, /^\/.*\/sh$/);
  assert.equal(findProgram("no-such-program-anywhere"), undefined);
});
