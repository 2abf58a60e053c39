import assert from "node:assert/strict";

const main = new URL("../../scripts/torture/main.ts", import.meta.url).pathname;

for (
  const { args, says } of [
    { args: ["--seed", "x"], says: /--seed must be a whole number/ },
    { args: ["--only", "x"], says: /--only must be store, api or parsers/ },
    { args: ["--short", "--long"], says: /exclude each other/ },
  ]
) {
  Deno.test(`torture ${args.join(" ")} is wrong usage`, async () => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", main, ...args],
    }).output();
    assert.equal(code, 2);
    assert.match(new TextDecoder().decode(stderr), says);
  });
}
