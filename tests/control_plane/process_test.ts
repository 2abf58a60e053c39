import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { eventually } from "../scenarios/eventually.ts";
import { newPublicKey, RunningPlane } from "./running_plane.ts";

/** A control plane in a process of its own. */
class PlaneProcess {
  private constructor(
    readonly url: string,
    readonly child: Deno.ChildProcess,
    readonly adminToken: string,
  ) {}

  /** @param maxFiles Most descriptors that it may have open. */
  static async start(dataDir: string, maxFiles = 1024): Promise<PlaneProcess> {
    const script = new URL("serve_plane.ts", import.meta.url).pathname;
    const child = new Deno.Command("sh", {
      args: [
        "-c",
        `ulimit -n ${maxFiles}; exec "$0" run -A --no-prompt "$1" "$2"`,
        Deno.execPath(),
        script,
        dataDir,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    const url = new TextDecoder().decode(value).trim();
    await reader.cancel();
    const adminToken = Deno.readTextFileSync(`${dataDir}/admin-token`).trim();
    return new PlaneProcess(url, child, adminToken);
  }

  async call(
    method: string,
    path: string,
    bearer: string,
    body: unknown,
  ): Promise<Record<string, unknown>> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${bearer}` },
      body: JSON.stringify(body),
    });
    return await answer.json();
  }

  async stop() {
    await this.child.stdin.close();
    assert.equal((await this.child.status).code, 0);
  }

  async kill() {
    this.child.kill("SIGKILL");
    await this.child.status;
    await this.child.stdin.close().catch(() => {});
  }
}

Deno.test("every acknowledged change survives SIGKILL, with its event and no other", async () => {
  const dataDir = await Deno.makeTempDir();
  const plane = await PlaneProcess.start(dataDir);
  const { token } = await plane.call(
    "POST",
    "/admin/v1/tokens",
    plane.adminToken,
    {},
  );
  const node = await plane.call("POST", "/v1/register", String(token), {
    token,
    public_key: newPublicKey(),
    hostname: "h",
  });
  const acknowledged: string[] = [];
  const enough = Promise.withResolvers<void>();
  const writers = Array.from({ length: 4 }, async (_one, writer) => {
    for (let at = 0;; at++) {
      const key = `w${writer}-${at}`;
      await plane.call(
        "PUT",
        `/admin/v1/nodes/${node["node_id"]}/metadata/${key}`,
        plane.adminToken,
        { value: "v" },
      );
      acknowledged.push(key);
      if (acknowledged.length === 40) enough.resolve();
    }
  });
  const stopped = Promise.allSettled(writers);
  await enough.promise;
  await plane.kill();
  await stopped;

  const again = await PlaneProcess.start(dataDir);
  const shown = await (await fetch(
    `${again.url}/v1/nodes/${node["node_id"]}/state`,
    { headers: { authorization: `Bearer ${node["node_secret_key"]}` } },
  )).json();
  for (const key of acknowledged) assert.equal(shown.metadata[key], "v", key);
  const stream = await fetch(
    `${again.url}/v1/nodes/${node["node_id"]}/events`,
    { headers: { authorization: `Bearer ${node["node_secret_key"]}` } },
  );
  const events = Object.keys(shown.metadata).length;
  assert.equal(shown.state_version, 1 + events);
  let text = "";
  for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes(`"state_version":${shown.state_version},`)) break;
  }
  const numbers = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id);
  assert.deepEqual(
    numbers,
    Array.from({ length: events }, (_one, at) => String(at + 1)),
  );
  await again.stop();
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("the listener comes back after the process ran out of descriptors", async () => {
  const dataDir = await Deno.makeTempDir();
  const plane = await PlaneProcess.start(dataDir, 64);
  const { hostname, port } = new URL(plane.url);
  const flood: Deno.Conn[] = [];
  for (let count = 0; count < 80; count++) {
    // While the listener is away nobody gets in, however that shows.
    const connection = await Deno.connect({ hostname, port: Number(port) })
      .catch(() => undefined);
    if (connection) flood.push(connection);
  }
  for (const connection of flood) connection.close();
  const answer = await eventually(
    "the listener is back",
    () => fetch(`${plane.url}/v1/ping`),
  );
  assert.equal((await answer.json()).status, "ok");
  await plane.stop();
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("a change whose event cannot be stored has not happened", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const database = new DatabaseSync(`${plane.dataDir}/control-plane.db`);
  database.exec(
    "CREATE TRIGGER no_events BEFORE INSERT ON events " +
      "BEGIN SELECT raise(ABORT, 'no events'); END",
  );
  for (const part of ["metadata", "secrets"]) {
    const path = `/nodes/${node.id}/${part}/k`;
    const answer = await plane.admin("PUT", path, { value: "v" });
    answer.assertProblem(503, "datastore_unavailable");
  }
  const rotation = await plane.admin("POST", "/signing-keys/rotate", {});
  rotation.assertProblem(503, "datastore_unavailable");
  database.exec("DROP TRIGGER no_events");
  database.close();
  const { json } = await node.call("GET", "/state");
  assert.deepEqual(json["metadata"], {});
  assert.deepEqual(json["secret_refs"], []);
  assert.equal(json["state_version"], 1);
  assert.deepEqual(json["signing_keys"], { current: node.signingKey });
});
