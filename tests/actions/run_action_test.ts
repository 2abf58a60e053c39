import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  GRACE_MS,
  runAction,
  whyNotStarted,
} from "../../src/actions/run_action.ts";
import {
  type ActionFolder,
  inActionFolder,
  isAlive,
  until,
} from "./real_action.ts";

const never = new AbortController().signal;

function sha256Of(path: string): string {
  return createHash("sha256").update(Deno.readFileSync(path)).digest("hex");
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

Deno.test("an action gets its parameters on standard input, and its output is kept", () =>
  inActionFolder(async ({ script, run }) => {
    const path = script("#!/bin/sh\ncat\necho oops >&2\n");
    const parameters = `{"n":12345678901234567890, "s":"\\u00e9"}`;
    assert.deepEqual(await runAction(run(path, { parameters }), never), {
      status: "success",
      exitCode: 0,
      stdout: `${parameters}\n`,
      stderr: "oops\n",
    });
  }));

Deno.test("an action that exits with another code than 0 has failed", () =>
  inActionFolder(async ({ script, run }) => {
    const outcome = await runAction(run(script("#!/bin/sh\nexit 7\n")), never);
    assert.equal(outcome.status, "failed");
    assert.equal(outcome.exitCode, 7);
  }));

Deno.test("an action that a signal ends has failed, and says which", () =>
  inActionFolder(async ({ script, run }) => {
    const path = script("#!/bin/sh\nkill -USR1 $$\n");
    const outcome = await runAction(run(path), never);
    assert.equal(outcome.status, "failed");
    assert.equal(outcome.exitCode, -1);
    assert.match(outcome.stderr, /SIGUSR1/);
  }));

Deno.test("an action sees four variables, an empty folder, and none of the agent's secrets", () =>
  inActionFolder(async ({ script, run }) => {
    Deno.env.set("PLEXD_TEST_CANARY", "canary-token");
    try {
      // As it was given: a shell adds variables of its own.
      const path = script(
        "#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/environ | sort\n" +
          "pwd -P\nls -A | wc -l\ncut -d' ' -f5 /proc/$$/stat\necho $$\n",
      );
      const options = run(path);
      const { stdout, stderr } = await runAction(options, never);
      assert.equal(stderr, "");
      const lines = stdout.trim().split("\n");
      const [group, pid] = lines.splice(-2);
      assert.equal(group, pid);
      assert.deepEqual(lines, [
        "LANG=C",
        "PATH=/usr/bin:/bin",
        "PLEXD_ACTION=act",
        "PLEXD_EXECUTION_ID=x-1",
        `${options.folder}/work`,
        "0",
      ]);
    } finally {
      Deno.env.delete("PLEXD_TEST_CANARY");
    }
  }));

Deno.test("nothing of a run is left on disk, and the copy is only the owner's", () =>
  inActionFolder(async ({ dir, script, run }) => {
    const path = script(
      `#!/bin/sh\nstat -c '%a %n' "$0" "$(dirname "$0")"\necho x > left\nchmod 0 left\n`,
    );
    const options = run(path);
    const { stdout } = await runAction(options, never);
    assert.deepEqual(stdout.trim().split("\n"), [
      `500 ${options.folder}/command`,
      `700 ${options.folder}`,
    ]);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), [
      "script-0",
    ]);
  }));

Deno.test("what an executable runs as beside its owner's rights is not copied", () =>
  inActionFolder(async ({ script, run }) => {
    const path = script(`#!/bin/sh\nstat -c %a "$0"\n`, 0o6755);
    assert.equal(Deno.statSync(path).mode! & 0o7777, 0o6755);
    assert.equal((await runAction(run(path), never)).stdout, "500\n");
  }));

Deno.test("the checksum that is asked for decides whether anything starts", () =>
  inActionFolder(async ({ dir, script, run }) => {
    const path = script(`#!/bin/sh\necho ran >> ${dir}/ran\n`);
    const sum = sha256Of(path);
    for (const checksum of [sum, `sha256:${sum}`, sum.toUpperCase()]) {
      const outcome = await runAction(run(path, { checksum }), never);
      assert.equal(outcome.status, "success", checksum);
    }
    for (const checksum of ["0".repeat(64), "", "sha256:", `md5:${sum}`]) {
      const outcome = await runAction(run(path, { checksum }), never);
      assert.equal(outcome.status, "error", checksum);
      assert.match(outcome.stderr, /not started: the SHA-256/);
    }
    assert.equal(read(`${dir}/ran`), "ran\n".repeat(3));
  }));

Deno.test("what runs is what was copied, although the original changes meanwhile", () =>
  inActionFolder(async ({ dir, script, run }) => {
    const path = script(
      `#!/bin/sh\nmkfifo ${dir}/gate; read x < ${dir}/gate\necho original\n`,
    );
    const running = runAction(run(path), never);
    await until(() =>
      [...Deno.readDirSync(dir)].some((it) => it.name === "gate")
    );
    Deno.writeTextFileSync(path, "#!/bin/sh\necho replaced\n");
    await Deno.writeTextFile(`${dir}/gate`, "go\n");
    assert.equal((await running).stdout, "original\n");
  }));

/** An action that ignores SIGTERM, as does the process that it starts. */
const STUBBORN = (dir: string) =>
  `#!/bin/sh
trap '' TERM
(trap '' TERM; echo $$ > ${dir}/ignored; while :; do sleep 1000; done) &
echo started
echo "$$ $!" > ${dir}/pids.new
mv ${dir}/pids.new ${dir}/pids
while :; do sleep 1000; done
`;

async function pidsIn(dir: string): Promise<number[]> {
  await until(() => read(`${dir}/pids`) !== "");
  return read(`${dir}/pids`).trim().split(" ").map(Number);
}

Deno.test("at its time limit an action ends with all that it started, whatever it ignores", () =>
  inActionFolder(async ({ dir, clock, script, run }) => {
    const path = script(STUBBORN(dir));
    const running = runAction(run(path, { timeoutMs: 10_000 }), never);
    const pids = await pidsIn(dir);
    await clock.advance(9_999);
    assert.deepEqual(pids.map(isAlive), [true, true]);
    await clock.advance(1 + GRACE_MS - 1);
    assert.deepEqual(pids.map(isAlive), [true, true]);
    await clock.advance(1);
    const outcome = await running;
    assert.equal(outcome.status, "timeout");
    assert.equal(outcome.exitCode, -1);
    assert.equal(outcome.stdout, "started\n");
    assert.match(outcome.stderr, /time limit of 10s/);
    await until(() => !pids.some(isAlive));
    assert.deepEqual(clock.sleeping, []);
  }));

Deno.test("an action that obeys SIGTERM needs no more", () =>
  inActionFolder(async ({ dir, clock, script, run }) => {
    const path = script(
      `#!/bin/sh\ntrap 'echo bye; exit 0' TERM\necho "$$" > ${dir}/pids\nwhile :; do sleep 0.01; done\n`,
    );
    const running = runAction(run(path, { timeoutMs: 1_000 }), never);
    await pidsIn(dir);
    await clock.advance(1_000);
    const outcome = await running;
    assert.equal(outcome.status, "timeout");
    assert.equal(outcome.stdout, "bye\n");
  }));

Deno.test("when the agent stops, an action is cancelled", () =>
  inActionFolder(async ({ dir, clock, script, run }) => {
    const stop = new AbortController();
    const running = runAction(run(script(STUBBORN(dir))), stop.signal);
    const pids = await pidsIn(dir);
    stop.abort();
    await clock.advance(GRACE_MS);
    assert.equal((await running).status, "cancelled");
    await until(() => !pids.some(isAlive));
  }));

Deno.test("what an action leaves running in its group ends with it", () =>
  inActionFolder(async ({ dir, script, run }) => {
    const path = script(
      `#!/bin/sh\nsleep 1000 &\necho "$!" > ${dir}/pids\nexit 0\n`,
    );
    const outcome = await runAction(run(path), never);
    assert.equal(outcome.status, "success");
    const [pid] = await pidsIn(dir);
    await until(() => !isAlive(pid!));
  }));

Deno.test("a process that has left the group keeps nobody waiting", () =>
  inActionFolder(async ({ dir, clock, script, run }) => {
    const path = script(
      `#!/bin/sh\nsetsid sh -c 'echo $$ > ${dir}/pids; exec sleep 1000' &\n` +
        `while [ ! -s ${dir}/pids ]; do sleep 0.01; done\necho done\n`,
    );
    const running = runAction(run(path), never);
    const [pid] = await pidsIn(dir);
    try {
      // It ended, and somebody holds on to its output.
      await until(() => clock.sleeping.includes(1_000));
      await clock.advance(1_000);
      const outcome = await running;
      assert.equal(outcome.status, "success");
      assert.equal(outcome.stdout, "done\n");
    } finally {
      Deno.kill(pid!, "SIGKILL");
    }
  }));

Deno.test("a flood of output is cut, counted, and holds nobody up", () =>
  inActionFolder(async ({ script, run }) => {
    const path = script(
      "#!/bin/sh\nhead -c 30000000 /dev/zero | tr '\\0' x\nhead -c 2000 /dev/zero | tr '\\0' y >&2\n",
    );
    const outcome = await runAction(run(path, { maxOutputBytes: 1024 }), never);
    assert.equal(outcome.status, "success");
    assert.equal(
      outcome.stdout,
      `${"x".repeat(1024)}\n[plexd: 29998976 more bytes were left out]\n`,
    );
    assert.match(outcome.stderr, /^y{1024}\n\[plexd: 976 more/);
  }));

Deno.test("an action need not read its parameters", () =>
  inActionFolder(async ({ script, run }) => {
    const parameters = JSON.stringify("x".repeat(4_000_000));
    const path = script("#!/bin/sh\nexec 0<&-\necho fine\n");
    const outcome = await runAction(run(path, { parameters }), never);
    assert.equal(outcome.stdout, "fine\n");
  }));

const refused: {
  readonly name: string;
  readonly make: (folder: ActionFolder) => string;
  readonly why: RegExp;
}[] = [
  {
    name: "that is missing",
    make: ({ dir }) => `${dir}/none`,
    why: /\/none does not exist/,
  },
  {
    name: "that the group may write",
    make: ({ script }) => script("#!/bin/sh\n", 0o720),
    why: /can be written by others/,
  },
  {
    name: "that everyone may write",
    make: ({ script }) => script("#!/bin/sh\n", 0o702),
    why: /can be written by others/,
  },
  {
    name: "in a folder that others may write",
    make({ dir }) {
      Deno.mkdirSync(`${dir}/open`);
      Deno.writeTextFileSync(`${dir}/open/x`, "#!/bin/sh\n");
      Deno.chmodSync(`${dir}/open/x`, 0o700);
      Deno.chmodSync(`${dir}/open`, 0o777);
      return `${dir}/open/x`;
    },
    why: /open can be written by others/,
  },
  {
    name: "behind a link to one that others may write",
    make({ dir, script }) {
      Deno.symlinkSync(script("#!/bin/sh\n", 0o777), `${dir}/link`);
      return `${dir}/link`;
    },
    why: /script-0 can be written by others/,
  },
  {
    name: "behind a link that leads in a circle",
    make({ dir }) {
      Deno.symlinkSync(`${dir}/circle`, `${dir}/circle`);
      return `${dir}/circle`;
    },
    why: /too many links/,
  },
  {
    name: "that is a folder",
    make: ({ dir }) => dir,
    why: /is a folder/,
  },
  {
    name: "that is a device",
    make: () => "/dev/null",
    why: /no plain file|written by others/,
  },
  {
    name: "that nobody may execute",
    make: ({ script }) => script("#!/bin/sh\n", 0o600),
    why: /not executable/,
  },
  {
    name: "that only a shell could make sense of",
    make: ({ script }) => script("echo hello\n"),
    why: /neither a program nor a script/,
  },
  {
    name: "that is empty",
    make: ({ script }) => script(""),
    why: /neither a program nor a script/,
  },
  {
    name: "whose interpreter is missing",
    make: ({ script }) => script("#!/no/such/interpreter\n"),
    why:
      /script-0 names "\/no\/such\/interpreter" as .*: \/no does not exist\n/,
  },
  {
    name: "whose first line ends as lines on Windows do",
    make: ({ script }) => script("#!/bin/sh\r\necho ran\n"),
    why: /names "\/bin\/sh\\r" as its interpreter/,
  },
  {
    name: "whose interpreter others may write",
    make: ({ script }) => script(`#!${script("#!/bin/sh\n", 0o777)}\n`),
    why: /script-1 names ".*script-0" .*script-0 can be written by others/,
  },
  {
    name: "whose interpreter only a shell could make sense of",
    make: ({ script }) => script(`#!${script("echo $0\n")}\n`),
    why: /script-1 names ".*script-0" .*script-0 is neither a program/,
  },
  {
    name: "that has itself as its interpreter",
    make({ dir, script }) {
      return script(`#!${dir}/script-0\n`);
    },
    why: /too many interpreters/,
  },
  {
    name: "that names no interpreter after #!",
    make: ({ script }) => script("#!\necho ran\n"),
    why: /neither a program nor a script/,
  },
  {
    name: "whose interpreter has no absolute path",
    make: ({ script }) => script("#!sh\necho ran\n"),
    why: /neither a program nor a script/,
  },
  {
    name: "whose first line is longer than the system reads",
    make: ({ script }) => script(`#!/bin/${"./".repeat(130)}sh\n`),
    why: /neither a program nor a script/,
  },
  {
    name: "that begins as a program does and is none",
    make: ({ script }) => script("\x7fELF\necho ran\n"),
    why: /no whole program for this machine/,
  },
  {
    name: "that is a program for another machine",
    make: (folder) => changedProgram(folder, (bytes) => bytes[18]! ^= 0xff),
    why: /no whole program for this machine/,
  },
  {
    name: "that is an object file",
    make: (folder) => changedProgram(folder, (bytes) => bytes[16] = 1),
    why: /no whole program for this machine/,
  },
  {
    name: "that is the beginning of a program",
    make: (folder) => changedProgram(folder, () => {}, 100),
    why: /no whole program for this machine/,
  },
  {
    name: "whose loader is missing",
    make: (folder) =>
      changedProgram(folder, (bytes) => {
        const at = new TextDecoder("latin1").decode(bytes).indexOf("/lib");
        bytes[at + 1] = 0x78;
      }),
    why: /needs a program loader that this machine does not have/,
  },
];

/** `/bin/cat` with something wrong about it. */
function changedProgram(
  { dir }: ActionFolder,
  change: (bytes: Uint8Array) => unknown,
  length?: number,
): string {
  const bytes = Deno.readFileSync("/bin/cat").subarray(0, length);
  change(bytes);
  Deno.writeFileSync(`${dir}/program`, bytes, { mode: 0o700 });
  return `${dir}/program`;
}

for (const { name, make, why } of refused) {
  Deno.test(`an executable ${name} is not started`, () =>
    inActionFolder(async (folder) => {
      const options = folder.run(make(folder));
      const outcome = await runAction(options, never);
      assert.equal(outcome.status, "error");
      assert.equal(outcome.exitCode, -1);
      assert.match(outcome.stderr, why);
      assert.throws(() => Deno.statSync(options.folder), Deno.errors.NotFound);
    }));
}

Deno.test("a link to an executable that only root and this user may write is followed", () =>
  inActionFolder(async ({ dir, script, run }) => {
    script("#!/bin/sh\necho linked\n");
    Deno.mkdirSync(`${dir}/bin`);
    Deno.symlinkSync("../script-0", `${dir}/bin/link`);
    const outcome = await runAction(run(`${dir}/bin/./link`), never);
    assert.equal(outcome.stdout, "linked\n");
  }));

Deno.test("a system that starts nothing in the folder of the copies is told so", () => {
  const options = { path: "/opt/act", folder: "/data/tmp/action-0" };
  for (const code of ["EACCES", "EPERM"]) {
    const error = new Error(`spawn /data/tmp/action-0/command ${code}`);
    assert.match(
      whyNotStarted(error, options),
      /no program in \/data\/tmp: .*noexec/,
    );
  }
  const other = new Error("spawn /data/tmp/action-0/command EAGAIN");
  assert.equal(whyNotStarted(other, options), other.message);
});

Deno.test("a script whose interpreter is a script runs as the system runs it", () =>
  inActionFolder(async ({ script, run }) => {
    const outer = script("#! /bin/sh -e\necho interpreted by $0; cat $1\n");
    const path = script(`#!${outer}\nwhat it says\n`);
    const { status, stdout } = await runAction(run(path), never);
    assert.equal(status, "success");
    assert.ok(stdout.startsWith(`interpreted by ${outer}\n`), stdout);
    assert.ok(stdout.endsWith("what it says\n"), stdout);
  }));

Deno.test("a program runs as a script does", () =>
  inActionFolder(async ({ run }) => {
    const outcome = await runAction(run("/bin/cat"), never);
    assert.equal(outcome.stdout, `{"a":1}\n`);
  }));

Deno.test("many actions start at once, though each is copied while others start", () =>
  inActionFolder(async ({ script, run }) => {
    const path = script("#!/bin/sh\necho ran\n");
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, () => runAction(run(path), never)),
    );
    for (const { status, stderr } of outcomes) {
      assert.equal(status, "success", stderr);
    }
  }));
