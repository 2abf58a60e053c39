import assert from "node:assert/strict";
import { downloadTo } from "../../src/agent/download.ts";
import { DigestMismatchError } from "../../src/uplink/artifact.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { failureFrom, RawServer, TestServer, until } from "../uplink/serve.ts";

const artifact = { version: "1.2.0", os: "linux", arch: "amd64" };
const never = new AbortController().signal;

async function inFolder(work: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function optionsFor(url: string, file: string) {
  const client = new ControlClient({
    baseUrl: url,
    version: "1",
    clock: new FakeClock(),
    log: new MemoryLog(),
  });
  const random = new FakeRandom();
  return { client, artifact, file, overwrite: false, random };
}

function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("downloadTo() makes an executable file of what came", () =>
  inFolder(async (folder) => {
    await using server = new TestServer(() => new Response("program"));
    const file = `${folder}/plexd`;
    const done = await downloadTo(optionsFor(server.url, file), never);
    assert.equal(done.bytes, 7);
    assert.equal(Deno.readTextFileSync(file), "program");
    assert.equal(Deno.statSync(file).mode! & 0o777, 0o755);
    assert.deepEqual(filesIn(folder), ["plexd"]);
  }));

Deno.test("downloadTo() leaves a file that is there alone, unless it is to replace it", () =>
  inFolder(async (folder) => {
    await using server = new TestServer(() => new Response("new"));
    const file = `${folder}/plexd`;
    Deno.writeTextFileSync(file, "old");
    const options = optionsFor(server.url, file);
    await assert.rejects(
      downloadTo(options, never),
      Deno.errors.AlreadyExists,
    );
    assert.equal(server.seen.length, 0);
    assert.equal(Deno.readTextFileSync(file), "old");
    await downloadTo({ ...options, overwrite: true }, never);
    assert.equal(Deno.readTextFileSync(file), "new");
    assert.deepEqual(filesIn(folder), ["plexd"]);
  }));

Deno.test("downloadTo() leaves a file alone that comes while it downloads", () =>
  inFolder(async (folder) => {
    const file = `${folder}/plexd`;
    await using server = new TestServer(() => {
      Deno.writeTextFileSync(file, "mine");
      return new Response("new");
    });
    await assert.rejects(
      downloadTo(optionsFor(server.url, file), never),
      Deno.errors.AlreadyExists,
    );
    assert.equal(Deno.readTextFileSync(file), "mine");
    assert.deepEqual(filesIn(folder), ["plexd"]);
  }));

Deno.test("downloadTo() leaves nothing of bytes that were not wanted", () =>
  inFolder(async (folder) => {
    await using server = new TestServer(() => new Response("program"));
    const file = `${folder}/plexd`;
    const options = { ...optionsFor(server.url, file), sha256: "0".repeat(64) };
    await assert.rejects(downloadTo(options, never), DigestMismatchError);
    assert.deepEqual(filesIn(folder), []);
  }));

Deno.test("downloadTo() leaves nothing when it is cancelled", () =>
  inFolder(async (folder) => {
    const half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome";
    await using server = new RawServer(half, true);
    const stop = new AbortController();
    const options = optionsFor(server.url, `${folder}/plexd`);
    const work = failureFrom(downloadTo(options, stop.signal));
    await until("some has come", () => {
      const [part] = filesIn(folder);
      return part !== undefined && Deno.statSync(`${folder}/${part}`).size > 0;
    });
    const reason = new Error("enough");
    stop.abort(reason);
    assert.equal(await work, reason);
    assert.deepEqual(filesIn(folder), []);
  }));

Deno.test("downloadTo() fails in a folder that is not there", () =>
  inFolder(async (folder) => {
    await assert.rejects(
      downloadTo(optionsFor("http://127.0.0.1:9", `${folder}/no/plexd`), never),
      Deno.errors.NotFound,
    );
  }));
