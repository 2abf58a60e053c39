import assert from "node:assert/strict";
import type { Membership } from "../../src/store/membership.ts";
import type { Disk } from "../../src/store/disk.ts";
import { CrashDisk } from "../store/crash_disk.ts";
import { entry, inFolder, openStore } from "../store/open_store.ts";
import { FakeSources } from "./fake_sources.ts";
import { call } from "./raw_http.ts";
import { type RunningApi, startApi } from "./running_api.ts";

const target = "/v1/state/report/health";
const body = (n: number) => `{"content_type":"text/plain","payload":${n}}`;

/** Serves a real store in `dataDir`, and closes both afterwards. */
async function serving(
  dataDir: string,
  work: (running: RunningApi, store: Membership) => Promise<void>,
  disk?: Disk,
): Promise<void> {
  const { store } = await openStore(dataDir, disk);
  try {
    const { secrets, ...rest } = new FakeSources();
    await using running = await startApi({
      ...rest,
      state: store.state,
      reports: store.reports,
      secrets,
      freshness: () => ({ stale: false }),
      status: notAsked,
      events: notAsked,
    });
    await work(running, store);
  } finally {
    await store.close();
  }
}

function notAsked(): never {
  throw new Error("Not asked for here");
}

Deno.test("NodeApi serves what the store holds, each update whole", () =>
  inFolder((dataDir) =>
    serving(dataDir, async (running, store) => {
      await store.state.update(() => ({
        metadata: new Map([["region", "eu"]]),
        data: [entry("b", '{ "n":1.0 }'), entry("a")],
        secretRefs: [{ key: "db", version: 1 }],
      }));
      const summary = await call(running.socket, "/v1/state");
      assert.deepEqual(JSON.parse(summary.body), {
        metadata: { region: "eu" },
        data_keys: ["a", "b"].map((key) => ({
          key,
          version: 1,
          content_type: "application/json",
        })),
        secret_keys: [{ key: "db", version: 1 }],
        report_keys: [],
      });
      const before = await call(running.socket, "/v1/state/data/b");
      assert.match(before.body, /"payload":\{ "n":1\.0 \}/);

      await store.state.update(() => ({
        data: [entry("b", '{ "n":1.0 }'), entry("c")],
      }));
      const after = await call(running.socket, "/v1/state/data/b", {
        headers: { "If-None-Match": before.headers.get("etag")! },
      });
      assert.equal(after.status, 304);
      assert.equal(
        (await call(running.socket, "/v1/state/data/a")).status,
        404,
      );
      assert.equal(
        (await call(running.socket, "/v1/state/data/c")).status,
        200,
      );
    })
  ));

Deno.test("NodeApi writes reports that are still there when the store is opened again", () =>
  inFolder(async (dataDir) => {
    let answered = "";
    await serving(dataDir, async (running) => {
      const put = (n: number, headers: Record<string, string> = {}) =>
        call(running.socket, target, { method: "PUT", headers, body: body(n) });
      assert.equal((await put(1, { "If-None-Match": "*" })).status, 200);
      assert.equal((await put(2, { "If-None-Match": "*" })).status, 412);
      assert.equal((await put(3, { "If-Match": "1" })).status, 200);
      assert.equal((await put(4, { "If-Match": "1" })).status, 409);
      answered = (await put(5, { "If-Match": "2" })).body;
      const gone = "/v1/state/report/gone";
      await call(running.socket, gone, { method: "PUT", body: body(1) });
      const deleted = await call(running.socket, gone, { method: "DELETE" });
      assert.equal(deleted.status, 204);
    });
    await serving(dataDir, async (running) => {
      assert.equal((await call(running.socket, target)).body, answered);
      const list = await call(running.socket, "/v1/state/report");
      assert.equal(list.body, '[{"key":"health","version":3}]\n');
    });
  }));

Deno.test("NodeApi lets one of many writers with the same If-Match win", () =>
  inFolder((dataDir) =>
    serving(dataDir, async (running) => {
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, n) =>
          call(running.socket, target, {
            method: "PUT",
            headers: { "If-Match": "0" },
            body: body(n),
          })),
      );
      const statuses = answers.map((answer) => answer.status).sort();
      assert.deepEqual(statuses, [200, ...Array(15).fill(409)]);
      const won = answers.find((answer) => answer.status === 200);
      assert.equal((await call(running.socket, target)).body, won?.body);
    })
  ));

Deno.test("NodeApi keeps awkward report keys inside the store", () =>
  inFolder((dataDir) =>
    serving(dataDir, async (running, store) => {
      const keys = [".tmp-x", "😀", "x".repeat(255), "a b", "...", "~", "%2e"];
      for (const key of keys) {
        const path = `/v1/state/report/${encodeURIComponent(key)}`;
        const put = await call(running.socket, path, {
          method: "PUT",
          body: body(1),
        });
        assert.equal(put.status, 200, key);
        assert.equal((await call(running.socket, path)).body, put.body);
      }
      assert.equal(store.reports.view.entries.size, keys.length);
      const top = [...Deno.readDirSync(dataDir)].map((file) => file.name);
      assert.deepEqual(top, ["clusters"]);
    })
  ));

const disks: readonly [code: string, status: number, error: string][] = [
  ["ENOSPC", 507, "disk full"],
  ["EROFS", 500, "internal error"],
  ["EIO", 500, "internal error"],
];

for (const [code, status, error] of disks) {
  Deno.test(`NodeApi answers ${status} when the disk answers ${code}, and goes on showing the old report`, () =>
    inFolder((dataDir) => {
      const disk = new CrashDisk();
      return serving(dataDir, async (running) => {
        const put = (n: number) =>
          call(running.socket, target, { method: "PUT", body: body(n) });
        const before = await put(1);
        disk.plan({ at: 1, then: "go_on", code });
        const failed = await put(2);
        assert.equal(failed.status, status);
        assert.deepEqual(JSON.parse(failed.body), { error });
        assert.equal((await call(running.socket, target)).body, before.body);
        assert.equal(JSON.parse((await put(3)).body).version, 2);
      }, disk);
    }));
}
