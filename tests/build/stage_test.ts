import assert from "node:assert/strict";
import { withBuild } from "../../scripts/build/stage.ts";

const file = new URL("../../src/cli/build_info.ts", import.meta.url);

Deno.test("what a build knows of itself finds its place in the source", () => {
  const text = withBuild(Deno.readTextFileSync(file), {
    commit: "abc",
    committedAt: "2026-01-01T00:00:00Z",
    base: "unofficial",
  });
  assert.match(
    text,
    /BUILD: BuildInfo \| undefined = \{"commit":"abc",.*"unofficial"\};/,
  );
});

Deno.test("a source that has no such place stops the build", () => {
  assert.throws(
    () =>
      withBuild("export {};", {
        commit: "abc",
        committedAt: "2026-01-01T00:00:00Z",
        base: "official",
      }),
    /does not hold/,
  );
});
