import assert from "node:assert/strict";
import {
  type Descriptors,
  LOOK_MS,
} from "../../src/node_api/listener_watch.ts";
import { REOPEN_MS } from "../../src/node_api/supervised.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { eventually } from "../scenarios/eventually.ts";
import { FakeSources } from "./fake_sources.ts";
import { type Address, call, dial, receive, send } from "./raw_http.ts";
import { httpSettings, type RunningApi, startApi } from "./running_api.ts";

const headers = { Authorization: "Bearer t0ken" };

/** Sources that count descriptors as a test says, and note what is reopened. */
class WatchedSources extends FakeSources {
  seen: Descriptors | undefined;
  readonly reopenings: string[] = [];

  descriptors(): Promise<Descriptors | undefined> {
    return Promise.resolve(this.seen);
  }

  reopened(listener: string): void {
    this.reopenings.push(listener);
  }
}

async function listenersOf(address: Address) {
  const { body } = await call(address, "/v1/status", { headers });
  const document: StatusDocument = JSON.parse(body);
  return document.listeners!;
}

/** Lets looks pass until the socket answers; gives the time that took, in ms. */
async function untilServed(api: RunningApi, address: Address): Promise<number> {
  const began = api.clock.elapsed();
  return await eventually("an answer", async () => {
    await api.clock.advance(100);
    const { status } = await call(address, "/v1/state", { headers });
    return status === 200 ? api.clock.elapsed() - began : undefined;
  });
}

Deno.test("listeners whose folder is gone are open again within two seconds, with their modes", async () => {
  const sources = new WatchedSources();
  await using api = await startApi(sources, (folder) => ({
    ...httpSettings(folder, "t0ken"),
    socketPath: `${folder}/run/api.sock`,
    secretsSocketPath: `${folder}/run/secrets.sock`,
  }));
  const folder = `${api.folder}/run`;
  using kept = await dial(`${folder}/api.sock`);
  await Deno.remove(folder, { recursive: true });
  await send(kept, "/v1/state");
  assert.equal((await receive(kept))?.status, 200);
  assert.ok(await untilServed(api, `${folder}/api.sock`) <= 2_000);
  assert.ok(await untilServed(api, `${folder}/secrets.sock`) <= 2_000);
  assert.ok(await untilServed(api, api.api.httpPort!) <= 2_000);
  assert.equal(Deno.lstatSync(`${folder}/api.sock`).mode! & 0o777, 0o600);
  assert.equal(sources.reopenings.length, 3);
  const listeners = await listenersOf(`${folder}/api.sock`);
  assert.deepEqual(
    listeners.map(({ name, open, reopened }) => ({ name, open, reopened })),
    [`${folder}/api.sock`, `${folder}/secrets.sock`, "127.0.0.1:0"].map(
      (name) => ({ name, open: true, reopened: 1 }),
    ),
  );
});

Deno.test("something else in the place of a socket is told of once, and stays, also at the stop", async () => {
  const sources = new WatchedSources();
  await using api = await startApi(sources);
  using kept = await dial(api.socket);
  await Deno.remove(api.socket);
  const successor = Deno.listen({ transport: "unix", path: api.socket });
  try {
    const inode = Deno.lstatSync(api.socket).ino;
    await api.clock.advance(10 * LOOK_MS);
    const told = api.log.lines.filter(({ message }) =>
      message === "Something else is in the place of a socket"
    );
    assert.equal(told.length, 1);
    await send(kept, "/v1/state");
    assert.equal((await receive(kept))?.status, 200);
    api.stop();
    await api.stopped;
    assert.equal(Deno.lstatSync(api.socket).ino, inode);
    assert.deepEqual(sources.reopenings, []);
  } finally {
    successor.close();
  }
});

Deno.test("sockets shed their connections when descriptors are short, TCP does not", async () => {
  const sources = new WatchedSources();
  await using api = await startApi(
    sources,
    (folder) => httpSettings(folder, "t0ken"),
  );
  using connection = await dial(api.socket);
  await send(connection, "/v1/state");
  assert.equal((await receive(connection))?.status, 200);
  sources.seen = { open: 899, limit: 1_000 };
  await api.clock.advance(10 * LOOK_MS);
  assert.deepEqual(sources.reopenings, []);
  sources.seen = { open: 900, limit: 1_000 };
  await api.clock.advance(LOOK_MS);
  sources.seen = { open: 20, limit: 1_000 };
  assert.equal(await connection.read(new Uint8Array(1)), null);
  await untilServed(api, api.socket);
  await untilServed(api, api.secretsSocket);
  assert.deepEqual(sources.reopenings, [api.socket, api.secretsSocket]);
  const failed = api.log.lines.find(({ level }) => level === "error");
  assert.match(String(failed?.fields["error"]), /900 of 1000 descriptors/);
});

Deno.test("a place that is taken for good does not fill the log with tries", async () => {
  await using api = await startApi(new WatchedSources(), (folder) => ({
    socketPath: `${folder}/run/api.sock`,
  }));
  await Deno.remove(`${api.folder}/run`, { recursive: true });
  await Deno.writeTextFile(`${api.folder}/run`, "");
  await eventually("many tries", async () => {
    await api.clock.advance(REOPEN_MS * 10);
    return api.clock.elapsed() > REOPEN_MS * 300 || undefined;
  });
  const tries =
    api.log.lines.filter(({ message }) =>
      message === "Listener not opened again"
    ).length;
  assert.ok(tries >= 3 && tries <= 12, `${tries} lines`);
  await Deno.remove(`${api.folder}/run`);
  await untilServed(api, `${api.folder}/run/api.sock`);
});
