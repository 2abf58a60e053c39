import assert from "node:assert/strict";
import { ARCH, makeRelease, makeReleaseKey, TREE } from "./make_release.ts";
import { has, pipeScript, run, SCRIPT } from "./run_script.ts";
import { serveFolder, type ServeOptions } from "./serve_folder.ts";

const folder = Deno.makeTempDirSync({ prefix: "plexd-releases-" });
const key = makeReleaseKey();
Deno.writeTextFileSync(`${folder}/key.pem`, key.pem);
await makeRelease({ folder, version: "1.0.0", key, signature: "raw" });
await makeRelease({ folder, version: "1.1.0", key });
globalThis.addEventListener(
  "unload",
  () => Deno.removeSync(folder, { recursive: true }),
);

const ARCHIVE = `1.1.0/plexd-1.1.0-linux-${ARCH}.tar.gz`;

/** A folder to install into, and a server of the releases. */
async function onHost(
  body: (host: {
    readonly prefix: string;
    /** Folder of programs that are found before all others. */
    readonly bin: string;
    readonly asked: readonly string[];
    script(...args: string[]): ReturnType<typeof pipeScript>;
    scriptWith(
      options: NonNullable<Parameters<typeof pipeScript>[1]>,
      ...args: string[]
    ): ReturnType<typeof pipeScript>;
  }) => Promise<void>,
  options: ServeOptions = {},
) {
  const root = await Deno.makeTempDir({ prefix: "plexd-install-" });
  const prefix = `${root}/prefix`;
  const [bin, temp] = [`${root}/bin`, `${root}/tmp`];
  await Deno.mkdir(bin);
  await Deno.mkdir(temp);
  await using server = serveFolder(folder, options);
  const env = { TMPDIR: temp, PATH: `${bin}:${Deno.env.get("PATH")}` };
  const scriptWith = (
    more: NonNullable<Parameters<typeof pipeScript>[1]>,
    ...args: string[]
  ) =>
    pipeScript([
      "--base-url",
      server.url,
      "--key",
      `${folder}/key.pem`,
      "--prefix",
      prefix,
      ...args,
    ], { ...more, env: { ...env, ...more.env } });
  try {
    const script = (...args: string[]) => scriptWith({}, ...args);
    await body({ prefix, bin, asked: server.asked, script, scriptWith });
    assert.deepEqual([...Deno.readDirSync(temp)], [], "something is left over");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** That a run said what is wrong and what to do, and placed nothing. */
function assertRefused(
  { code, stderr }: { readonly code: number; readonly stderr: string },
  prefix: string,
  what: RegExp,
) {
  assert.equal(code, 1, stderr);
  assert.match(stderr, what);
  assert.match(stderr, /\n {2}\S/, "it does not say what to do");
  assert.ok(!isThere(prefix), "something was placed");
}

Deno.test("install.sh is clean for shellcheck", async () => {
  if (!await has("shellcheck", "shellcheck")) return;
  const { code, stdout } = await run(["shellcheck", `${TREE}install.sh`]);
  assert.equal(code, 0, stdout);
});

for (const shell of [["dash"], ["busybox", "sh"], ["bash", "--posix"]]) {
  Deno.test(`install.sh installs, piped into ${shell.join(" ")}`, async () => {
    if (!await has(shell[0]!, shell[0]!)) return;
    await onHost(async ({ prefix, scriptWith }) => {
      const { code, stdout, stderr } = await scriptWith({ shell });
      assert.equal(code, 0, stderr);
      assert.equal(stdout, "plexd 1.1.0 is installed\n");
      const { stdout: version } = await run([
        `${prefix}/bin/plexd`,
        "--version",
      ]);
      assert.equal(version, "plexd version 1.1.0\n");
    });
  });
}

/** What the script calls, as a system of busybox has it. */
const APPLETS = "sh uname id mktemp head cat wc tar gzip grep rm cp sleep"
  .split(" ");

Deno.test("install.sh installs with the tools of busybox, and without curl", async () => {
  if (!await has("busybox", "busybox") || !await has("wget", "wget")) return;
  await onHost(async ({ prefix, bin, scriptWith }) => {
    const pathOf = async (tool: string) =>
      (await run(["sh", "-c", `command -v ${tool}`])).stdout.trim();
    const busybox = await pathOf("busybox");
    for (const name of APPLETS) await Deno.symlink(busybox, `${bin}/${name}`);
    for (const name of ["openssl", "setsid", "wget"]) {
      await Deno.symlink(await pathOf(name), `${bin}/${name}`);
    }
    const { code, stderr } = await scriptWith({ env: { PATH: bin } });
    assert.equal(code, 0, stderr);
    assert.ok(isThere(`${prefix}/bin/plexd`));
    const missing = await scriptWith(
      { env: { PATH: bin } },
      ...["--version", "9.9.9"],
    );
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /SHA256SUMS cannot be downloaded: wget ended/);
  });
});

Deno.test("a version can be named; its signature may be raw", async () => {
  await onHost(async ({ prefix, script }) => {
    const { code, stdout, stderr } = await script("--version", "v1.0.0");
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "plexd 1.0.0 is installed\n");
    assert.ok(isThere(`${prefix}/share/doc/plexd/LICENSE`));
    // Units and users are for the whole machine.
    assert.ok(!isThere(`${prefix}/etc/systemd`));
  });
});

Deno.test("of a script that was cut short nothing runs", async () => {
  for (const share of [0.3, 0.7, 0.97, 0.999]) {
    const text = SCRIPT.slice(0, Math.floor(SCRIPT.length * share));
    const { stdout } = await run(["sh", "-s", "--", "--help"], { stdin: text });
    assert.equal(stdout, "", `cut at ${share}`);
  }
  // Whatever of the last lines is missing.
  const closing = SCRIPT.lastIndexOf("}");
  for (let end = SCRIPT.lastIndexOf("{"); end <= closing; end += 3) {
    const text = SCRIPT.slice(0, end);
    const { stdout } = await run(["sh", "-s", "--", "--help"], { stdin: text });
    assert.equal(stdout, "", `cut at ${end}`);
  }
});

Deno.test("a tampered archive is refused", async () => {
  await onHost(async ({ prefix, script }) => {
    assertRefused(await script(), prefix, /its checksum is wrong/);
  }, {
    async instead(path, file) {
      if (path !== ARCHIVE) return;
      const bytes = await file();
      bytes[bytes.length >> 1]! ^= 1;
      return new Response(bytes);
    },
  });
});

Deno.test("a tampered list of checksums is refused before the archive", async () => {
  await onHost(async ({ prefix, script, asked }) => {
    assertRefused(await script(), prefix, /signature .* is wrong/);
    assert.ok(!asked.includes(ARCHIVE));
  }, {
    async instead(path, file) {
      if (path !== "1.1.0/SHA256SUMS") return;
      const text = new TextDecoder().decode(await file());
      return new Response(text.replace(/^0/, "1"));
    },
  });
});

Deno.test("another key's signature is refused", async () => {
  const other = makeReleaseKey();
  await onHost(async ({ prefix, script, asked }) => {
    assertRefused(await script(), prefix, /signature .* is wrong/);
    assert.ok(!asked.includes(ARCHIVE));
  }, {
    async instead(path) {
      if (path !== "1.1.0/SHA256SUMS.sig") return;
      const sums = await Deno.readTextFile(`${folder}/1.1.0/SHA256SUMS`);
      return new Response(other.signs(sums));
    },
  });
});

Deno.test("one version's files are no other's", async () => {
  await onHost(async ({ prefix, script }) => {
    assertRefused(await script(), prefix, /no checksum for plexd-1\.1\.0-/);
  }, {
    async instead(path) {
      if (!path.startsWith("1.1.0/SHA256SUMS")) return;
      const former = path.replace("1.1.0", "1.0.0");
      return new Response(await Deno.readFile(`${folder}/${former}`));
    },
  });
});

Deno.test("a download that is cut short is refused", async () => {
  await onHost(async ({ prefix, script }) => {
    assertRefused(await script(), prefix, /its checksum is wrong/);
  }, {
    async instead(path, file) {
      if (path !== ARCHIVE) return;
      return new Response((await file()).slice(0, 1000));
    },
  });
});

Deno.test("a server that is busy is asked again", async () => {
  let busy = 1;
  await onHost(async ({ script, asked }) => {
    const { code, stderr } = await script("--version", "1.1.0");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /HTTP 503; trying again/);
    const sums = asked.filter((path) => path === "1.1.0/SHA256SUMS");
    assert.equal(sums.length, 2);
  }, {
    instead(path) {
      if (path !== "1.1.0/SHA256SUMS" || busy-- <= 0) return;
      return new Response("busy", { status: 503 });
    },
  });
});

Deno.test("a version that was not published is refused", async () => {
  await onHost(async ({ prefix, script }) => {
    assertRefused(
      await script("--version", "9.9.9"),
      prefix,
      /9\.9\.9\/SHA256SUMS cannot be downloaded: there is no such file/,
    );
  });
});

Deno.test("an unknown architecture is refused before anything is asked for", async () => {
  await onHost(async ({ prefix, bin, asked, script }) => {
    await Deno.writeTextFile(
      `${bin}/uname`,
      "#!/bin/sh\ncase $1 in -m) echo riscv64 ;; *) echo Linux ;; esac\n",
      { mode: 0o755 },
    );
    assertRefused(await script(), prefix, /there is no release for riscv64/);
    assert.deepEqual(asked, []);
  });
});

Deno.test("plain http to another host is refused", async () => {
  const at = (url: string) =>
    pipeScript(["--base-url", url, "--prefix", "/nowhere/plexd"]);
  for (
    const url of [
      "http://releases.example",
      "http://127.0.0.1.example",
      "http://127.0.0.1@releases.example",
      "http://localhost.example:80",
    ]
  ) {
    const { code, stderr } = await at(url);
    assert.equal(code, 1);
    assert.match(stderr, /is plain http\n {2}use https/, url);
  }
  const { stderr } = await at("ftp://releases.example");
  assert.match(stderr, /is not an address of releases/);
});

Deno.test("no space for the download is told, and nothing is placed", async () => {
  await onHost(async ({ prefix, scriptWith }) => {
    if (Deno.uid() !== 0) return;
    const small = await Deno.makeTempDir();
    const size = "size=16k";
    const mount = await run([
      "mount",
      "-t",
      "tmpfs",
      "-o",
      size,
      "tmpfs",
      small,
    ]);
    try {
      if (mount.code !== 0) {
        assert.notEqual(Deno.env.get("CI"), "true", mount.stderr);
        return;
      }
      await Deno.writeFile(`${small}/full`, new Uint8Array(12 * 1024));
      const env = { TMPDIR: small };
      assertRefused(await scriptWith({ env }), prefix, /cannot be/);
      await Deno.remove(`${small}/full`);
      assert.deepEqual([...Deno.readDirSync(small)], []);
    } finally {
      await run(["umount", small]);
      await Deno.remove(small);
    }
  });
});

Deno.test("a token on the command line is refused, and not repeated", async () => {
  const { code, stderr } = await pipeScript(["--token", "very-secret"]);
  assert.equal(code, 2);
  assert.match(stderr, /--token-file FILE/);
  assert.ok(!stderr.includes("very-secret"));
});

Deno.test("without a key nothing is downloaded", async () => {
  await using server = serveFolder(folder);
  const { code, stderr } = await pipeScript(
    ["--base-url", server.url, "--prefix", "/nowhere/plexd"],
  );
  assert.equal(code, 1);
  // A published copy knows the key, and then refuses what this test has signed.
  assert.match(stderr, /knows no key|signature .* is wrong/);
  assert.ok(!server.asked.includes(ARCHIVE));
});
