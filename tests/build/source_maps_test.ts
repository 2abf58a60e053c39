import assert from "node:assert/strict";
import { takeSourceMap } from "../../scripts/build/source_maps.ts";

const MARK = "//# sourceMappingURL=data:application/json;base64,";

function withMap(sources: readonly string[]): string {
  const map = {
    version: 3,
    sources,
    sourcesContent: sources.map(() => "secret of the builder"),
    mappings: "AAAA",
    names: [],
  };
  const bytes = new TextEncoder().encode(JSON.stringify(map));
  return `let a;\n${MARK}${bytes.toBase64()}`;
}

Deno.test("a source map names sources and packages without the builder", () => {
  const module = withMap([
    "../plexd/src/cli/cli.ts",
    "../../../cache/npm/registry.test/zod/4.6.7/v4/core/core.js",
  ]);
  const slim = takeSourceMap(
    module,
    "/home/me/dist/bundle",
    "/home/me/dist/plexd",
  );
  assert.equal(slim.text, "let a;\n");
  assert.deepEqual(JSON.parse(slim.map!), {
    version: 3,
    sources: ["src/cli/cli.ts", "npm/zod/4.6.7/v4/core/core.js"],
    mappings: "AAAA",
    names: [],
  });
});

Deno.test("a source from anywhere else stops the build", () => {
  assert.throws(
    () => takeSourceMap(withMap(["../../x.ts"]), "/a/bundle", "/a/plexd"),
    /names \/x\.ts/,
  );
});

Deno.test("a module without a map stays as it is", () => {
  assert.deepEqual(takeSourceMap("let a;\n", "/a/bundle", "/a/plexd"), {
    text: "let a;\n",
    map: undefined,
  });
});
