import assert from "node:assert/strict";
import { parseLine } from "../../src/cli/parse_args.ts";
import { Published } from "./openapi/published.ts";
import { BUS_AWAY, RunningPlane } from "./running_plane.ts";

const TEXT = Deno.readTextFileSync(
  new URL("../../docs/runbook.md", import.meta.url),
);

/** Lines of the blocks that a shell is given. */
const SHELL = [...TEXT.matchAll(/```sh\n(.*?)```/gs)]
  .flatMap(([, block]) => block!.split("\n"));

const INLINE = [...TEXT.replaceAll(/```.*?```/gs, "").matchAll(/`([^`]+)`/g)]
  .map(([, code]) => code!.replaceAll("\n", " "));

Deno.test("every command of the runbook is one that plexd takes", () => {
  const lines = [...SHELL, ...INLINE].filter((line) =>
    /^plexd [a-z]/.test(line)
  );
  assert.ok(lines.length > 25, `only ${lines.length}`);
  for (const line of lines) {
    const words = line.replace(/\s+#.*| [|>].*|…/g, "")
      .replace("$(date +%F)", "").trim().split(/\s+/).slice(1);
    assert.doesNotThrow(() => parseLine(words), line);
  }
});

Deno.test("every call of the runbook is one that the server has", async () => {
  await using plane = await RunningPlane.start();
  const { operations } = await Published.of(plane);
  const forms = operations.map(({ path }) =>
    new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`)
  );
  const asked = [...TEXT.matchAll(
    /(?:\$plane|(?:GET|POST) |`)(\/[a-z][\w{}$/.-]+)/g,
  )].map(([, path]) => path!);
  assert.ok(asked.length > 8, asked.join());
  for (const path of asked) {
    const isPart = path === "/heartbeat";
    assert.ok(isPart || forms.some((form) => form.test(path)), path);
  }
});

Deno.test("every metric of the runbook is one that the server counts", async () => {
  await using plane = await RunningPlane.start({ messageBus: BUS_AWAY });
  const { text } = await plane.call("GET", "/metrics", {
    bearer: plane.adminToken,
  });
  const named = new Set(
    [...TEXT.matchAll(/`(?:…|plexd_control_plane)(_[a-z_]+)/g)]
      .map(([, name]) => `plexd_control_plane${name}`),
  );
  assert.ok(named.size > 5);
  for (const name of named) {
    assert.ok(text.includes(`# HELP ${name} `), name);
  }
});
