import assert from "node:assert/strict";
import { Artifacts } from "../../src/control_plane/artifacts.ts";
import { RunningPlane } from "./running_plane.ts";

/** A folder with one release, and a file beside it that is none of it. */
async function withReleases(
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/releases`;
  await Deno.mkdir(`${folder}/1.2.3/plexd-linux-folder`, { recursive: true });
  await Deno.writeFile(
    `${folder}/1.2.3/plexd-linux-amd64`,
    new Uint8Array(300_000).fill(7),
  );
  await Deno.writeTextFile(`${folder}/1.2.3/plexd-linux-amd64.sha256`, "x");
  await Deno.mkdir(`${parent}/secret`);
  await Deno.writeTextFile(`${parent}/secret/plexd-linux-amd64`, "hush");
  try {
    await work(folder);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("an artifact is streamed to any node, with its length", async () => {
  await withReleases(async (artifactsDir) => {
    await using plane = await RunningPlane.start({ artifactsDir });
    const node = await plane.join();
    const answer = await fetch(
      `${plane.url}/v1/artifacts/plexd/1.2.3/linux/amd64`,
      { headers: { authorization: `Bearer ${node.secretKey}` } },
    );
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-length"), "300000");
    assert.equal(
      answer.headers.get("content-type"),
      "application/octet-stream",
    );
    assert.deepEqual(await answer.bytes(), new Uint8Array(300_000).fill(7));
  });
});

Deno.test("an artifact is for nodes only", async () => {
  await withReleases(async (artifactsDir) => {
    await using plane = await RunningPlane.start({ artifactsDir });
    const path = "/v1/artifacts/plexd/1.2.3/linux/amd64";
    for (const bearer of [undefined, "x", plane.adminToken]) {
      const options = bearer === undefined ? {} : { bearer };
      const answer = await plane.call("GET", path, options);
      answer.assertProblem(401, "unauthorized");
    }
  });
});

for (
  const path of [
    "9.9.9/linux/amd64",
    "1.2.3/linux/riscv64",
    "1.2.3/linux/folder",
    "1.2.3/linux/amd64.sha256",
    "..%2fsecret/linux/amd64",
    "%2e%2e/linux/amd64",
    "1.2.3/linux-amd64%2f../amd64",
    "1.2.3/linux/amd64%00",
    "1.2.3%2f..%2f..%2fsecret/linux/amd64",
    `${"1".repeat(65)}/linux/amd64`,
  ]
) {
  Deno.test(`the artifact ${path.slice(0, 40)} is not there`, async () => {
    await withReleases(async (artifactsDir) => {
      await using plane = await RunningPlane.start({ artifactsDir });
      const node = await plane.join();
      const answer = await plane.call("GET", `/v1/artifacts/plexd/${path}`, {
        bearer: node.secretKey,
      });
      assert.equal(answer.status, 404);
      assert.ok(!answer.text.includes("hush"));
    });
  });
}

Deno.test("without a folder there are no artifacts", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const answer = await plane.call(
    "GET",
    "/v1/artifacts/plexd/1.2.3/linux/amd64",
    { bearer: node.secretKey },
  );
  answer.assertProblem(404, "artifact_not_found");
});

Deno.test("namesOf() lists what there is of a version", async () => {
  await withReleases(async (folder) => {
    const artifacts = new Artifacts(folder);
    const names = await artifacts.namesOf("1.2.3");
    assert.deepEqual(names.map(({ arch }) => arch).sort(), ["amd64", "folder"]);
    assert.deepEqual(await artifacts.namesOf("../secret"), []);
    assert.deepEqual(await artifacts.namesOf("9"), []);
    assert.deepEqual(await new Artifacts(undefined).namesOf("1.2.3"), []);
  });
});
