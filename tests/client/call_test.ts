import assert from "node:assert/strict";
import { call } from "../../src/client/call.ts";
import { LocalCallError } from "../../src/client/errors.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

/** A socket in a folder of its own, served by `serve` if given. */
async function onSocket(
  serve: ((connection: Deno.Conn) => Promise<void>) | undefined,
  work: (socket: string) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  const socket = `${folder}/api.sock`;
  const listener = serve
    ? Deno.listen({ transport: "unix", path: socket })
    : undefined;
  const served = (async () => {
    for await (const connection of listener ?? []) {
      await serve?.(connection).catch(() => {});
    }
  })();
  try {
    await work(socket);
  } finally {
    listener?.close();
    await served;
    await Deno.remove(folder, { recursive: true });
  }
}

/** Answers the first request of a connection with these bytes, and hangs up. */
function answering(text: string) {
  return async (connection: Deno.Conn) => {
    using open = connection;
    await open.read(new Uint8Array(4096));
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) {
      at += await open.write(bytes.subarray(at));
    }
  };
}

async function failureOf(promise: Promise<unknown>): Promise<LocalCallError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof LocalCallError) return error;
    throw error;
  }
  return assert.fail("the call succeeded");
}

Deno.test("call() gives status, headers and the body as it came", async () => {
  const answer =
    "HTTP/1.1 404 Not Found\r\nX-A: b\r\nContent-Length: 9\r\n\r\n" +
    '{"n":1.0}';
  await onSocket(answering(answer), async (socket) => {
    const { status, headers, text, body } = await call(socket, "GET", "/x");
    assert.equal(status, 404);
    assert.equal(headers.get("x-a"), "b");
    assert.equal(text, '{"n":1.0}');
    assert.deepEqual(body, { n: 1 });
  });
});

Deno.test("call() sends a text as it is, and encodes anything else", async () => {
  const seen: string[] = [];
  const listen = async (connection: Deno.Conn) => {
    const buffer = new Uint8Array(4096);
    let text = "";
    while (!text.endsWith("}")) {
      const length = await connection.read(buffer);
      if (length === null) return connection.close();
      text += new TextDecoder().decode(buffer.subarray(0, length));
    }
    seen.push(text.slice(text.indexOf("\r\n\r\n") + 4));
    using open = connection;
    const empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    await open.write(new TextEncoder().encode(empty));
  };
  await onSocket(listen, async (socket) => {
    const { body } = await call(socket, "PUT", "/x", '{"n":1.0}');
    assert.equal(body, undefined);
    await call(socket, "PUT", "/x", { n: 1.0 });
  });
  assert.deepEqual(seen, ['{"n":1.0}', '{"n":1}']);
});

const failures = [
  { when: "nothing is there", serve: undefined, kind: "not_running" },
  {
    when: "something else than HTTP answers",
    serve: answering("SSH-2.0-x\r\n"),
    kind: "bad_answer",
  },
  {
    when: "something else than JSON answers",
    serve: answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html"),
    kind: "bad_answer",
  },
];
for (const { when, serve, kind } of failures) {
  Deno.test(`call() fails as "${kind}" when ${when}`, async () => {
    await onSocket(serve, async (socket) => {
      assert.equal((await failureOf(call(socket, "GET", "/"))).kind, kind);
    });
  });
}

Deno.test("call() fails as not running on a socket that a crash left", async () => {
  await onSocket(undefined, async (socket) => {
    Deno.listen({ transport: "unix", path: socket }).close();
    assert.equal(
      (await failureOf(call(socket, "GET", "/"))).kind,
      "not_running",
    );
  });
});

Deno.test("call() gives up on an agent that takes the request and is silent", async () => {
  const clock = new FakeClock();
  const taken = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  const silent = async (connection: Deno.Conn) => {
    using open = connection;
    await open.read(new Uint8Array(4096));
    taken.resolve();
    await finished.promise;
  };
  await onSocket(silent, async (socket) => {
    const failure = failureOf(call(socket, "GET", "/", undefined, { clock }));
    await taken.promise;
    await clock.advance(30_000);
    const { kind } = await failure;
    finished.resolve();
    assert.equal(kind, "no_answer");
  });
});
