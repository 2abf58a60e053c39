import assert from "node:assert/strict";
import { runPlexd } from "../cli/run_plexd.ts";
import { ARCH, makeRelease, makeReleaseKey, TREE } from "./make_release.ts";
import { run } from "./run_script.ts";
import { serveFolder, type ServeOptions } from "./serve_folder.ts";

const folder = Deno.makeTempDirSync({ prefix: "plexd-releases-" });
const key = makeReleaseKey();
Deno.writeTextFileSync(`${folder}/key.pem`, key.pem);
await makeRelease({ folder, version: "1.0.0", key });
await makeRelease({ folder, version: "1.1.0", key, signature: "raw" });
globalThis.addEventListener(
  "unload",
  () => Deno.removeSync(folder, { recursive: true }),
);

/** A node below a prefix with 1.0.0 on it, and a server of releases. */
async function onNode(
  body: (node: {
    readonly prefix: string;
    upgrade(...args: string[]): ReturnType<typeof runPlexd>;
    /** What of its files there is, with times of change. */
    look(): string;
    /** What the membership knows of updates. */
    record(): Record<string, Record<string, unknown>>;
  }) => Promise<void>,
  options: ServeOptions = {},
) {
  const prefix = await Deno.makeTempDir({ prefix: "plexd-install-" });
  await using server = serveFolder(folder, options);
  const unpacked = `${prefix}/unpacked`;
  await Deno.mkdir(unpacked);
  const name = `plexd-1.0.0-linux-${ARCH}`;
  const tar = await new Deno.Command("tar", {
    args: ["-xzf", `${folder}/1.0.0/${name}.tar.gz`, "-C", unpacked],
  }).output();
  assert.ok(tar.success);
  const installed = await runPlexd([
    ...["install", "--from", `${unpacked}/${name}`, "--prefix", prefix],
    ...["--base-url", server.url, "--key", `${folder}/key.pem`],
  ]);
  assert.equal(installed.code, 0, installed.stderr);
  await Deno.remove(unpacked, { recursive: true });
  const membership = `${prefix}/var/lib/plexd/clusters/default`;
  await Deno.mkdir(membership, { recursive: true, mode: 0o700 });
  try {
    await body({
      prefix,
      upgrade: (...args) => runPlexd(["upgrade", "--prefix", prefix, ...args]),
      look: () =>
        treeOf(prefix).filter((line) => !/clusters/.test(line)).join(),
      record: () =>
        JSON.parse(
          Deno.readTextFileSync(`${membership}/updates/updates.json`),
        ),
    });
  } finally {
    await Deno.remove(prefix, { recursive: true });
  }
}

function treeOf(path: string): string[] {
  return [...Deno.readDirSync(path)].flatMap(({ name, isDirectory }) => {
    const inside = `${path}/${name}`;
    if (isDirectory) return treeOf(inside);
    return [`${inside} ${Deno.statSync(inside).mtime?.getTime()}`];
  }).sort();
}

Deno.test("plexd upgrade goes to the latest version, and to one that is named", () =>
  onNode(async ({ prefix, upgrade, record }) => {
    const { code, stdout, stderr } = await upgrade();
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "plexd 1.1.0 is installed, after 1.0.0\n");
    assert.equal(record()["current"]!["version"], "1.1.0");
    assert.deepEqual(record()["rollback"], {
      version: "1.0.0",
      path: `${prefix}/bin/plexd.previous`,
      sha256: record()["rollback"]!["sha256"],
    });
    const back = await upgrade("v1.0.0");
    assert.equal(back.stdout, "plexd 1.0.0 is installed, after 1.1.0\n");
    const again = await upgrade("1.0.0");
    assert.equal(again.stdout, "plexd 1.0.0 is installed already\n");
  }));

Deno.test("a rehearsal downloads, verifies and changes nothing", () =>
  onNode(async ({ prefix, upgrade, look }) => {
    const before = look();
    const { code, stdout, stderr } = await upgrade("--dry-run");
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "plexd 1.1.0 would be installed, after 1.0.0\n");
    assert.ok(
      stderr.includes(`would put in place ${prefix}/bin/plexd`),
      stderr,
    );
    assert.equal(look(), before);
  }));

interface Refusal {
  readonly name: string;
  readonly options?: ServeOptions;
  readonly args?: readonly string[];
  readonly says: RegExp;
  /** What the membership notes. @default {"failed"} */
  readonly outcome?: "failed" | "nothing";
}

const ARCHIVE = `1.1.0/plexd-1.1.0-linux-${ARCH}.tar.gz`;

const REFUSALS: readonly Refusal[] = [
  {
    name: "a tampered archive",
    options: {
      async instead(path, file) {
        if (path !== ARCHIVE) return;
        const bytes = await file();
        bytes[bytes.length >> 1]! ^= 1;
        return new Response(bytes);
      },
    },
    says: /its checksum is wrong/,
  },
  {
    name: "an archive that was cut short",
    options: {
      async instead(path, file) {
        if (path !== ARCHIVE) return;
        return new Response((await file()).slice(0, 500));
      },
    },
    says: /its checksum is wrong/,
  },
  {
    name: "a tampered list of checksums",
    options: {
      async instead(path, file) {
        if (path !== "1.1.0/SHA256SUMS") return;
        const text = new TextDecoder().decode(await file());
        return new Response(text.replace(/^0/, "1"));
      },
    },
    says: /none of the known release keys has signed/,
  },
  {
    name: "no signature",
    options: {
      instead: (path) =>
        path === "1.1.0/SHA256SUMS.sig" ? new Response("") : undefined,
    },
    says: /carries no signature/,
  },
  {
    name: "the files of another version",
    options: {
      async instead(path) {
        if (!path.startsWith("1.1.0/SHA256SUMS")) return;
        const former = path.replace("1.1.0", "1.0.0");
        return new Response(await Deno.readFile(`${folder}/${former}`));
      },
    },
    says: /does not hold "plexd-1\.1\.0-linux-/,
  },
  {
    name: "a version that was not published",
    args: ["9.9.9"],
    says: /9\.9\.9\/SHA256SUMS does not exist/,
  },
  {
    name: "a latest version that is older",
    options: {
      instead: (path) =>
        path === "latest" ? new Response("0.9.0\n") : undefined,
    },
    says: /1\.0\.0 is installed, and the server's latest is 0\.9\.0/,
    outcome: "nothing",
  },
  {
    name: "what is no version",
    args: ["../1.1.0"],
    says: /"\.\.\/1\.1\.0" is not a version/,
    outcome: "nothing",
  },
  {
    name: "plain http to another host",
    args: ["--base-url", "http://releases.example"],
    says: /is plain http/,
    outcome: "nothing",
  },
];

for (const { name, options, args = [], says, outcome = "failed" } of REFUSALS) {
  Deno.test(`plexd upgrade refuses ${name}, and changes nothing`, () =>
    onNode(async ({ upgrade, look, record }) => {
      const before = look();
      const { code, stderr } = await upgrade(...args);
      assert.equal(code, 1, stderr);
      assert.match(stderr, says);
      assert.match(stderr, /\n {2}\S/, "it does not say what to do");
      assert.equal(look(), before);
      if (outcome === "nothing") assert.throws(record, Deno.errors.NotFound);
      else assert.equal(record()["last"]!["outcome"], outcome);
    }, options));
}

Deno.test("plexd upgrade refuses another's key and what is not installed", async () => {
  const other = makeReleaseKey();
  const file = `${folder}/other.pem`;
  await Deno.writeTextFile(file, other.pem);
  await onNode(async ({ upgrade }) => {
    const { code, stderr } = await upgrade("--key", file);
    assert.equal(code, 1);
    assert.match(stderr, /none of the known release keys[^]*--key FILE/);
  });
  const { code, stderr } = await runPlexd([
    ...["upgrade", "--prefix", `${folder}/nothing`, "--key", file],
    ...["--base-url", "http://127.0.0.1:9"],
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /plexd is not installed at .*\n {2}plexd install/);
});

Deno.test("plexd install from source refuses, and says what to do", async () => {
  const { code, stderr } = await run([
    ...[Deno.execPath(), "run", "-A", "--no-prompt", `${TREE}main.ts`],
    ...["install", "--prefix", "/nowhere/plexd"],
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /runs from source[^]*deno task compile[^]*--from DIR/);
});
