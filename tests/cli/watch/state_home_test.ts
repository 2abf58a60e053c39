import assert from "node:assert/strict";
import { CommandError } from "../../../src/cli/command.ts";
import { stateHome } from "../../../src/cli/watch/state_home.ts";

const env = (values: Record<string, string>) => ({
  get: (name: string) => values[name],
});

Deno.test("stateHome() is what XDG_STATE_HOME says, else below HOME", () => {
  const HOME = "/home/one";
  assert.equal(stateHome(env({ HOME })), "/home/one/.local/state");
  assert.equal(stateHome(env({ HOME, XDG_STATE_HOME: "/state" })), "/state");
  assert.equal(
    stateHome(env({ HOME, XDG_STATE_HOME: "relative" })),
    "/home/one/.local/state",
  );
  assert.throws(() => stateHome(env({})), CommandError);
  assert.throws(() => stateHome(env({ HOME: "" })), CommandError);
});
