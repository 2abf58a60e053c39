import assert from "node:assert/strict";
import { refusalIn } from "../../src/cli/ask_agent.ts";

/** An answer as the local API gives it. */
function answer(status: number, error: string) {
  const body = { error };
  const text = JSON.stringify(body);
  return { status, headers: new Headers(), body, text };
}

for (
  const [status, error] of [[500, "internal error"], [
    507,
    "disk full",
  ]] as const
) {
  Deno.test(`a command that is answered ${status} says where the reason is told`, () => {
    const refusal = refusalIn(answer(status, error));
    assert.equal(refusal.message, error);
    assert.match(refusal.hint ?? "", /"plexd why"/);
  });
}

Deno.test("a command that asked for something wrong is not told to look further", () => {
  assert.equal(
    refusalIn(answer(400, "If-Match must be an integer")).hint,
    undefined,
  );
});
