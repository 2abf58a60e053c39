import assert from "node:assert/strict";
import { type PresentNode, ServiceLink } from "../../src/agent/service_link.ts";
import type { ServiceManager } from "../../src/platform/service_manager.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

/** Remembers what it was told. */
class FakeManager implements ServiceManager {
  readonly told_: string[] = [];
  readonly watchdogMs = 60_000;
  ready = (status: string) => void this.told_.push(`ready: ${status}`);
  reloading = () => void this.told_.push("reloading");
  stopping = () => void this.told_.push("stopping");
  status = (text: string) => void this.told_.push(`status: ${text}`);
  alive = () => void this.told_.push("alive");
  moreTime = (ms: number) => void this.told_.push(`more time: ${ms}`);
  told = () => Promise.resolve();

  /** What was told since the last look. */
  take(): string[] {
    return this.told_.splice(0);
  }
}

const NODE = "n-1";
const WELL = "ok; node n-1";

/** A status with what the line is made of. */
function documentOf(reasons: readonly string[]): StatusDocument {
  const document = {
    status: reasons.length === 0 ? "ok" : "degraded",
    reasons: reasons.map((reason) => ({ reason })),
    stale: false,
    stream: { state: "streaming" },
    state: { version: null },
    sync: { pending: 0 },
    node_id: NODE,
  };
  return document as unknown as StatusDocument;
}

function linked() {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const manager = new FakeManager();
  const link = new ServiceLink(manager, {
    clock,
    random: new FakeRandom(),
    log,
  });
  const stop = new AbortController();
  const work = Promise.withResolvers<void>();
  const done = link.during(() => work.promise, stop.signal);
  return { clock, log, manager, link, stop, work, done };
}

function nodeWith(ailment: () => string | undefined = () => undefined) {
  const opened = Promise.withResolvers<void>();
  const reasons: string[] = [];
  const listeners = new Set<() => void>();
  const node: PresentNode = {
    ready: opened.promise,
    status: () => documentOf(reasons),
    vitalSigns: { check: () => Promise.resolve(ailment()) },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return { node, opened, reasons, listeners };
}

Deno.test("ServiceLink asks for time until the node is ready, then gives signs of life", async () => {
  const { clock, manager, link, work, done } = linked();
  const { node, opened } = nodeWith();
  await settle();
  assert.deepEqual(manager.take(), [
    "more time: 60000",
    "status: starting: joining, or loading the state",
  ]);
  link.present(node, new AbortController().signal);
  await clock.advance(20_000);
  assert.deepEqual(manager.take(), ["more time: 60000"]);
  opened.resolve();
  await settle();
  assert.deepEqual(manager.take(), [`ready: ${WELL}`]);
  await clock.advance(40_000);
  assert.deepEqual(manager.take(), ["alive", "alive"]);
  work.resolve();
  await done;
  assert.deepEqual(manager.take(), ["stopping"]);
});

Deno.test("ServiceLink withholds signs of life while the node is not alive, and says why", async () => {
  const { clock, log, manager, link, work, done } = linked();
  let ailment: string | undefined = "reconciler is 301 s late";
  const { node, opened } = nodeWith(() => ailment);
  link.present(node, new AbortController().signal);
  opened.resolve();
  await settle();
  manager.take();
  await clock.advance(60_000);
  assert.deepEqual(manager.take(), ["status: reconciler is 301 s late"]);
  assert.equal(log.lines.length, 1);
  assert.deepEqual(log.lines[0]?.fields, { why: "reconciler is 301 s late" });
  ailment = undefined;
  await clock.advance(20_000);
  assert.deepEqual(manager.take(), ["alive", `status: ${WELL}`]);
  work.resolve();
  await done;
});

Deno.test("ServiceLink tells at once what goes wrong", async () => {
  const { manager, link, work, done } = linked();
  const { node, opened, reasons, listeners } = nodeWith();
  link.present(node, new AbortController().signal);
  opened.resolve();
  await settle();
  manager.take();
  reasons.push("unauthorized");
  for (const tell of listeners) tell();
  await settle();
  assert.deepEqual(manager.take(), [
    "alive",
    "status: degraded: unauthorized; node n-1",
  ]);
  work.resolve();
  await done;
});

Deno.test("ServiceLink counts an agent between two identities as alive, and a new one as ready", async () => {
  const { clock, manager, link, work, done } = linked();
  const [first, second] = [nodeWith(() => "its sockets are shut"), nodeWith()];
  const leaving = new AbortController();
  link.present(first.node, leaving.signal);
  first.opened.resolve();
  await settle();
  leaving.abort();
  assert.equal(first.listeners.size, 0);
  manager.take();
  await clock.advance(20_000);
  assert.deepEqual(manager.take(), ["alive"]);
  link.present(second.node, new AbortController().signal);
  second.opened.resolve();
  await settle();
  assert.deepEqual(manager.take(), [`ready: ${WELL}`]);
  work.resolve();
  await done;
});

Deno.test("ServiceLink says that it stops when it is told to, not when it has stopped", async () => {
  const { manager, stop, work, done } = linked();
  await settle();
  manager.take();
  stop.abort();
  assert.deepEqual(manager.take(), ["stopping"]);
  work.reject(new Error("boom"));
  await assert.rejects(done, /boom/);
  assert.deepEqual(manager.take(), []);
});

Deno.test("ServiceLink is ready again after a reload that leaves the parts alone", async () => {
  const { manager, link, work, done } = linked();
  const { node, opened } = nodeWith();
  link.present(node, new AbortController().signal);
  opened.resolve();
  await settle();
  manager.take();
  link.reloading();
  link.unchanged();
  assert.deepEqual(manager.take(), ["reloading", `ready: ${WELL}`]);
  work.resolve();
  await done;
});

Deno.test("ServiceLink is not made ready by a reload while it starts", async () => {
  const { manager, link, work, done } = linked();
  await settle();
  manager.take();
  link.reloading();
  link.unchanged();
  assert.deepEqual(manager.take(), []);
  work.resolve();
  await done;
});

Deno.test("ServiceLink ends, although it was told to stop before it began", async () => {
  const manager = new FakeManager();
  const link = new ServiceLink(manager, {
    clock: new FakeClock(),
    random: new FakeRandom(),
    log: new MemoryLog(),
  });
  await link.during(() => Promise.resolve(), AbortSignal.abort());
  assert.deepEqual(manager.take().at(-1), "stopping");
});
