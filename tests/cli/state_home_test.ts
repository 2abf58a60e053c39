import assert from "node:assert/strict";
import { CommandError } from "../../src/cli/command.ts";
import { stateHome } from "../../src/cli/state_home.ts";

const env = (values: Record<string, string>) => ({
  get: (name: string) => values[name],
});

Deno.test("stateHome() is what XDG_STATE_HOME says, else below HOME", () => {
  const HOME = "/home/one";
  assert.equal(stateHome("a thing", env({ HOME })), "/home/one/.local/state");
  assert.equal(
    stateHome("a thing", env({ HOME, XDG_STATE_HOME: "/state" })),
    "/state",
  );
  assert.equal(
    stateHome("a thing", env({ HOME, XDG_STATE_HOME: "relative" })),
    "/home/one/.local/state",
  );
  assert.throws(() => stateHome("a thing", env({})), CommandError);
  assert.throws(() => stateHome("a thing", env({ HOME: "" })), CommandError);
});
