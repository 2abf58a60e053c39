import assert from "node:assert/strict";
import { slimSourceMap } from "../../scripts/build/source_maps.ts";

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

function mapOf(module: string): Record<string, unknown> {
  const base64 = module.slice(module.indexOf(MARK) + MARK.length).trim();
  return JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(base64)));
}

Deno.test("a source map names sources and packages without the builder", () => {
  const module = withMap([
    "../plexd/src/cli/cli.ts",
    "../../../cache/npm/registry.test/zod/4.6.7/v4/core/core.js",
  ]);
  const slim = slimSourceMap(
    module,
    "/home/me/dist/bundle",
    "/home/me/dist/plexd",
  );
  assert.ok(slim.startsWith("let a;\n"));
  assert.deepEqual(mapOf(slim), {
    version: 3,
    sources: ["src/cli/cli.ts", "npm/zod/4.6.7/v4/core/core.js"],
    mappings: "AAAA",
    names: [],
  });
});

Deno.test("a source from anywhere else stops the build", () => {
  assert.throws(
    () => slimSourceMap(withMap(["../../x.ts"]), "/a/bundle", "/a/plexd"),
    /names \/x\.ts/,
  );
});

Deno.test("a module without a map stays as it is", () => {
  assert.equal(slimSourceMap("let a;\n", "/a/bundle", "/a/plexd"), "let a;\n");
});
