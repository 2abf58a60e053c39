import assert from "node:assert/strict";
import { fillStore } from "../store/full_store.ts";
import { OBSERVED, ROUTE } from "../store/fill_caches.ts";
import { inFolder, openStore, WEB } from "../store/open_store.ts";
import type { Peer } from "../../src/wire/state.ts";
import { runPlexd } from "./run_plexd.ts";

const PEER: Peer = {
  id: "n_b",
  publicKey: "key-b",
  meshIp: "10.42.0.2",
  endpoint: "192.0.2.2:51820",
  allowedIps: [],
};
const OTHER: Peer = { ...PEER, id: "n_c", meshIp: "10.42.0.3" };
const FUTURE = "2999-01-01T00:00:00Z";

/** A store with peers, services and routes, and what runs plexd on it. */
function withStore(
  work: (
    plexd: (...words: string[]) => ReturnType<typeof runPlexd>,
    root: string,
  ) => Promise<void>,
) {
  return inFolder(async (dataDir) => {
    await fillStore(dataDir);
    const { store } = await openStore(dataDir);
    await store.state.update(() => ({
      peers: [PEER, OTHER],
      services: [
        WEB,
        { ...WEB, name: "db", expiresAt: FUTURE },
        { ...WEB, name: "odd", expiresAt: FUTURE },
      ],
    }));
    const put = (key: string, payload: string) =>
      store.reports.put(key, { contentType: "application/json", payload });
    await put("service.db", '{"state":"running","pid":7}');
    await put("service.odd", '{"pid":7}');
    store.routes.replace([
      { ...ROUTE, expiresAtMs: Date.parse(FUTURE) },
      { ...ROUTE, destination: "10.9.9.9/32" },
    ]);
    await store.routes.flush();
    await store.close();
    const env = { PLEXD_DATA_DIR: dataDir };
    await work((...words) => runPlexd(words, { env }), store.paths.root);
  });
}

const cellsOf = (stdout: string) =>
  stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/));

Deno.test("plexd peers shows what was observed, and nothing of whom nobody looked for", () =>
  withStore(async (plexd, root) => {
    const { code, stdout, stderr } = await plexd("peers");
    assert.equal(code, 0, stderr);
    const [head, b, c] = cellsOf(stdout);
    const columns = ["LAST ANSWER", "LATENCY", "LOSS", "SCORE"];
    assert.deepEqual(head?.slice(-4), columns);
    assert.deepEqual(b?.slice(-4), [
      "2026-03-01T11:58:00.000Z",
      "1.5 ms",
      "50 %",
      "0.75",
    ]);
    assert.deepEqual(c?.slice(-4), ["-", "-", "-", "-"]);
    const json = await plexd("peers", "--output", "json");
    const [one, other] = JSON.parse(json.stdout).peers;
    assert.deepEqual(one.observed, {
      last_tried_at: "2026-03-01T11:59:00.000Z",
      last_success_at: "2026-03-01T11:58:00.000Z",
      latency_ms: OBSERVED.latencyMs,
      loss: 0.5,
      score: 0.75,
      config_version: { epoch: 1, version: 2 },
      failures: [{ at: "2026-03-01T11:59:00.000Z", reason: "timeout" }],
    });
    assert.ok(!("observed" in other));

    Deno.writeTextFileSync(`${root}/peers/observations.json`, "torn");
    const damaged = await plexd("peers");
    assert.equal(damaged.code, 0);
    assert.match(damaged.stderr, /left out peers\/observations\.json/);
    assert.ok(!damaged.stdout.includes("SCORE"));
  }));

Deno.test("plexd services shows what is assigned and still holds, and what workloads report", () =>
  withStore(async (plexd) => {
    const { code, stdout, stderr } = await plexd("services");
    assert.equal(code, 0, stderr);
    assert.deepEqual(cellsOf(stdout), [
      ["NAME", "VERSION", "DESIRED", "REPORTED", "ROLES", "EXPIRES"],
      ["db", "1.2.0", "running", "running", "edge", FUTURE],
      ["odd", "1.2.0", "running", "-", "edge", FUTURE],
    ]);
    const json = await plexd("services", "--output", "json");
    const [db, odd] = JSON.parse(json.stdout).services;
    assert.deepEqual(db.policy_refs, ["ssh"]);
    assert.equal(db.reported.state, "running");
    assert.equal(odd.reported, null);
  }));

Deno.test("plexd routes shows the ways that still hold", () =>
  withStore(async (plexd) => {
    const { code, stdout, stderr } = await plexd("routes");
    assert.equal(code, 0, stderr);
    assert.deepEqual(cellsOf(stdout), [
      ["DESTINATION", "PEER", "CLASS", "SCORE", "ALTERNATIVES", "EXPIRES"],
      [
        "10.42.0.2/32",
        "n_b",
        "direct",
        "0.75",
        "1",
        "2999-01-01T00:00:00.000Z",
      ],
    ]);
    const json = await plexd("routes", "--output", "json");
    const [route] = JSON.parse(json.stdout).routes;
    assert.deepEqual(route.alternatives, [
      { peer_id: "n_c", class: "no_endpoint" },
    ]);
    assert.equal(route.last_failure.reason, "timeout");
  }));

for (const command of ["services", "routes"]) {
  Deno.test(`plexd ${command} without a node exits 77 and says what to do`, () =>
    inFolder(async (dataDir) => {
      const env = { PLEXD_DATA_DIR: dataDir };
      const { code, stderr } = await runPlexd([command], { env });
      assert.equal(code, 77);
      assert.match(stderr, /plexd join/);
    }));
}
