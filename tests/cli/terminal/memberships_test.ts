import assert from "node:assert/strict";
import { knownMemberships } from "../../../src/cli/terminal/memberships.ts";

Deno.test("memberships are those with a folder, and those with a running agent", async () => {
  const folder = await Deno.makeTempDir();
  const [data, run] = [`${folder}/data`, `${folder}/run`];
  try {
    assert.deepEqual(knownMemberships(data, run), {
      names: [],
      isPartial: false,
    });
    await Deno.mkdir(`${data}/clusters/default`, { recursive: true });
    await Deno.writeTextFile(`${data}/clusters/note`, "");
    for (const name of ["plexd", "plexd-staging", "plexd-ended", "other"]) {
      await Deno.mkdir(`${run}/${name}`, { recursive: true });
    }
    using _one = Deno.listen({
      transport: "unix",
      path: `${run}/plexd/api.sock`,
    });
    using _two = Deno.listen({
      transport: "unix",
      path: `${run}/plexd-staging/api.sock`,
    });
    assert.deepEqual(knownMemberships(data, run), {
      names: ["default", "staging"],
      isPartial: false,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
