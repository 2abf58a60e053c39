import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import {
  type CommitConnection,
  SharedCommits,
} from "../../../src/control_plane/storage/shared_commits.ts";
import type { Rows } from "../../../src/control_plane/storage/storage.ts";

/** A database in memory that writes down what it is told. */
class Connection implements CommitConnection {
  readonly database = new DatabaseSync(":memory:");
  readonly told: string[] = [];
  /** Statements that fail. */
  readonly broken = new Set<string>();
  readonly rows = {} as Rows;

  constructor() {
    this.database.exec("CREATE TABLE t (name TEXT PRIMARY KEY)");
  }

  get isTransaction(): boolean {
    return this.database.isTransaction;
  }

  exec(text: string): void {
    this.told.push(text);
    if (this.broken.has(text)) throw new Error(`broken: ${text}`);
    this.database.exec(text);
  }

  add(name: string): Promise<string> {
    this.database.prepare("INSERT INTO t VALUES (?)").run(name);
    return Promise.resolve(name);
  }

  get names(): unknown[] {
    return this.database.prepare("SELECT name FROM t ORDER BY name").all()
      .map((row) => row["name"]);
  }

  count(text: string): number {
    return this.told.filter((one) => one === text).length;
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}

Deno.test("work that waits together shares one commit, and each gets its own result", async () => {
  using on = new Connection();
  const commits = new SharedCommits(on);
  const results = await Promise.all(
    ["a", "b", "c"].map((name) => commits.write(() => on.add(name))),
  );
  assert.deepEqual(results, ["a", "b", "c"]);
  assert.deepEqual(on.names, ["a", "b", "c"]);
  assert.equal(on.count("COMMIT"), 1);
});

Deno.test("work that fails is taken back alone", async () => {
  using on = new Connection();
  const commits = new SharedCommits(on);
  const results = await Promise.allSettled([
    commits.write(() => on.add("a")),
    commits.write(async () => {
      await on.add("b");
      throw new RangeError("changed its mind");
    }),
    commits.write(() => on.add("a")),
    commits.write(() => on.add("c")),
  ]);
  assert.deepEqual(results.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  assert.deepEqual(on.names, ["a", "c"]);
});

Deno.test("nothing is acknowledged, nor refused, before the commit", async () => {
  using on = new Connection();
  const commits = new SharedCommits(on);
  const seen: string[] = [];
  const note = () => {
    seen.push(on.told.at(-1)!);
  };
  await Promise.all([
    commits.write(() => on.add("a")).then(note),
    commits.write(() => Promise.reject(new Error("no"))).catch(note),
  ]);
  assert.deepEqual(seen, ["COMMIT", "COMMIT"]);
});

Deno.test("a commit that fails fails for all, and leaves nothing", async () => {
  using on = new Connection();
  on.broken.add("COMMIT");
  const commits = new SharedCommits(on);
  const both = await Promise.allSettled([
    commits.write(() => on.add("a")),
    commits.write(() => Promise.reject(new Error("no"))),
  ]);
  for (const one of both) {
    assert.match(String((one as PromiseRejectedResult).reason), /broken/);
  }
  assert.deepEqual(on.names, []);
  on.broken.clear();
  await commits.write(() => on.add("b"));
  assert.deepEqual(on.names, ["b"]);
});

Deno.test("a transaction that ends by itself fails for all that was in it, and not for what comes after", async () => {
  using on = new Connection();
  const commits = new SharedCommits(on);
  const results = await Promise.allSettled([
    commits.write(() => on.add("a")),
    commits.write(() => {
      on.database.exec("ROLLBACK"); // as SQLite does when the disk is full
      return Promise.reject(new Error("full"));
    }),
    commits.write(() => on.add("c")),
  ]);
  assert.deepEqual(results.map(({ status }) => status), [
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  assert.deepEqual(on.names, ["c"]);
});

Deno.test("a transaction that cannot begin fails for the first only", async () => {
  using on = new Connection();
  on.broken.add("BEGIN IMMEDIATE");
  const commits = new SharedCommits(on);
  const first = commits.write(() => on.add("a"));
  const second = commits.write(() => on.add("b"));
  await assert.rejects(first, /broken/);
  on.broken.clear();
  assert.equal(await second, "b");
  assert.deepEqual(on.names, ["b"]);
});

Deno.test("work that cannot be taken back alone fails for all before it, and not for what comes after", async () => {
  using on = new Connection();
  on.broken.add("ROLLBACK TO work; RELEASE work");
  const commits = new SharedCommits(on);
  const results = await Promise.allSettled([
    commits.write(() => on.add("a")),
    commits.write(async () => {
      await on.add("b");
      throw new RangeError("changed its mind");
    }),
    commits.write(() => on.add("c")),
  ]);
  assert.deepEqual(results.map(({ status }) => status), [
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  assert.deepEqual(on.names, ["c"]);
});
