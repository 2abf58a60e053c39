import assert from "node:assert/strict";
import { runPlexd } from "./run_plexd.ts";

/** Sets a title, erases the screen, turns the order, and begins a line. */
const STEERING = "no\x1b]0;mine\x07\x1b[2J\u202e\nplexd: all is well";
const SEEN = "no\ufffd]0;mine\ufffd\ufffd[2J\ufffd\ufffdplexd: all is well";

/** A server whose every answer is a refusal with that text. */
async function withRefusing(
  where: Deno.ServeTcpOptions | Deno.ServeUnixOptions,
  member: "detail" | "error",
  work: (addr: Deno.Addr, folder: string) => Promise<void>,
) {
  const folder = await Deno.makeTempDir({ prefix: "plexd-quoted-" });
  const options = "path" in where
    ? { path: `${folder}/${where.path}`, onListen() {} }
    : { ...where, onListen() {} };
  const answer = () => Response.json({ [member]: STEERING }, { status: 403 });
  await using server = "path" in options
    ? Deno.serve(options, answer)
    : Deno.serve(options, answer);
  try {
    await work(server.addr, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("what a control plane says in a refusal does not steer the terminal", async () => {
  const where = { hostname: "127.0.0.1", port: 0 };
  await withRefusing(where, "detail", async (addr, folder) => {
    await Deno.writeTextFile(`${folder}/token`, "a token");
    const { code, stderr } = await runPlexd([
      ...["admin", "nodes", "list", "--token-file", `${folder}/token`],
      ...["--api", `http://127.0.0.1:${(addr as Deno.NetAddr).port}`],
    ]);
    assert.equal(
      stderr,
      `plexd: the control plane refuses: status 403: ${SEEN}\n`,
    );
    assert.equal(code, 1);
  });
});

Deno.test("nor does what answers in place of an agent", async () => {
  await withRefusing({ path: "api.sock" }, "error", async (_addr, folder) => {
    const { code, stderr } = await runPlexd(["state"], {
      env: { PLEXD_NODE_API_SOCKET_PATH: `${folder}/api.sock` },
    });
    assert.equal(stderr, `plexd: ${SEEN}\n`);
    assert.equal(code, 1);
  });
});

Deno.test("nor do the keys of a node's state, or how it differs from a file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "plexd-quoted-" });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(`{"m":{${JSON.stringify(STEERING)}:"\x9b\u202e"}}\n`),
  );
  await Deno.writeTextFile(`${folder}/token`, "a token");
  await Deno.writeTextFile(`${folder}/before.json`, "{}");
  const words = [
    ...["admin", "nodes", "state", "a-node", "--token-file", `${folder}/token`],
    ...["--api", `http://127.0.0.1:${server.addr.port}`, "--output=table"],
  ];
  for (const more of [[], ["--diff", `${folder}/before.json`]]) {
    const { code, stdout } = await runPlexd([...words, ...more]);
    assert.equal(code, 0);
    assert.match(stdout, /all is well/);
    assert.doesNotMatch(stdout.trimEnd(), /[\p{Cc}\p{Cf}]/u);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("nor do the names that a control plane gives a node when it joins", async () => {
  const folder = await Deno.makeTempDir({ prefix: "plexd-quoted-" });
  const { publicKey } = await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const raw = await crypto.subtle.exportKey("raw", publicKey);
  const key = new Uint8Array(raw).toBase64();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () =>
      Response.json({
        ...{ node_id: STEERING, mesh_ip: STEERING, signing_public_key: key },
        node_secret_key: key,
      }, { status: 201 }),
  );
  const config = `${folder}/config.yaml`;
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      data_dir: `${folder}/agent`,
      api: { base_url: `http://127.0.0.1:${server.addr.port}` },
      seal: { key_file: `${folder}/machine.key` },
    }),
  );
  const words = ["join", "--token-file", "-", "--config", config];
  const { code, stdout, stderr } = await runPlexd(words, { stdin: "a-token" });
  assert.equal(stdout, `node_id: ${SEEN}\nmesh_ip: ${SEEN}\n`, stderr);
  assert.equal(code, 0);
  await Deno.remove(folder, { recursive: true });
});
