import assert from "node:assert/strict";
import { AuditLog } from "../../../src/control_plane/audit/audit_log.ts";
import { openSqliteStorage } from "../../../src/control_plane/sqlite_storage.ts";
import type { Storage } from "../../../src/control_plane/storage/storage.ts";
import { systemRandom } from "../../../src/platform/random.ts";
import { evalWithGc } from "../../eval_with_gc.ts";
import { FakeClock, settle } from "../../fakes/fake_clock.ts";
import { MemoryLog } from "../../fakes/memory_log.ts";

function offered(object: string) {
  return {
    subject: "node:a",
    relation: "node_state.pull",
    object,
    outcome: "granted",
    source: "192.0.2.7",
  };
}

class Stage implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  readonly #stored: Storage;
  transactions = 0;
  failing = false;
  readonly audit: AuditLog;

  constructor(readonly folder: string) {
    this.#stored = openSqliteStorage(`${folder}/db`);
    const storage: Storage = {
      ...this.#stored,
      write: (work) => {
        this.transactions++;
        if (this.failing) return Promise.reject(new Error("disk full"));
        return this.#stored.write(work);
      },
    };
    const io = { clock: this.clock, random: systemRandom, log: this.log };
    this.audit = new AuditLog(storage, io);
  }

  async objects(): Promise<string[]> {
    const rows = await this.#stored.read(async ({ audit }) =>
      await audit.newest(10)
    );
    return rows.map(({ object }) => object).reverse();
  }

  async [Symbol.asyncDispose]() {
    this.#stored.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function stage() {
  return new Stage(await Deno.makeTempDir({ prefix: "plexd-audit-" }));
}

Deno.test("AuditLog writes many rows in one transaction, in order", async () => {
  await using on = await stage();
  for (const object of ["1", "2", "3"]) on.audit.offer(offered(object));
  await on.audit.flush();
  assert.deepEqual(await on.objects(), ["1", "2", "3"]);
  assert.equal(on.transactions, 1);
});

Deno.test("AuditLog keeps what is offered while it writes", async () => {
  await using on = await stage();
  on.audit.offer(offered("1"));
  const writing = on.audit.flush();
  await Promise.resolve();
  on.audit.offer(offered("2"));
  await writing;
  await on.audit.flush();
  assert.deepEqual(await on.objects(), ["1", "2"]);
});

Deno.test("AuditLog writes by itself, tries again, and ends with everything written", async () => {
  await using on = await stage();
  const stop = new AbortController();
  on.failing = true;
  const running = on.audit.run(stop.signal);
  on.audit.offer(offered("1"));
  while (on.clock.sleeping.length === 0) await settle();
  on.failing = false;
  await on.clock.advance(1_000);
  on.audit.offer(offered("2"));
  stop.abort();
  await running;
  assert.deepEqual(await on.objects(), ["1", "2"]);
  assert.ok(
    on.log.lines.some(({ message }) => message === "Audit rows not written"),
  );
});

Deno.test("AuditLog bounds what waits, and says how much was lost", async () => {
  await using on = await stage();
  for (let at = 0; at < 10_002; at++) on.audit.offer(offered(String(at)));
  await on.audit.flush();
  const lost = on.log.lines.find(({ message }) =>
    message === "Audit rows lost"
  );
  assert.deepEqual(lost?.fields, { lost: 2 });
});

Deno.test("AuditLog that waits leaves at once, and keeps nothing of its rounds", async () => {
  const program = `
    import { AuditLog } from "./src/control_plane/audit/audit_log.ts";
    const log = new AuditLog({ write: async () => {} }, {
      clock: { now: () => 0 },
    });
    const stop = new AbortController();
    const running = log.run(stop.signal);
    const bytesAfter = async (rounds) => {
      for (let round = 0; round < rounds; round++) {
        log.offer({ subject: "s", relation: "r", object: "o", outcome: "x", source: "" });
        for (let turn = 0; turn < 12; turn++) await undefined;
      }
      gc();
      return Deno.memoryUsage().heapUsed;
    };
    const before = await bytesAfter(5_000);
    const after = await bytesAfter(20_000);
    stop.abort();
    await running;
    console.log(Math.round((after - before) / 20_000));
  `;
  const printed = await evalWithGc(program);
  assert.ok(Number(printed) < 50, printed);
});
