import assert from "node:assert/strict";
import type { AuditRecord } from "../../src/sync/audit_trail.ts";
import { SecretReadLog } from "../../src/sync/secret_read_log.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const listener = "/run/secrets.sock";

function begin() {
  const clock = new FakeClock();
  const records: AuditRecord[] = [];
  const log = new SecretReadLog((record) => records.push(record), clock);
  const read = (key: string, times = 1, status = 200) => {
    for (let at = 0; at < times; at++) log.note({ key, listener, status });
  };
  /** What was recorded since it was last asked. */
  const told = () => records.splice(0).map(({ object }) => object);
  return { clock, log, read, told, records };
}

Deno.test("a read of a secret is recorded at once, with name, place and outcome", () => {
  const { read, records } = begin();
  read("db");
  read("db", 1, 404);
  assert.deepEqual(
    records,
    [200, 404].map((status) => ({
      eventType: "secret_read",
      action: "read",
      subject: { type: "local_program", listener },
      object: { type: "secret", key: "db", status },
      result: status === 200 ? "success" : "failure",
    })),
  );
});

Deno.test("beyond ten a minute, reads alike are merged with their count until the flush", async () => {
  const { clock, log, read, told } = begin();
  read("db", 10);
  assert.equal(told().length, 10);
  await clock.advance(1_000);
  read("db");
  await clock.advance(2_000);
  read("db", 4);
  // Others are not among them.
  read("other");
  read("db", 1, 403);
  assert.deepEqual(told().map(({ key, status }) => [key, status]), [
    ["other", 200],
    ["db", 403],
  ]);
  log.flush();
  assert.deepEqual(told(), [{
    type: "secret",
    key: "db",
    status: 200,
    count: 5,
    first_at: "2026-03-01T12:00:01.000Z",
    last_at: "2026-03-01T12:00:03.000Z",
  }]);
  log.flush();
  assert.deepEqual(told(), []);
  await clock.advance(57_000);
  read("db");
  assert.equal(told().length, 1, "a new minute");
});

Deno.test("no read is lost in the count, whatever comes when", async () => {
  const { clock, log, read, told } = begin();
  let noted = 0;
  let counted = 0;
  const count = () => {
    for (const object of told()) counted += Number(object["count"] ?? 1);
  };
  for (let step = 0; step < 2_000; step++) {
    read(`key-${(step * 7) % 300}`, step % 5, step % 3 === 0 ? 404 : 200);
    noted += step % 5;
    if (step % 50 === 0) log.flush();
    if (step % 90 === 0) await clock.advance(20_000);
    count();
  }
  log.flush();
  count();
  assert.equal(counted, noted);
});

Deno.test("a million guessed names make few records, and what is kept is bounded", async () => {
  const { clock, log, read, told } = begin();
  let records = 0;
  for (let name = 0; name < 1_000_000; name++) {
    read(`guess-${name}`, 1, 404);
    if (name % 100_000 === 0) log.flush();
    records += told().length;
  }
  log.flush();
  const last = told();
  records += last.length;
  // Ten flushes in one minute, of 256 names and the rest each.
  assert.ok(records <= 100 + 12 * 257, `${records} records`);
  assert.equal(last.filter(({ key }) => key === undefined).length, 1);
  // What somebody else reads has room again later.
  await clock.advance(60_000);
  log.flush();
  read("db");
  assert.deepEqual(told(), [{ type: "secret", key: "db", status: 200 }]);
});
