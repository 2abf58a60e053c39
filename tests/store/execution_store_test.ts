import assert from "node:assert/strict";
import {
  executionNameOf,
  parseExecutionName,
} from "../../src/store/execution_file.ts";
import { readExecutions } from "../../src/store/read_executions.ts";
import { StoreWriteError } from "../../src/store/store_errors.ts";
import type { ExecutionResult } from "../../src/wire/bodies.ts";
import { CrashDisk } from "./crash_disk.ts";
import { inFolder, openStore } from "./open_store.ts";

function result(executionId: string, stdout = ""): ExecutionResult {
  return {
    execution_id: executionId,
    status: "success",
    exit_code: 0,
    stdout,
    stderr: "",
    duration: "1s",
    finished_at: "2026-03-01T12:00:00Z",
  };
}

const idsOf = (list: readonly { readonly executionId: string }[]) =>
  list.map(({ executionId }) => executionId);

Deno.test("ExecutionStore knows after a restart what was begun, ended and reported", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    for (const id of ["runs", "ended", "told"]) {
      await store.executions.begin(id, "act");
    }
    await store.executions.finish(result("ended", "output"));
    await store.executions.finish(result("told", "output"));
    await store.executions.settle("told");
    await store.close();
    const again = await openStore(dir);
    const { executions } = again.store;
    assert.deepEqual(idsOf(executions.running), ["runs"]);
    assert.deepEqual(idsOf(executions.unreported), ["ended"]);
    assert.deepEqual(executions.result("ended"), result("ended", "output"));
    assert.equal(executions.result("told"), undefined);
    for (const id of ["runs", "ended", "told"]) assert.ok(executions.has(id));
    assert.ok(!executions.has("never"));
    assert.deepEqual(again.recovered, []);
    await again.store.close();
  }));

Deno.test("what is reported keeps its place in the list, but not its output", () =>
  inFolder(async (dir) => {
    const { store, clock } = await openStore(dir);
    for (const id of ["a", "b", "c"]) {
      await store.executions.begin(id, "act");
      await clock.advance(1_000);
    }
    await store.executions.finish(result("b", "canary"));
    await store.executions.settle("b");
    const latest = readExecutions(dir, "default", 2);
    assert.deepEqual(idsOf(latest), ["c", "b"]);
    assert.deepEqual(latest.map(({ isOpen }) => isOpen), [true, false]);
    assert.deepEqual(latest[1]?.result, result("b"));
    await store.close();
  }));

Deno.test("readExecutions() finds none where there is no membership", () =>
  inFolder((dir) => {
    assert.deepEqual(readExecutions(dir, "default", 10), []);
  }));

const ids = ["../../etc/passwd", ".", "open-x", "\u00e9", "x".repeat(3000)];
for (const id of ids) {
  Deno.test(`an execution called ${id.slice(0, 20)} has a file of its own in its folder`, () =>
    inFolder(async (dir) => {
      const { store } = await openStore(dir);
      await store.executions.begin(id, "act");
      await store.close();
      const again = await openStore(dir);
      assert.ok(again.store.executions.has(id));
      assert.deepEqual(idsOf(again.store.executions.running), [id]);
      await again.store.close();
    }));
}

Deno.test("parseExecutionName() reads every name back, and nothing else", () => {
  for (const isOpen of [true, false]) {
    const record = { executionId: "done-x.json", action: "", acceptedAtMs: 7 };
    const made = executionNameOf(record, isOpen);
    assert.deepEqual(parseExecutionName(made.name), made);
  }
  for (const name of ["", "open-7-x.json", "open-00000000000007-.json", "x"]) {
    assert.equal(parseExecutionName(name), undefined, name);
  }
});

Deno.test("an execution that could not be stored has not begun", () =>
  inFolder(async (dir) => {
    const disk = new CrashDisk();
    const { store } = await openStore(dir, disk);
    disk.plan({ at: 1, then: "go_on", code: "ENOSPC" });
    await assert.rejects(store.executions.begin("a", "act"), StoreWriteError);
    assert.ok(!store.executions.has("a"));
    await store.executions.begin("a", "act");
    await store.close();
  }));

Deno.test("a damaged execution is told, and never begun again", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    await store.executions.begin("a", "act");
    await store.close();
    const folder = `${store.paths.root}/executions`;
    const [file] = [...Deno.readDirSync(folder)];
    Deno.truncateSync(`${folder}/${file!.name}`, 20);
    for (const told of [1, 0]) {
      const again = await openStore(dir);
      assert.equal(again.recovered.length, told);
      assert.ok(again.store.executions.has("a"));
      assert.deepEqual(again.store.executions.running, []);
      await again.store.close();
    }
  }));

Deno.test("the oldest of 10,000 executions are forgotten first, open ones never", () =>
  inFolder(async (dir) => {
    const first = await openStore(dir);
    await first.store.executions.begin("open", "act");
    await first.store.close();
    const folder = `${first.store.paths.root}/executions`;
    for (let at = 0; at < 9_999; at++) {
      const name = `done-${`${at}`.padStart(14, "0")}-x${at}.json`;
      Deno.writeTextFileSync(`${folder}/${name}`, "");
    }
    const { store } = await openStore(dir);
    await store.executions.begin("new", "act");
    assert.ok(!store.executions.has("x0"));
    assert.ok(store.executions.has("x1"));
    assert.deepEqual(idsOf(store.executions.running), ["open", "new"]);
    assert.equal([...Deno.readDirSync(folder)].length, 10_000);
    await store.close();
  }));
