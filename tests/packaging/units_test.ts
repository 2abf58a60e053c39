import assert from "node:assert/strict";
import { hasSystemd, runTool } from "./systemd_tools.ts";
import { packaged, settingsIn, withOffers } from "./unit_file.ts";

const UNITS = ["plexd.service", "plexd@.service"] as const;
const DROP_INS = ["actions.conf", "metrics.conf"] as const;

/** Highest exposure that the unit may have, in tenths. */
const MOST_EXPOSED = 20;

const there = await hasSystemd();

/** A folder with a unit whose program exists, and a drop-in if one is given. */
async function unitFolder(unit: string, dropIn?: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "plexd-unit-" });
  const text = packaged(`systemd/${unit}`)
    .replace("ExecStart=/usr/local/bin/plexd", "ExecStart=/bin/true");
  await Deno.writeTextFile(`${folder}/${unit}`, text);
  if (dropIn !== undefined) {
    await Deno.mkdir(`${folder}/${unit}.d`);
    await Deno.writeTextFile(`${folder}/${unit}.d/more.conf`, dropIn);
  }
  return folder;
}

/** What systemd finds wrong with a unit. It ends with 0 for an unknown name. */
async function complaints(unit: string, dropIn?: string): Promise<string> {
  const folder = await unitFolder(unit, dropIn);
  try {
    const file = `${folder}/${unit}`;
    const { stdout, stderr, code } = await runTool(
      "systemd-analyze",
      "verify",
      "--man=no",
      file,
    );
    return stdout + stderr + (code === 0 ? "" : `ended with ${code}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const unit of UNITS) {
  Deno.test({
    name: `systemd finds nothing wrong with ${unit}`,
    ignore: !there,
    fn: async () => assert.equal(await complaints(unit), ""),
  });

  Deno.test({
    name: `${unit} is exposed no more than it may be`,
    ignore: !there,
    async fn() {
      const folder = await unitFolder(unit);
      const { code, stdout, stderr } = await runTool(
        "systemd-analyze",
        "security",
        "--offline=yes",
        `--threshold=${MOST_EXPOSED}`,
        `${folder}/${unit}`,
      );
      await Deno.remove(folder, { recursive: true });
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /Overall exposure level for plexd.*: \d/);
    },
  });

  for (const dropIn of DROP_INS) {
    const text = packaged(`systemd/${dropIn}`);
    Deno.test({
      name: `systemd finds nothing wrong with ${dropIn} for ${unit}`,
      ignore: !there,
      async fn() {
        assert.equal(await complaints(unit, text), "");
        assert.equal(await complaints(unit, withOffers(text)), "");
      },
    });
  }
}

Deno.test({
  name: "systemd would find a mistake in a unit",
  ignore: !there,
  async fn() {
    const text = "[Service]\nProtectSytem=strict\n";
    assert.match(await complaints("plexd.service", text), /ProtectSytem/);
  },
});

Deno.test("plexd@.service is plexd.service for one membership", () => {
  const of = (unit: string) => settingsIn(packaged(`systemd/${unit}`));
  const [plain, named] = [of("plexd.service"), of("plexd@.service")];
  assert.deepEqual(named.filter((line) => !plain.includes(line)), [
    "[Unit] Description=plexd node agent of membership %i",
    "[Service] ExecStart=/usr/local/bin/plexd up --cluster %i --config /etc/plexd/%i.yaml",
    "[Service] EnvironmentFile=-/etc/plexd/%i.environment",
    "[Service] RuntimeDirectory=plexd-%i",
    "[Service] LoadCredential=plexd.token:plexd.%i.token",
  ]);
  assert.equal(named.length, plain.length);
});

Deno.test("a credential that is not there refuses no start", () => {
  // A path would: the token is gone once the node has joined.
  for (const unit of UNITS) {
    const loads = settingsIn(packaged(`systemd/${unit}`))
      .filter((line) => line.includes("LoadCredential"));
    assert.equal(loads.length, 2);
    for (const load of loads) assert.ok(!load.includes("/"), load);
  }
});

Deno.test("the unit says why it does not forbid writable code", () => {
  const text = packaged("systemd/plexd.service");
  assert.match(text, /# MemoryDenyWriteExecute= .*cannot be/);
  assert.ok(!settingsIn(text).some((line) => line.includes("MemoryDeny")));
});

Deno.test({
  name: "user, groups and folders are made as the unit expects them",
  ignore: !there || Deno.uid() !== 0,
  async fn() {
    const root = await Deno.makeTempDir({ prefix: "plexd-root-" });
    try {
      const write = async (path: string, text: string) => {
        const at = `${root}/${path}`;
        await Deno.mkdir(at.slice(0, at.lastIndexOf("/")), { recursive: true });
        await Deno.writeTextFile(at, text, { mode: 0o644 });
      };
      await write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
      await write("etc/group", "root:x:0:\n");
      await write("etc/plexd/machine.key", "a key");
      await write(
        "usr/lib/sysusers.d/plexd.conf",
        packaged("sysusers.d/plexd.conf"),
      );
      await write(
        "usr/lib/tmpfiles.d/plexd.conf",
        packaged("tmpfiles.d/plexd.conf"),
      );
      for (
        const [tool, ...args] of [
          ["systemd-sysusers", `--root=${root}`, "plexd.conf"],
          ["systemd-tmpfiles", `--root=${root}`, "--create", "plexd.conf"],
        ] as const
      ) {
        const { code, stderr } = await runTool(tool, ...args);
        assert.equal(code, 0, `${tool}: ${stderr}`);
      }
      const users = await Deno.readTextFile(`${root}/etc/passwd`);
      const [, uid, gid] =
        /^plexd:[^:]*:(\d+):(\d+):[^:]*:\/var\/lib\/plexd:\/usr\/sbin\/nologin$/m
          .exec(users) ?? assert.fail(users);
      const groups = await Deno.readTextFile(`${root}/etc/group`);
      assert.match(groups, new RegExp(`^plexd:[^:]*:${gid}:`, "m"));
      assert.match(groups, /^plexd-secrets:[^:]*:\d+:plexd$/m);
      const of = (path: string) => {
        const { mode, uid, gid } = Deno.statSync(`${root}/${path}`);
        return `${((mode ?? 0) & 0o7777).toString(8)} ${uid}:${gid}`;
      };
      assert.equal(of("etc/plexd"), "755 0:0");
      assert.equal(of("etc/plexd/machine.key"), `600 ${uid}:${gid}`);
      assert.equal(of("var/lib/plexd"), `700 ${uid}:${gid}`);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
