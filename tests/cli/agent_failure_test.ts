import assert from "node:assert/strict";
import { asCommandError } from "../../src/cli/agent_failure.ts";
import { CommandError } from "../../src/cli/command.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import {
  StoreOpenError,
  StoreReadError,
  StoreWriteError,
} from "../../src/store/store_errors.ts";

const { config } = await loadConfig({
  file: { path: "/not/there.yaml", required: false },
  env: {},
  flags: {},
});

function failure(code: string): Error {
  return Object.assign(new Error(`${code} (os error)`), { code });
}

function hintOf(error: Error): string | undefined {
  const told = asCommandError(error, config);
  return told instanceof CommandError ? told.hint : undefined;
}

Deno.test("a store that cannot be opened for want of descriptors says which limit to raise", () => {
  const read = new StoreReadError("/a", failure("EMFILE"));
  assert.match(hintOf(new StoreOpenError("/a", "why", read)) ?? "", /LimitN/);
  const write = new StoreWriteError("the identity", failure("EMFILE"));
  assert.match(hintOf(write) ?? "", /LimitNOFILE=/);
  const machine = new StoreReadError("/a", failure("ENFILE"));
  assert.match(
    hintOf(new StoreOpenError("/a", "why", machine)) ?? "",
    /the machine ran short/,
  );
});

Deno.test("a store that cannot be opened otherwise asks for the folder's modes", () => {
  const error = new StoreOpenError("/a", "why", failure("EACCES"));
  assert.match(hintOf(error) ?? "", /writable for this user/);
  assert.equal(hintOf(new StoreWriteError("it", failure("EIO"))), undefined);
});
