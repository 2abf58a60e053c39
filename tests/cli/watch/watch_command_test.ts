import assert from "node:assert/strict";
import { sampleStatus } from "../../node_api/fake_sources.ts";
import { readerLeaves } from "../leaving_reader.ts";
import { runPlexd } from "../run_plexd.ts";
import { ServedPlexd } from "../served_plexd.ts";

const POSITION = "00000000000000ff.7";

const change = (key: string) =>
  `event: change\nid: ${POSITION}\ndata: ${
    JSON.stringify({
      kind: "data",
      key,
      change: "removed",
      origin: "control_plane",
      at: "2026-03-01T12:00:00.000Z",
    })
  }\n\n`;

/** An agent that answers `GET /v1/watch` in this way, and its command line. */
async function withAgent(
  answer: (request: Request) => Response,
  work: (
    flags: readonly string[],
    env: Record<string, string>,
    folder: string,
  ) => Promise<void>,
) {
  const folder = await Deno.makeTempDir({ prefix: "plexd-watch-" });
  const socket = `${folder}/api.sock`;
  const stop = new AbortController();
  const server = Deno.serve(
    { path: socket, signal: stop.signal, onListen() {} },
    (request) =>
      request.url.endsWith("/v1/status")
        ? Response.json(sampleStatus)
        : answer(request),
  );
  const config = `${folder}/config.yaml`;
  await Deno.writeTextFile(
    config,
    JSON.stringify({ node_api: { socket_path: socket } }),
  );
  try {
    await work(["--config", config], {
      XDG_STATE_HOME: `${folder}/state`,
    }, folder);
  } finally {
    stop.abort();
    await server.finished;
    await Deno.remove(folder, { recursive: true });
  }
}

const wrong: readonly [
  flags: readonly string[],
  code: number,
  says: RegExp,
][] = [
  [["--kind=secret"], 2, /no kind "secret"\n {2}did you mean "secrets"\?/],
  [["--kind=data,"], 2, /no kind ""\n {2}there are metadata, data,/],
  [["--output=yaml"], 2, /--output is table or json/],
  [["--consumer="], 2, /--consumer is a name of 1 to 255 bytes/],
  [[`--consumer=${"é".repeat(128)}`], 2, /--consumer is a name of 1 to 255/],
];

Deno.test("plexd watch says what of its command line is wrong", () =>
  withAgent(() => new Response("{}"), async (flags, env) => {
    for (const [words, code, says] of wrong) {
      const finished = await runPlexd(["watch", ...words, ...flags], { env });
      assert.equal(finished.code, code, words.join(" "));
      assert.match(finished.stderr, says);
      assert.equal(finished.stdout, "");
    }
  }));

const refusals: readonly [status: number, body: string, says: RegExp][] = [
  [404, '{"error":"not found"}', /this agent is too old to be watched/],
  [503, '{"error":"too many watchers"}', /the agent says: too many watchers/],
  [400, '{"error":"key must have …"}', /the agent says: key must have …/],
];

for (const [status, body, says] of refusals) {
  Deno.test(`plexd watch ends with what the agent says when it answers ${status}`, () =>
    withAgent(() => new Response(body, { status }), async (flags) => {
      const finished = await runPlexd(["watch", ...flags]);
      assert.equal(finished.code, 1);
      assert.match(finished.stderr, says);
    }));
}

Deno.test("plexd watch exits 77 while the agent has not joined", () => {
  const body = { error: "not enrolled", reason: "not_enrolled" };
  const answer = () => Response.json(body, { status: 503 });
  return withAgent(answer, async (flags) => {
    const { code, stderr } = await runPlexd(["watch", ...flags]);
    assert.equal(code, 77);
    assert.match(stderr, /this node is not enrolled\n {2}put a one-time token/);
  });
});

Deno.test("plexd watch exits 2 for a wrong consumer, also when no agent runs", async () => {
  const { code, stderr } = await runPlexd(["watch", "--consumer="], {
    env: { PLEXD_NODE_API_SOCKET_PATH: "/nowhere/api.sock" },
  });
  assert.equal(code, 2);
  assert.match(stderr, /--consumer is a name/);
});

Deno.test("plexd watch ends when told to while the agent does not answer", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/api.sock`;
  using listener = Deno.listen({ transport: "unix", path });
  await using watching = new ServedPlexd(["watch"], {
    PLEXD_NODE_API_SOCKET_PATH: path,
  });
  using _silent = await listener.accept();
  assert.equal(await watching.stop("SIGTERM"), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("plexd watch exits 4 when no agent runs", async () => {
  const folder = await Deno.makeTempDir();
  const config = `${folder}/config.yaml`;
  await Deno.writeTextFile(
    config,
    JSON.stringify({ node_api: { socket_path: `${folder}/api.sock` } }),
  );
  const { code, stderr } = await runPlexd(["watch", "--config", config]);
  assert.equal(code, 4);
  assert.match(stderr, /No agent is running/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("plexd watch says that there is no place for a consumer, before it prints anything", () =>
  withAgent(() => new Response("{}"), async (flags, _env, folder) => {
    const words = ["watch", "--consumer=a", ...flags];
    const env = { XDG_STATE_HOME: `${folder}/config.yaml` };
    const { code, stdout, stderr } = await runPlexd(words, { env });
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /where consumers stopped cannot be kept in/);
  }));

Deno.test("plexd watch ends when nobody reads it any more, and its consumer has not seen the rest", () => {
  const proceed = Promise.withResolvers<void>();
  const answer = () =>
    new Response(
      new ReadableStream<string>({
        start(controller) {
          controller.enqueue(change("first"));
        },
        async pull(controller) {
          await proceed.promise;
          controller.enqueue(change("second").replace("ff.7", "ff.8"));
        },
      }).pipeThrough(new TextEncoderStream()),
      { headers: { "content-type": "text/event-stream" } },
    );
  return withAgent(answer, async (flags, env, folder) => {
    const words = ["watch", "--consumer=a", ...flags];
    const left = () => proceed.resolve();
    assert.equal(await readerLeaves(words, env, / first {2}\(/, left), 0);
    const file = `${folder}/state/plexd/watch/cursors.json`;
    const text = await Deno.readTextFile(file);
    assert.ok(text.includes(POSITION), text);
  });
});
