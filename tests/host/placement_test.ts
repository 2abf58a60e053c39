import assert from "node:assert/strict";
import { HostError } from "../../src/host/host_error.ts";
import { type PlannedFile, stageFiles } from "../../src/host/placement.ts";
import { systemRandom } from "../../src/platform/random.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

async function inFolder(body: (folder: string) => void) {
  const folder = await Deno.makeTempDir();
  try {
    body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Names in a folder, and what the files hold. */
function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    [...Deno.readDirSync(folder)]
      .map(({ name }) => name)
      .sort()
      .map((name) => [name, Deno.readTextFileSync(`${folder}/${name}`)]),
  );
}

Deno.test("files wait beside their places until all are there", () =>
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/a`, "old");
    Deno.writeTextFileSync(`${folder}/same`, "same");
    const plan: PlannedFile[] = [
      { target: `${folder}/a`, source: bytes("new"), mode: 0o755 },
      { target: `${folder}/b`, source: bytes("b"), mode: 0o644 },
      { target: `${folder}/same`, source: bytes("same"), mode: 0o644 },
    ];
    using placement = stageFiles(plan, systemRandom);
    assert.equal(contents(folder)["a"], "old");
    assert.deepEqual(placement.changed, [`${folder}/a`, `${folder}/b`]);
    placement.commit();
    assert.deepEqual(contents(folder), { a: "new", b: "b", same: "same" });
    assert.equal(Deno.statSync(`${folder}/a`).mode! & 0o777, 0o755);
    assert.equal(placement.sums.size, 3);
    placement.undo();
    assert.deepEqual(contents(folder), { a: "old", same: "same" });
  }));

Deno.test("a file that is kept lies there under both names, and comes back", () =>
  inFolder((folder) => {
    const target = `${folder}/plexd`;
    const keep = `${folder}/plexd.previous`;
    Deno.writeTextFileSync(target, "1");
    Deno.writeTextFileSync(keep, "0");
    const source = bytes("2");
    using placement = stageFiles(
      [{ target, source, mode: 0o755, keep }],
      systemRandom,
    );
    placement.commit();
    assert.deepEqual(contents(folder), { plexd: "2", "plexd.previous": "1" });
    placement.undo();
    assert.deepEqual(contents(folder), { plexd: "1", "plexd.previous": "1" });
  }));

Deno.test("when one cannot be written, nothing of the others is left", () =>
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "a file");
    const plan: PlannedFile[] = [
      { target: `${folder}/a`, source: bytes("a"), mode: 0o644 },
      { target: `${folder}/file/b`, source: bytes("b"), mode: 0o644 },
    ];
    assert.throws(() => stageFiles(plan, systemRandom), (error) => {
      assert.ok(error instanceof HostError);
      assert.match(
        error.message,
        /b cannot be written; the installation is as/,
      );
      return true;
    });
    assert.deepEqual(contents(folder), { file: "a file" });
  }));
