import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { createControlPlane } from "../../src/control_plane/control_plane.ts";
import { openSqliteStorage } from "../../src/control_plane/sqlite_storage.ts";
import { SCHEMA_STEPS } from "../../src/control_plane/storage/sqlite_schema.ts";
import { ControlPlaneStartError } from "../../src/control_plane/start_error.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { RunningPlane } from "./running_plane.ts";

/** Starts and stops once, on a folder that the test has prepared. */
async function startOn(
  dataDir: string,
  port = 0,
  artifactsDir?: string,
): Promise<void> {
  const plane = await createControlPlane({
    dataDir,
    listen: { hostname: "127.0.0.1", port },
    version: "1",
    ...(artifactsDir === undefined ? {} : { artifactsDir }),
    io: { clock: new FakeClock(), random: systemRandom, log: new MemoryLog() },
  });
  await plane.run(AbortSignal.abort());
}

function refusal(kind: ControlPlaneStartError["kind"], says: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ControlPlaneStartError, String(error));
    assert.equal(error.kind, kind);
    assert.match(error.message, says);
    return true;
  };
}

Deno.test("createControlPlane() makes files that only their owner may read", async () => {
  await using plane = await RunningPlane.start();
  await plane.join();
  const modes = Object.fromEntries(
    [...Deno.readDirSync(plane.dataDir)].map(({ name }) => [
      name,
      (Deno.statSync(`${plane.dataDir}/${name}`).mode! & 0o777).toString(8),
    ]),
  );
  assert.deepEqual(modes, {
    "admin-token": "600",
    "control-plane.db": "600",
    "control-plane.db-shm": "600",
    "control-plane.db-wal": "600",
    "lock": "600",
    "master-key": "600",
  });
});

Deno.test("createControlPlane() makes its folder 0700", async () => {
  const parent = await Deno.makeTempDir();
  const dataDir = `${parent}/a/b`;
  await startOn(dataDir);
  assert.equal(Deno.statSync(dataDir).mode! & 0o777, 0o700);
  await Deno.remove(parent, { recursive: true });
});

Deno.test("createControlPlane() refuses a folder that another one works on", async () => {
  await using plane = await RunningPlane.start();
  await assert.rejects(
    startOn(plane.dataDir),
    refusal("already_running", /--data-dir/),
  );
});

for (const name of ["missing", "a-file"]) {
  Deno.test(`createControlPlane() refuses a folder of artifacts that is ${name}, and makes nothing`, async () => {
    const parent = await Deno.makeTempDir();
    Deno.writeTextFileSync(`${parent}/a-file`, "");
    await assert.rejects(
      startOn(`${parent}/data`, 0, `${parent}/${name}`),
      refusal("artifacts", new RegExp(`/${name} cannot be read .*--artifacts`)),
    );
    assert.deepEqual([...Deno.readDirSync(parent)].map(({ name }) => name), [
      "a-file",
    ]);
    await Deno.remove(parent, { recursive: true });
  });
}

Deno.test("createControlPlane() rejects with AddrInUse, and leaves the folder free", async () => {
  await using plane = await RunningPlane.start();
  const dataDir = await Deno.makeTempDir();
  const port = Number(new URL(plane.url).port);
  await assert.rejects(startOn(dataDir, port), Deno.errors.AddrInUse);
  await startOn(dataDir);
  await Deno.remove(dataDir, { recursive: true });
});

for (
  const { what, spoil, says } of [
    {
      what: "missing",
      spoil: (path: string) => Deno.removeSync(path),
      says: /missing: put it back/,
    },
    {
      what: "another one",
      spoil: (path: string) =>
        Deno.writeTextFileSync(path, btoa("x".repeat(32))),
      says: /not the key that the database was sealed with/,
    },
    {
      what: "cut short",
      spoil: (path: string) => Deno.truncateSync(path, 20),
      says: /not base64 of 32 bytes/,
    },
    {
      what: "readable by others",
      spoil: (path: string) => Deno.chmodSync(path, 0o640),
      says: /set its mode to 0600/,
    },
  ]
) {
  Deno.test(`createControlPlane() refuses to start when the master key is ${what}`, async () => {
    const dataDir = await Deno.makeTempDir();
    await startOn(dataDir);
    const path = `${dataDir}/master-key`;
    const key = Deno.readTextFileSync(path);
    spoil(path);
    await assert.rejects(startOn(dataDir), refusal("master_key", says));
    Deno.writeTextFileSync(path, key, { mode: 0o600 });
    Deno.chmodSync(path, 0o600);
    await startOn(dataDir);
    await Deno.remove(dataDir, { recursive: true });
  });
}

Deno.test("createControlPlane() refuses a database of a newer plexd", async () => {
  const dataDir = await Deno.makeTempDir();
  await startOn(dataDir);
  const database = new DatabaseSync(`${dataDir}/control-plane.db`);
  database.exec("PRAGMA user_version = 99");
  database.close();
  await assert.rejects(startOn(dataDir), refusal("database", /newer plexd/));
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("createControlPlane() refuses a file that is no database", async () => {
  const dataDir = await Deno.makeTempDir();
  Deno.writeTextFileSync(`${dataDir}/control-plane.db`, "x".repeat(5_000));
  await assert.rejects(startOn(dataDir), refusal("database", /not a database/));
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("createControlPlane() takes over an admin token whose hash was not stored", async () => {
  const dataDir = await Deno.makeTempDir();
  const path = `${dataDir}/admin-token`;
  Deno.writeTextFileSync(path, "left-by-a-crash\n", { mode: 0o600 });
  await startOn(dataDir);
  assert.equal(Deno.readTextFileSync(path), "left-by-a-crash\n");
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("createControlPlane() serves TLS with a given certificate", async () => {
  const folder = await Deno.makeTempDir();
  const made = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt"],
      ...["ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
      ...["-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-keyout", `${folder}/key.pem`, "-out", `${folder}/cert.pem`],
    ],
    stderr: "null",
  }).output();
  assert.ok(made.success);
  const cert = Deno.readTextFileSync(`${folder}/cert.pem`);
  const key = Deno.readTextFileSync(`${folder}/key.pem`);
  const plane = await createControlPlane({
    dataDir: `${folder}/data`,
    listen: { hostname: "localhost", port: 0 },
    tls: { cert, key },
    version: "1",
    io: { clock: new FakeClock(), random: systemRandom, log: new MemoryLog() },
  });
  const stop = new AbortController();
  const running = plane.run(stop.signal);
  using client = Deno.createHttpClient({ caCerts: [cert] });
  const port = new URL(plane.url).port;
  const answer = await fetch(`https://localhost:${port}/v1/ping`, { client });
  assert.match(plane.url, /^https:/);
  assert.equal((await answer.json()).status, "ok");
  stop.abort();
  await running;
  await Deno.remove(folder, { recursive: true });
});

Deno.test("openSqliteStorage() takes a database of an earlier schema along", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/a.db`;
  const earlier = new DatabaseSync(path);
  earlier.exec(`${SCHEMA_STEPS[0]} PRAGMA user_version = 1;
    INSERT INTO domains VALUES ('d', 'default', '10.42.0.0/16');
    INSERT INTO nodes (id, domain_id, dialect, hostname, public_key, mesh_ip,
      labels, bearer_hash, sealed_key, first_sequence, registered_at)
      VALUES ('n', 'd', 1, 'h', 'k', '10.42.0.1', '{}', x'00', x'00', 0, 0);
    INSERT INTO events (id, type, domain_id, node_id, payload, signing_key_id,
      created_at) VALUES ('e', 'signing_key_rotated', 'd', NULL, '{}', 's', 0);`);
  earlier.close();
  const storage = openSqliteStorage(path);
  const { node, events } = await storage.read(async (rows) => ({
    node: await rows.nodes.byId("n"),
    events: await rows.events.after(0, { nodeId: "n", domainId: "d" }, 9),
  }));
  assert.deepEqual([node?.endpoint, node?.keyVersion], ["", 1]);
  assert.deepEqual(events.map(({ id }) => id), ["e"]);
  storage.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("write() keeps nothing of work that throws, and the next one goes on", async () => {
  const folder = await Deno.makeTempDir();
  const storage = openSqliteStorage(`${folder}/a.db`);
  const failing = storage.write(async (rows) => {
    await rows.settings.set("a", "half");
    throw new Error("on purpose");
  });
  const next = storage.write(async (rows) => await rows.settings.set("b", "1"));
  await assert.rejects(failing, /on purpose/);
  await next;
  const found = await storage.read(async (rows) => [
    await rows.settings.get("a"),
    await rows.settings.get("b"),
  ]);
  assert.deepEqual(found, [undefined, "1"]);
  storage.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("read() sees nothing of a transaction that is not done", async () => {
  const folder = await Deno.makeTempDir();
  const storage = openSqliteStorage(`${folder}/a.db`);
  const mayEnd = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  const writing = storage.write(async (rows) => {
    await rows.settings.set("a", "1");
    written.resolve();
    await mayEnd.promise;
  });
  await written.promise;
  const read = () => storage.read(async (rows) => await rows.settings.get("a"));
  assert.equal(await read(), undefined);
  mayEnd.resolve();
  await writing;
  assert.equal(await read(), "1");
  storage.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a database that fails answers 503 without details, and is logged", async () => {
  await using plane = await RunningPlane.start();
  const node = await plane.join();
  const database = new DatabaseSync(`${plane.dataDir}/control-plane.db`);
  database.exec("ALTER TABLE metadata RENAME TO canary_elsewhere");
  const answer = await plane.admin("PUT", `/nodes/${node.id}/metadata/k`, {
    value: "v",
  });
  answer.assertProblem(503, "datastore_unavailable");
  assert.ok(!/metadata"|sql|table/i.test(answer.json["detail"] as string));
  assert.ok(plane.log.lines.some((line) => line.message === "Request failed"));
  database.exec("ALTER TABLE canary_elsewhere RENAME TO metadata");
  database.close();
  await node.admin("PUT", "/metadata/k", { value: "v" });
});
