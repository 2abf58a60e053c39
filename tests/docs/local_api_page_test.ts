import assert from "node:assert/strict";
import { OPERATIONS } from "../../src/node_api/openapi/operations.ts";

const PAGE = Deno.readTextFileSync(
  new URL("../../docs/local-api.md", import.meta.url),
);

/** The text below a heading, up to the next one of its level. */
function section(heading: string): string {
  const start = PAGE.indexOf(`\n## ${heading}\n`);
  assert.ok(start >= 0, `no heading "${heading}"`);
  const end = PAGE.indexOf("\n## ", start + 1);
  return PAGE.slice(start, end < 0 ? undefined : end);
}

Deno.test("the page lists the routes that there are", () => {
  const listed = [...section("Routes").matchAll(/^\| `([A-Z]+ [^`]+)`/gm)]
    .map((match) => match[1]!.replace(/\?.*$/, "").replace("KEY", "{key}"));
  assert.deepEqual(
    [...new Set(listed)].sort(),
    Object.keys(OPERATIONS).sort(),
  );
});

Deno.test("the page explains each error that a program can meet", () => {
  const errors = section("Errors");
  const missing = Object.values(OPERATIONS)
    .flatMap(({ refusals = {} }) => Object.entries(refusals))
    // Those of a request that is wrong say what is wrong with it.
    .filter(([status]) => status !== "400")
    .flatMap(([status, texts]) =>
      texts.filter((text: string) =>
        !new RegExp(`^\\| ${status} .*\`${text}\``, "m").test(errors)
      ).map((text: string) => `${status} ${text}`)
    );
  assert.deepEqual([...new Set(missing)], []);
});

Deno.test("the page's list of contents is that of its headings", () => {
  const listed = [...PAGE.matchAll(/^- \[([^\]]+)\]\(#([^)]+)\)$/gm)];
  const headings = [...PAGE.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
  assert.deepEqual(listed.map((match) => match[1]), headings);
  for (const [, heading, anchor] of listed) {
    assert.equal(anchor, heading!.toLowerCase().replaceAll(" ", "-"));
  }
});
