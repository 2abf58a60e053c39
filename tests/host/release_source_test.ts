import assert from "node:assert/strict";
import { HostError } from "../../src/host/host_error.ts";
import { ReleaseSource } from "../../src/host/release_source.ts";
import type { VerifiedArtifact } from "../../src/wire/release.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { verifyArtifact } from "../../src/trust/verify_artifact.ts";
import { makeReleaseKey } from "../install/make_release.ts";
import { serveFolder } from "../install/serve_folder.ts";

const never = new AbortController().signal;

/** A clock whose waits are over at once, but for the one that watches silence. */
const hurried = {
  ...systemClock,
  sleep: (ms: number, signal: AbortSignal) =>
    systemClock.sleep(ms < 30_000 ? 0 : ms, signal),
};

function sourceAt(baseUrl: string, allowPlaintext = false) {
  return new ReleaseSource({
    baseUrl,
    allowPlaintext,
    io: { clock: hurried },
    tell() {},
  });
}

const key = makeReleaseKey();

/** That a promise was refused with a text that says why. */
async function assertFails(what: Promise<unknown>, why: RegExp) {
  await assert.rejects(what, (error) => {
    assert.ok(error instanceof HostError, String(error));
    assert.match(error.message, why);
    return true;
  });
}

/** A folder with one release whose archive holds `text`, verified. */
async function withRelease(
  text: string,
  body: (folder: string, artifact: VerifiedArtifact) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  try {
    const name = "plexd-1.0.0-linux-amd64.tar.gz";
    const bytes = new TextEncoder().encode(text);
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const sums = `${sum.toHex()}  ${name}\n`;
    await Deno.mkdir(`${folder}/1.0.0`);
    await Deno.writeFile(`${folder}/1.0.0/${name}`, bytes);
    const pem = key.pem.replace(/-----[^-\n]*-----/g, "").trim();
    const signature = key.signs(sums).toBase64();
    const release = { version: "1.0.0", name, sums, signature };
    await body(folder, verifyArtifact(release, [pem]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an archive is kept only when it is what was signed", () =>
  withRelease("the archive", async (folder, artifact) => {
    const file = `${folder}/downloaded`;
    await using good = serveFolder(folder);
    await sourceAt(good.url).archive(artifact, file, never);
    assert.equal(await Deno.readTextFile(file), "the archive");
    await using bad = serveFolder(folder, {
      instead: () => new Response("the archivf"),
    });
    await assertFails(
      sourceAt(bad.url).archive(artifact, file, never),
      /its checksum is wrong/,
    );
  }));

Deno.test("a server that is busy is asked three times", () =>
  withRelease("x", async (folder, artifact) => {
    await using server = serveFolder(folder, {
      instead: () => new Response("busy", { status: 503 }),
    });
    await assertFails(
      sourceAt(server.url).archive(artifact, `${folder}/x`, never),
      /HTTP 503/,
    );
    assert.equal(server.asked.length, 3);
  }));

Deno.test("redirects are followed, but not to plain http elsewhere", () =>
  withRelease("x", async (folder) => {
    await Deno.writeTextFile(`${folder}/there`, "1.2.3\n");
    await using server = serveFolder(folder, {
      instead: (path) =>
        path === "latest"
          ? new Response(null, { status: 302, headers: { location: "/there" } })
          : undefined,
    });
    assert.equal(await sourceAt(server.url).latest(never), "1.2.3");
    await using away = serveFolder(folder, {
      instead: () =>
        new Response(null, {
          status: 302,
          headers: { location: "http://releases.example/latest" },
        }),
    });
    await assertFails(sourceAt(away.url).latest(never), /is plain http/);
    await using circle = serveFolder(folder, {
      instead: () =>
        new Response(null, { status: 302, headers: { location: "/latest" } }),
    });
    await assertFails(sourceAt(circle.url).latest(never), /from one place to/);
  }));

Deno.test("what is no version, or endless, is not taken for the latest", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const text of ["../1.0.0", "", "1.0.0\n1.0.1", "1".repeat(300)]) {
      await using server = serveFolder(folder, {
        instead: () => new Response(text),
      });
      await assertFails(
        sourceAt(server.url).latest(never),
        /does not hold a version|is longer than/,
      );
    }
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("addresses that are refused", () => {
  for (
    const url of [
      "releases",
      "ftp://releases.example",
      "http://releases.example",
      "https://user@releases.example",
      "https://releases.example/?x",
    ]
  ) assert.throws(() => sourceAt(url), HostError, url);
  sourceAt("http://releases.example", true);
  sourceAt("https://releases.example/plexd/");
});
