import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { listing } from "./files.ts";
import { Stage } from "./stage.ts";

const path = (key: string) => `/v1/state/report/${key}`;

async function put(stage: Stage, key: string, payload: string) {
  return await stage.local(path(key), {
    method: "PUT",
    body: `{"content_type":"application/json","payload":${payload}}`,
  });
}

async function write(stage: Stage, key: string, payload: string) {
  const answer = await put(stage, key, payload);
  assert.equal(answer.status, 200, answer.body);
}

async function remove(stage: Stage, key: string) {
  const { status } = await stage.local(path(key), { method: "DELETE" });
  assert.equal(status, 204);
}

/** A report's raw JSON text by key, as the node has them. */
async function local(stage: Stage): Promise<Map<string, string>> {
  const list = JSON.parse(await stage.read("/v1/state/report"));
  const entries = await Promise.all(
    list.map(async ({ key }: { key: string }): Promise<[string, string]> => [
      key,
      (await stage.read(path(key))).trim(),
    ]),
  );
  return new Map(entries);
}

/** Those that programs have written; the agent adds one of its own at its time. */
async function ofPrograms(stage: Stage): Promise<Map<string, string>> {
  const reports = await local(stage);
  return new Map([...reports].filter(([key]) => !key.startsWith("plexd.")));
}

/** The raw text of the control plane's list of reports. */
async function upstream(stage: Stage, nodeId: string): Promise<string> {
  const file = `${stage.folder}/control-plane/admin-token`;
  const token = (await Deno.readTextFile(file)).trim();
  const answer = await fetch(
    `${stage.url}/admin/v1/nodes/${nodeId}/reports`,
    { headers: { authorization: `Bearer ${token}` } },
  );
  return await answer.text();
}

/**
 * Waits until the control plane has exactly what the node has, text for text.
 * In dialect 2 neither version nor time go up with the payload.
 */
async function same(stage: Stage, nodeId: string) {
  const wanted = [...(await local(stage)).values()].map((one) =>
    stage.dialect === 1 ? one : one.slice(0, one.lastIndexOf(',"version":'))
  );
  await eventually("the reports are upstream as they are here", async () => {
    const text = await upstream(stage, nodeId);
    const { reports } = JSON.parse(text);
    return wanted.every((one) => text.includes(one)) &&
        reports.length === wanted.length || undefined;
  });
  await stage.statusWhen("nothing waits", ({ sync }) => sync.pending === 0);
}

/** A file system of its own, so small that it is soon full. */
async function mountTiny(folder: string): Promise<string | undefined> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const { success, stderr } = await new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", folder],
    stdout: "null",
  }).output().catch((error: Error) => ({
    success: false,
    stderr: new TextEncoder().encode(error.message),
  }));
  return success ? undefined : new TextDecoder().decode(stderr).trim();
}

for (const dialect of [1, 2] as const) {
  Deno.test(`reports written, deleted and made anew while offline arrive as they are, after a crash too, dialect ${dialect}`, async () => {
    await using stage = await Stage.open(dialect);
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    await write(stage, "changed", '{"n":1}');
    await write(stage, "deleted", '{"n":1}');
    await write(stage, "remade", '{"n":1}');
    await write(stage, "untouched", "[1.0,2e3,12345678901234567890]");
    await same(stage, node_id);
    await stage.stopControlPlane();

    await write(stage, "changed", '{"b":1.50,"a":"\\u00e9"}');
    await remove(stage, "deleted");
    await remove(stage, "remade");
    await write(stage, "remade", '{"n":2}');
    await write(stage, "new", '{"n":1}');
    await write(stage, "brief", '{"n":1}');
    await remove(stage, "brief");
    const before = await ofPrograms(stage);
    assert.deepEqual([...before.keys()], [
      "changed",
      "new",
      "remade",
      "untouched",
    ]);
    assert.match(before.get("remade") ?? "", /"version":1\b/);
    await stage.killAgent();
    await stage.startAgent();
    assert.deepEqual(await ofPrograms(stage), before);
    // The agent's own report comes and goes between two looks.
    await eventually("changed, deleted, remade and new wait", async () => {
      const { sync } = await stage.status();
      const own = (await local(stage)).size - before.size;
      return sync.pending - own === 4 || undefined;
    });

    await stage.startControlPlane();
    await same(stage, node_id);
    assert.deepEqual(await ofPrograms(stage), before);
    await stage.stopAgent();
    assert.match(stage.agentOutput, /"msg":"Reports synced"[^\n]*"deleted":1/);
  });

  Deno.test(`a report for which the disk has no room is answered with 507 and changes nothing, dialect ${dialect}`, async (test) => {
    await using stage = await Stage.open(dialect);
    const why = await mountTiny(stage.dataDir);
    if (why !== undefined) {
      assert.notEqual(Deno.env.get("CI"), "true", `no full disk: ${why}`);
      await test.step({
        name: `not tried, as no full disk can be mounted: ${why}`,
        ignore: true,
        fn() {},
      });
      return;
    }
    const mounted = new AsyncDisposableStack();
    mounted.defer(async () => {
      const args = ["-l", stage.dataDir];
      await new Deno.Command("umount", { args }).output();
    });
    await using _mounted = mounted;
    await stage.startControlPlane();
    await stage.leaveToken();
    const { node_id } = await stage.startAgent();
    await write(stage, "small", '{"n":1}');
    await same(stage, node_id);

    const filler = await Deno.open(`${stage.dataDir}/filler`, {
      write: true,
      create: true,
    });
    const fill = async () => {
      for (;;) await filler.write(new Uint8Array(4096));
    };
    await assert.rejects(fill);
    filler.close();
    const before = await ofPrograms(stage);
    const files = listing(`${stage.membership}/state`);
    for (const key of ["small", "new"]) {
      const answer = await put(stage, key, '{"n":2}');
      assert.equal(answer.status, 507, answer.body);
      assert.match(answer.body, /^\{"error":"/);
    }
    assert.deepEqual(await ofPrograms(stage), before);
    assert.deepEqual(listing(`${stage.membership}/state`), files);
    const { reasons } = await stage.status();
    assert.deepEqual(reasons.map(({ reason }) => reason), ["disk_full"]);
    await stage.admin.call("PUT", `/nodes/${node_id}/metadata/a`, {
      value: "x".repeat(8192),
    });
    const status = await stage.statusWhen(
      "the pull fails, too",
      ({ pull }) => pull.last_error?.includes("Cannot store") ?? false,
    );
    assert.equal(status.state.metadata, 0);

    await Deno.remove(`${stage.dataDir}/filler`);
    await write(stage, "new", '{"n":3}');
    await same(stage, node_id);
    await stage.statusWhen(
      "it caught up",
      ({ state, reasons }) => state.metadata === 1 && reasons.length === 0,
    );
    await stage.stopAgent();
  });
}
