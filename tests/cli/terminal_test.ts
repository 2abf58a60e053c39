import assert from "node:assert/strict";
import { runInTerminal } from "../../scripts/screens/terminal.ts";
import { plexdCommand, runPlexd } from "./run_plexd.ts";
import { hasTool, reasonWithout } from "./tool.ts";

const ignore = !hasTool("script");
const reason = reasonWithout("script");

/** Runs plexd on a terminal of its own. */
function onTerminal(
  columns: number,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const usual = { TERM: "xterm", NO_COLOR: "" };
  return runInTerminal(plexdCommand(args), {
    columns,
    env: { ...usual, ...env },
  });
}

// deno-lint-ignore no-control-regex -- these are what is looked for
const COLOUR = /\x1b\[\d+m/g;

for (const columns of [60, 80, 200]) {
  Deno.test({
    name: `plexd config show fits a terminal of ${columns} columns${reason}`,
    ignore,
    fn: async () => {
      const { screen } = await onTerminal(columns, ["config", "show"]);
      const lines = screen.replace(COLOUR, "").split("\n");
      assert.ok(lines.length > 50);
      for (const line of lines) assert.ok(line.length <= columns, line);
    },
  });
}

for (
  const { when, env, isColoured } of [
    { when: "on a terminal", env: {}, isColoured: true },
    { when: "with NO_COLOR", env: { NO_COLOR: "1" }, isColoured: false },
    { when: "on a dumb terminal", env: { TERM: "dumb" }, isColoured: false },
  ]
) {
  Deno.test({
    name: `plexd ${isColoured ? "has" : "has no"} colours ${when}${reason}`,
    ignore,
    fn: async () => {
      const { screen } = await onTerminal(80, ["config", "show"], env);
      assert.equal(COLOUR.test(screen), isColoured);
      COLOUR.lastIndex = 0;
    },
  });
}

Deno.test("plexd has no colours and cuts nothing when it is piped", async () => {
  const { stdout } = await runPlexd(["config", "show"], {
    env: { TERM: "xterm", NO_COLOR: "" },
  });
  assert.ok(!stdout.includes("\x1b") && !stdout.includes("…"));
});

Deno.test({
  name: `plexd ping shows that it waits, and then no more of it${reason}`,
  ignore,
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const { code, screen } = await onTerminal(80, [
      "ping",
      "--api",
      `http://127.0.0.1:${port}`,
    ], { PLEXD_API_REQUEST_TIMEOUT: "2s", PLEXD_API_CONNECT_TIMEOUT: "2s" });
    assert.equal(code, 69);
    assert.match(screen, /Asking http:\/\/127\.0\.0\.1:\d+ \.\.\. \d s/);
    const [, afterLastErase] = screen.split(/^.*\[K/s);
    assert.match(afterLastErase!, /not reachable/);
    assert.doesNotMatch(afterLastErase!, /Asking/);
  },
});
