import assert from "node:assert/strict";
import { ListenError } from "../../src/node_api/listen_error.ts";
import type { NodeApiSettings } from "../../src/node_api/node_api.ts";
import { call } from "./raw_http.ts";
import { httpSettings, startApi } from "./running_api.ts";

/** Permission bits of a path. */
function mode(path: string): number {
  return Deno.lstatSync(path).mode! & 0o777;
}

/** Leaves a socket behind as a process does that is killed. */
async function leaveStaleSocket(path: string): Promise<void> {
  const listener = Deno.listen({ transport: "unix", path });
  // Closing takes the file away under its old name only.
  await Deno.rename(path, `${path}.kept`);
  listener.close();
  await Deno.rename(`${path}.kept`, path);
}

async function withFolder(
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "plexd-listen-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A start that must fail; gives the error. */
async function failedStart(
  settings: (folder: string) => NodeApiSettings,
): Promise<ListenError> {
  const error = await startApi(undefined, settings).then(
    async (running) => {
      await running[Symbol.asyncDispose]();
      return undefined;
    },
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ListenError, String(error));
  return error;
}

const groups: readonly [
  when: string,
  group: string,
  groupFile: string | undefined,
  warnings: number,
  mode: number,
][] = [
  [
    "its group exists",
    "plexd",
    `x:x:1:\nplexd:x:${Deno.gid()}:a,b\n`,
    0,
    0o660,
  ],
  ["its group is missing", "plexd", "plexdish:x:7:\n", 1, 0o600],
  ["the number of its group is broken", "plexd", "plexd:x::\n", 1, 0o600],
  ["there is no group file", "plexd", undefined, 1, 0o600],
  ["no group is wanted", "", "plexd:x:0:\n", 0, 0o600],
];

for (const [when, group, text, warnings, expected] of groups) {
  Deno.test(`a socket has mode ${expected.toString(8)} when ${when}, whatever the umask`, async () => {
    const umask = Deno.umask(0);
    try {
      await using running = await startApi(undefined, (folder) => {
        const groupFile = `${folder}/group`;
        if (text !== undefined) Deno.writeTextFileSync(groupFile, text);
        return { group, secretsGroup: "", groupFile };
      });
      assert.equal(mode(running.socket), expected);
      assert.equal(mode(running.secretsSocket), 0o600);
      assert.equal(Deno.lstatSync(running.socket).gid, Deno.gid());
      const warned = running.log.lines.filter((line) => line.level === "warn");
      assert.equal(warned.length, warnings);
    } finally {
      Deno.umask(umask);
    }
  });
}

Deno.test({
  name: "a socket belongs to the group that the group file numbers",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using running = await startApi(undefined, (folder) => {
      const groupFile = `${folder}/group`;
      Deno.writeTextFileSync(groupFile, "plexd:x:4321:\nkeys:x:4322:\n");
      return { group: "plexd", secretsGroup: "keys", groupFile };
    });
    assert.equal(Deno.lstatSync(running.socket).gid, 4321);
    assert.equal(Deno.lstatSync(running.secretsSocket).gid, 4322);
    assert.equal(mode(running.secretsSocket), 0o660);
  },
});

Deno.test("a start makes the folder of its sockets and leaves nothing but sockets in it", async () => {
  await using running = await startApi(undefined, (folder) => ({
    socketPath: `${folder}/run/plexd/api.sock`,
    secretsSocketPath: `${folder}/run/plexd/secrets.sock`,
  }));
  const folder = `${running.folder}/run/plexd`;
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
  assert.deepEqual(names, ["api.sock", "secrets.sock"]);
  assert.equal((await call(`${folder}/api.sock`, "/v1/state")).status, 200);
});

Deno.test("a stale socket is replaced", async () => {
  await withFolder(async (folder) => {
    const socketPath = `${folder}/api.sock`;
    await leaveStaleSocket(socketPath);
    assert.ok(Deno.lstatSync(socketPath).isSocket);
    await using _running = await startApi(undefined, () => ({ socketPath }));
    assert.equal((await call(socketPath, "/v1/state")).status, 200);
  });
});

Deno.test("a socket that somebody answers on is left alone", async () => {
  await using first = await startApi();
  const error = await failedStart(() => ({ socketPath: first.socket }));
  assert.equal(error.kind, "in_use");
  assert.match(error.message, /another process answers there/);
  assert.equal((await call(first.socket, "/v1/state")).status, 200);
});

const obstacles: readonly [
  what: string,
  make: (path: string) => void,
][] = [
  ["a file", (path) => Deno.writeTextFileSync(path, "precious")],
  ["a folder", (path) => Deno.mkdirSync(path)],
  ["a link", (path) => Deno.symlinkSync("/nowhere", path)],
];

for (const [what, make] of obstacles) {
  Deno.test(`${what} in the place of a socket is left alone`, async () => {
    await withFolder(async (folder) => {
      const socketPath = `${folder}/api.sock`;
      make(socketPath);
      const before = Deno.lstatSync(socketPath).ino;
      const error = await failedStart(() => ({ socketPath }));
      assert.equal(error.kind, "not_a_socket");
      assert.equal(Deno.lstatSync(socketPath).ino, before);
    });
  });
}

Deno.test("a socket path of 107 bytes is listened on, one of 108 is refused by name", async () => {
  await withFolder(async (folder) => {
    const path = (bytes: number) => {
      const rest = bytes - folder.length - "//api.sock".length;
      return `${folder}/${"d".repeat(rest)}/api.sock`;
    };
    await using running = await startApi(
      undefined,
      () => ({ socketPath: path(107) }),
    );
    assert.equal((await call(path(107), "/v1/state")).status, 200);
    const error = await failedStart(() => ({ socketPath: path(108) }));
    assert.equal(error.kind, "path_too_long");
    assert.match(error.message, /at most 107 bytes, this one needs 108/);
    assert.ok(running.socket);
  });
});

Deno.test("a socket whose folder cannot be made is a typed failure with its cause", async () => {
  await withFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    const socketPath = `${folder}/file/api.sock`;
    const error = await failedStart(() => ({ socketPath }));
    assert.equal(error.kind, "failed");
    assert.ok(error.cause instanceof Error);
  });
});

const badTokens: readonly [what: string, text: string | undefined][] = [
  ["missing", undefined],
  ["empty", ""],
  ["blank", " \n"],
  ["of two words", "a b\n"],
  ["of two lines", "a\nb\n"],
  ["not ASCII", "tök\n"],
  ["too large", "x".repeat(8_193)],
];

for (const [what, text] of badTokens) {
  Deno.test(`a start whose token file is ${what} fails and takes the sockets away`, async () => {
    await withFolder(async (folder) => {
      const tokenFile = `${folder}/token`;
      if (text !== undefined) Deno.writeTextFileSync(tokenFile, text);
      const error = await failedStart(() => ({
        socketPath: `${folder}/api.sock`,
        secretsSocketPath: `${folder}/secrets.sock`,
        http: { listen: "127.0.0.1:0", tokenFile },
      }));
      assert.equal(error.kind, "token_file");
      const left = [...Deno.readDirSync(folder)].map((entry) => entry.name);
      assert.deepEqual(left, text === undefined ? [] : ["token"]);
    });
  });
}

Deno.test("a token file that every user can read is used with a warning that does not quote it", async () => {
  await using running = await startApi(undefined, (folder) => {
    const settings = httpSettings(folder, "t0ken");
    Deno.chmodSync(settings.http!.tokenFile, 0o644);
    return settings;
  });
  assert.match(running.log.text, /Token file is open to every user/);
  assert.ok(!running.log.text.includes("t0ken"));
});

const badAddresses = [
  "",
  "9100",
  "localhost",
  "localhost:",
  "localhost:99999",
  "a b:1",
  "::1:9100",
  "[::1]",
  "http://localhost:1",
  "256.256.256.256:0",
];

Deno.test("a start with an address that is none, or not of this machine, fails", async () => {
  for (const listen of badAddresses) {
    const error = await failedStart((folder) =>
      httpSettings(folder, "t0ken", { listen })
    );
    assert.equal(error.kind, "address", listen);
  }
});

Deno.test("a start on a TCP port that is taken fails and takes the sockets away", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await withFolder(async (folder) => {
    const error = await failedStart((own) => ({
      ...httpSettings(own, "t0ken", {
        listen: `127.0.0.1:${taken.addr.port}`,
      }),
      socketPath: `${folder}/api.sock`,
      secretsSocketPath: `${folder}/secrets.sock`,
    }));
    assert.equal(error.kind, "in_use");
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("a start logs where it listens, under the component's name", async () => {
  await using running = await startApi(
    undefined,
    (folder) => httpSettings(folder, "t0ken"),
  );
  const line = running.log.lines.find((line) => line.level === "info");
  assert.deepEqual(line?.fields, {
    component: "nodeapi",
    socket: running.socket,
    secrets_socket: running.secretsSocket,
    http_enabled: true,
    http_listen: "127.0.0.1:0",
  });
});
