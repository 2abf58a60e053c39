import assert from "node:assert/strict";
import { asCommandError, asHeldError } from "../../src/cli/agent_failure.ts";
import { CommandError } from "../../src/cli/command.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import {
  AlreadyRunningError,
  StoreOpenError,
  StoreReadError,
  StoreWriteError,
} from "../../src/store/store_errors.ts";
import { refusalOf } from "../../src/sync/registration_answer.ts";
import { ControlError, failureOf } from "../../src/uplink/control_error.ts";

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

Deno.test("a disk that is full or read-only is named with its folder, not with its modes", () => {
  for (const [code, hint] of [["ENOSPC", "make room"], ["EROFS", "mount"]]) {
    for (
      const error of [
        new StoreWriteError("it", failure(code!)),
        new StoreOpenError("/a", "why", failure(code!)),
      ]
    ) {
      const told = hintOf(error) ?? "";
      assert.ok(told.startsWith(hint!) && told.includes(config.data_dir), told);
    }
  }
});

Deno.test("a store that cannot be opened otherwise asks for the folder's modes", () => {
  const error = new StoreOpenError("/a", "why", failure("EACCES"));
  assert.match(hintOf(error) ?? "", /writable for this user/);
  assert.equal(hintOf(new StoreWriteError("it", failure("EIO"))), undefined);
});

Deno.test("a refusal asks for another token only where that would help", () => {
  const refused = (code: string) => {
    const details = { status: 403, code, correlationId: "c-1" };
    return refusalOf(new ControlError("forbidden", "no", details));
  };
  const spent = refused("token_consumed");
  assert.match(spent.message, /refused the bootstrap token: .*token_consumed/);
  assert.match(spent.message, / \[correlation id c-1\]$/);
  assert.match(hintOf(spent) ?? "", /ask for a fresh one/);
  const mismatch = refused("project_mismatch");
  assert.match(mismatch.message, /refused the registration: status 403/);
  assert.match(hintOf(mismatch) ?? "", /registration\.project_id/);
});

for (
  const [what, status, hint] of [
    ["somebody else's page", 404, /the right address/],
    ["somebody else's method", 405, /the right address/],
    ["a redirect", 302, /the right address/],
    ["a used token", 409, /ask for a fresh one/],
    ["a wrong request", 422, undefined],
    ["a bad request", 400, undefined],
  ] as const
) {
  Deno.test(`a registration that is answered ${status}, ${what}, is followed by what helps`, () => {
    const error = new ControlError(failureOf(status), "no", { status });
    const told = hintOf(refusalOf(error));
    if (hint) assert.match(told ?? "", hint);
    else assert.equal(told, undefined);
  });
}

Deno.test("a registration in the wrong dialect says once what to do", () => {
  const what = "asked in dialect 2 and answers in 1: set api.dialect to 1";
  const told = asCommandError(
    refusalOf(new ControlError("unsupported", what)),
    config,
  );
  assert.ok(told instanceof CommandError);
  assert.equal(told.message, what);
  assert.equal(told.cause, undefined);
  assert.equal(told.hint, undefined);
});

Deno.test("a command that the agent is in the way of says how to end it", () => {
  const error = asHeldError(new AlreadyRunningError("/a", { pid: 7 }), config);
  assert.ok(error instanceof CommandError);
  assert.equal(error.exitCode, 75);
  assert.match(error.message, /Process 7 /);
  assert.match(error.hint ?? "", /systemctl stop plexd"/);
});
