import assert from "node:assert/strict";
import type { Disk } from "../../src/store/disk.ts";
import { systemDisk } from "../../src/store/disk.ts";
import type { Membership } from "../../src/store/membership.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import { Dispatcher } from "../../src/sync/dispatcher.ts";
import {
  nodeSecretsHandler,
  nodeStateHandler,
} from "../../src/sync/node_state_handler.ts";
import { PulledKeys } from "../../src/sync/pulled_keys.ts";
import { Reconciler } from "../../src/sync/reconciler.ts";
import { signingKeyHandler } from "../../src/sync/signing_key_handler.ts";
import { Keyring } from "../../src/trust/keyring.ts";
import { ReplayWindow } from "../../src/trust/replay_window.ts";
import { eventReader } from "../../src/trust/event_reader.ts";
import type { MessageSink } from "../../src/uplink/message_sink.ts";
import type { SseMessage } from "../../src/uplink/sse_parser.ts";
import type { Envelope } from "../../src/wire/envelope.ts";
import type { DesiredState } from "../../src/wire/state.ts";
import { parseStateDocument } from "../../src/wire/state_document.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { CrashDisk } from "../store/crash_disk.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { publicKeyOf, signedEvent, type SignerName } from "../trust/signers.ts";
import { until } from "../uplink/serve.ts";
import { contentOf } from "./memory_state.ts";

/** The parts between stream and store, as the agent connects them. */
interface Spine {
  readonly store: Membership;
  readonly dispatcher: Dispatcher & MessageSink;
  readonly reconciler: Reconciler;
  readonly keyring: Keyring;
}

const NODE = "n_1";
const never = new AbortController().signal;

async function openSpine(
  dir: string,
  options: {
    readonly disk?: Disk;
    readonly fetchState?: () => Promise<DesiredState>;
  } = {},
): Promise<Spine> {
  const clock = new FakeClock();
  const { store } = await openStore(dir, options.disk ?? systemDisk, clock);
  const log = new MemoryLog();
  const io = { clock, random: new FakeRandom(), log };
  const keyring = new Keyring(
    store.trust.load() ??
      { current: publicKeyOf("A"), retired: [], signedChange: false },
  );
  const degraded = new Degraded(clock, log);
  const reconciler = new Reconciler({
    uplink: {
      fetchState: options.fetchState ??
        (() => Promise.reject(new Error("no pull in this test"))),
      reportDrift: () => Promise.resolve(),
    },
    state: store.state,
    keys: new PulledKeys({
      keyring,
      store: store.trust,
      allowed: true,
      degraded,
      clock,
    }),
    nodeId: NODE,
    io,
  });
  const handling = {
    state: store.state,
    nodeId: NODE,
    lastIssuedMs: (type: string) => store.events.lastIssuedMs(type),
    pull: () => {},
    clock,
  };
  const dispatcher = new Dispatcher({
    reader: eventReader(1, {
      keyring,
      replayWindow: new ReplayWindow(store.events.nonces()),
      clock,
    }),
    ledger: store.events,
    handlers: new Map([
      ["node_state_updated", [nodeStateHandler(handling)]],
      ["node_secrets_updated", [nodeSecretsHandler(handling)]],
      ["signing_key_rotated", [
        signingKeyHandler({
          keyring,
          store: store.trust,
          nodeId: NODE,
          clock,
          log,
        }),
      ]],
    ]),
    pull: () => {},
    clock,
    log,
  });
  return { store, dispatcher, reconciler, keyring };
}

function message(
  n: number,
  fields: Partial<Envelope>,
  signer: SignerName = "A",
  nonce = `nonce-${n}`,
): SseMessage {
  const event = signedEvent({ id: `evt-${n}`, nonce, ...fields }, signer);
  const data = `{"event_type":${JSON.stringify(event.type)},` +
    `"event_id":"${event.id}","issued_at":"${event.issuedAt}",` +
    `"nonce":"${event.nonce}","payload":${event.payload},` +
    `"signature":"${event.signature}"}`;
  return { id: String(n), event: event.type, data };
}

/** Event `n` of a numbered history: metadata on odd ones, data on even ones. */
function historyEvent(n: number, nonce?: string): SseMessage {
  const part = n % 2 === 1
    ? `"metadata":{"at":"${n}"}`
    : `"data":[{"key":"at","content_type":"x","payload":${n}.0,` +
      `"version":${n},"updated_at":"2026-03-01T12:00:00Z"}]`;
  const payload =
    `{"node_id":"${NODE}","epoch":5,"state_version":${n},${part}}`;
  return message(n, { payload }, "A", nonce);
}

/** The newest event of which a state shows the effect. */
function newestIn({ store }: Spine): number {
  const { metadata, data } = contentOf(store.state.view);
  return Math.max(Number(metadata["at"] ?? 0), Number(data["at"] ?? 0));
}

Deno.test("a burst of events is durable, in order and byte for byte, after a restart", () =>
  inFolder(async (dir) => {
    const first = await openSpine(dir);
    for (let n = 1; n <= 100; n++) {
      await first.dispatcher.accept(historyEvent(n));
    }
    await first.dispatcher.drain();
    assert.equal(first.dispatcher.status.applied, 100);
    await first.store.close();

    const second = await openSpine(dir);
    assert.deepEqual(contentOf(second.store.state.view), {
      metadata: { at: "99" },
      data: { at: "100.0" },
      secrets: [],
    });
    assert.equal(second.store.events.cursor, "100");
    assert.equal(second.store.state.view.position?.version, 100);
    await second.store.close();
  }));

Deno.test("after a restart a replayed nonce is refused and a repeated event has no effect", () =>
  inFolder(async (dir) => {
    const first = await openSpine(dir);
    await first.dispatcher.accept(historyEvent(1));
    await first.dispatcher.drain();
    await first.store.close();

    const second = await openSpine(dir);
    const before = second.store.state.view;
    await second.dispatcher.accept(historyEvent(1));
    await second.dispatcher.accept(historyEvent(1, "fresh-nonce"));
    await second.dispatcher.drain();
    const { rejected, repeated } = second.dispatcher.status;
    assert.deepEqual(rejected, { replay: 1 });
    assert.equal(repeated, 1);
    assert.equal(second.store.state.view, before);
    await second.store.close();
  }));

Deno.test("a rotated key verifies the events after it, also after a restart", () =>
  inFolder(async (dir) => {
    const rotation = JSON.stringify({
      current: publicKeyOf("B"),
      previous: publicKeyOf("A"),
      transition_expires: "2026-03-01T13:00:00Z",
    });
    const metadata = (value: string) => `{"metadata":{"a":"${value}"}}`;
    const first = await openSpine(dir);
    for (
      const each of [
        message(1, { payload: metadata("before") }),
        message(2, { type: "signing_key_rotated", payload: rotation }),
        message(3, { payload: metadata("after") }, "B"),
      ]
    ) await first.dispatcher.accept(each);
    await first.dispatcher.drain();
    assert.equal(first.store.state.view.metadata.get("a"), "after");
    await first.store.close();

    const second = await openSpine(dir);
    assert.equal(second.keyring.state.current, publicKeyOf("B"));
    await second.dispatcher.accept(
      message(4, { payload: metadata("restarted") }, "B"),
    );
    await second.dispatcher.accept(
      message(5, { payload: metadata("forged") }, "C"),
    );
    await second.dispatcher.drain();
    assert.equal(second.store.state.view.metadata.get("a"), "restarted");
    assert.deepEqual(second.dispatcher.status.rejected, { signature: 1 });
    await second.store.close();
  }));

/** Delivers events `from` to 4, as far as the disk lets it. */
async function deliver(
  { dispatcher }: Spine,
  from: number,
  attempt: string,
): Promise<void> {
  try {
    for (let n = from; n <= 4; n++) {
      await dispatcher.accept(historyEvent(n, `${attempt}-${n}`));
      // Some share a commit, some do not.
      if (n % 2 === 0) await dispatcher.drain();
    }
    await dispatcher.drain();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

for (const then of ["end", "go_on"] as const) {
  const what = then === "end" ? "a crash" : "a failing call";
  Deno.test(`${what} at any step loses no event: the cursor never passes an effect`, async () => {
    for (let at = 1, reached = true; reached; at++) {
      await inFolder(async (dir) => {
        await (await openSpine(dir)).store.close();
        const disk = new CrashDisk();
        const first = await openSpine(dir, { disk });
        disk.plan({ at, then });
        await deliver(first, 1, "first");
        reached = disk.reached;
        await first.store.close().catch(() => {});

        const second = await openSpine(dir);
        const cursor = Number(second.store.events.cursor ?? 0);
        const newest = newestIn(second);
        assert.ok(newest >= cursor, `step ${at}: ${newest} < ${cursor}`);
        await deliver(second, cursor + 1, "second");
        assert.equal(newestIn(second), 4, `step ${at}`);
        assert.equal(second.store.events.cursor, "4", `step ${at}`);
        assert.equal(second.store.state.view.position?.version, 4);
        await second.store.close();
      });
    }
  });
}

function documentOf(version: number): DesiredState {
  return parseStateDocument(JSON.stringify({
    node_id: NODE,
    epoch: 5,
    state_version: version,
    metadata: { at: String(version) },
    data: [],
    secret_refs: [],
  }));
}

/** The real disk, on which new files take until the test lets them through. */
function slowDisk() {
  let gate: PromiseWithResolvers<void> | undefined;
  let waiting = 0;
  const disk: Disk = {
    ...systemDisk,
    async create(path, bytes) {
      waiting++;
      await gate?.promise;
      await systemDisk.create(path, bytes);
    },
  };
  return {
    disk,
    hold: () => {
      gate = Promise.withResolvers();
    },
    release: () => {
      gate?.resolve();
      gate = undefined;
    },
    waiting: () => waiting,
  };
}

Deno.test("on a slow disk older state never overwrites a newer pull", () =>
  inFolder(async (dir) => {
    const before = await openSpine(dir);
    await before.dispatcher.accept(historyEvent(1));
    await before.dispatcher.drain();
    await before.store.close();

    const slow = slowDisk();
    const spine = await openSpine(dir, {
      disk: slow.disk,
      fetchState: () => Promise.resolve(documentOf(7)),
    });
    // What is on disk is there before anything can come from outside.
    assert.equal(newestIn(spine), 1);
    slow.hold();
    await spine.dispatcher.accept(historyEvent(3));
    await until("the first write waits", () => slow.waiting() > 0);
    const pulled = spine.reconciler.pullNow(never);
    await spine.dispatcher.accept(historyEvent(5));
    assert.equal(newestIn(spine), 1, "nothing is visible before it is durable");
    slow.release();
    await pulled;
    await spine.dispatcher.drain();
    assert.equal(newestIn(spine), 7);
    await spine.store.close();

    const after = await openSpine(dir);
    assert.equal(newestIn(after), 7);
    assert.equal(after.store.state.view.position?.version, 7);
    await after.store.close();
  }));

Deno.test("an event and an older answer of a pull in one commit: the event stays", () =>
  inFolder(async (dir) => {
    const answers = ["stale", "event"].map((a) =>
      parseStateDocument(JSON.stringify({ metadata: { a }, data: [] }))
    );
    const { store, dispatcher, reconciler } = await openSpine(dir, {
      fetchState: () => Promise.resolve(answers.shift()!),
    });
    const pulled = reconciler.pullNow(never);
    await dispatcher.accept(
      message(1, { payload: `{"metadata":{"a":"event"}}` }),
    );
    await pulled;
    await dispatcher.drain();
    assert.equal(store.state.view.metadata.get("a"), "event");
    assert.equal(answers.length, 0, "the state was fetched again");
    await store.close();
  }));

Deno.test("readers see an update whole or not at all, and keep what they hold", () =>
  inFolder(async (dir) => {
    const { store, dispatcher } = await openSpine(dir);
    const both = (n: number) =>
      message(n, {
        payload: `{"metadata":{"n":"${n}"},"data":[{"key":"n",` +
          `"content_type":"x","payload":${n},"version":${n},` +
          `"updated_at":"2026-03-01T12:00:00Z"}]}`,
      });
    const held = store.state.view;
    const seen: string[] = [];
    store.state.onChange(({ metadata, data }) =>
      seen.push(`${metadata.get("n")}/${data.get("n")?.payload}`)
    );
    for (let n = 1; n <= 20; n++) {
      await dispatcher.accept(both(n));
      if (n % 5 === 0) await dispatcher.drain();
    }
    assert.ok(seen.length > 0);
    for (const one of seen) {
      const [metadata, data] = one.split("/");
      assert.equal(metadata, data);
    }
    assert.equal(seen.at(-1), "20/20");
    assert.equal(held.metadata.size + held.data.size, 0);
    await store.close();
  }));
