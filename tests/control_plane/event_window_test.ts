import assert from "node:assert/strict";
import { EventWindow } from "../../src/control_plane/event_window.ts";
import type {
  Rows,
  Storage,
  StoredEvent,
} from "../../src/control_plane/storage/storage.ts";

const DOMAIN = "d";

/** Events in memory, as storage has them; counts its reads. */
class StoredEvents {
  readonly events: StoredEvent[] = [];
  reads = 0;
  fails = false;
  readonly storage = {
    read: <T>(work: (rows: Rows) => Promise<T>) => {
      this.reads++;
      if (this.fails) return Promise.reject(new Error("disk"));
      return work({ events: this.#rows } as unknown as Rows);
    },
  } as Storage;
  readonly #rows = {
    lastSequence: () => this.events.length,
    allAfter: (sequence: number, limit: number) =>
      this.events.slice(sequence, sequence + limit),
    after: (sequence: number, { nodeId }: { nodeId: string }, limit: number) =>
      this.events.slice(sequence).filter((event) =>
        event.nodeId === nodeId ||
        (event.nodeId === undefined && event.exceptNodeId !== nodeId)
      ).slice(0, limit),
  };

  /** @param nodeId For all of the domain without one. */
  add(nodeId?: string, exceptNodeId?: string, payload = "{}"): void {
    const sequence = this.events.length + 1;
    this.events.push({
      sequence,
      id: `e${sequence}`,
      type: "peer_added",
      domainId: DOMAIN,
      nodeId,
      exceptNodeId,
      payload,
      signingKeyId: "k",
      createdAtMs: 0,
    });
  }
}

/** All that the node is given from a sequence on, as a stream takes it. */
async function all(window: EventWindow, nodeId: string, from: number) {
  const sequences: number[] = [];
  for (let at = from;;) {
    const batch = await window.after(at, { nodeId, domainId: DOMAIN });
    if (batch.events.length === 0) return { sequences, upTo: batch.upTo };
    sequences.push(...batch.events.map(({ sequence }) => sequence));
    at = batch.events.at(-1)!.sequence;
  }
}

Deno.test("EventWindow reads an event of a domain once for all its nodes", async () => {
  const stored = new StoredEvents();
  const window = new EventWindow(stored.storage);
  await all(window, "n0", 0);
  stored.add(undefined, "n3");
  stored.add("n5");
  const before = stored.reads;
  window.fallBehind();
  const given = await Promise.all(
    Array.from({ length: 10 }, (_, at) => all(window, `n${at}`, 0)),
  );
  assert.equal(stored.reads, before + 1);
  assert.deepEqual(
    given.map(({ sequences }) => sequences.join()),
    ["1", "1", "1", "", "1", "1,2", "1", "1", "1", "1"],
  );
  assert.ok(given.every(({ upTo }) => upTo === 2));
});

Deno.test("EventWindow gives what is older than it from storage, without gaps or repetitions", async () => {
  const stored = new StoredEvents();
  for (let at = 0; at < 40; at++) stored.add(at % 2 === 0 ? "n1" : undefined);
  const window = new EventWindow(stored.storage);
  await all(window, "n1", 40);
  for (let at = 0; at < 600; at++) stored.add(at % 3 === 0 ? "n2" : undefined);
  window.fallBehind();
  for (const nodeId of ["n1", "n2"]) {
    const { sequences, upTo } = await all(window, nodeId, 0);
    const expected = stored.events.filter((event) =>
      event.nodeId === undefined || event.nodeId === nodeId
    ).map(({ sequence }) => sequence);
    assert.deepEqual(sequences, expected);
    assert.equal(upTo, 640);
  }
});

Deno.test("EventWindow keeps a bounded number of events, and still gives all", async () => {
  const stored = new StoredEvents();
  const window = new EventWindow(stored.storage);
  await all(window, "n1", 0);
  const payload = "x".repeat(64 * 1024);
  for (let at = 0; at < 300; at++) stored.add("n1", undefined, payload);
  window.fallBehind();
  const { sequences } = await all(window, "n1", 0);
  assert.equal(sequences.length, 300);
  const before = stored.reads;
  await all(window, "n1", 299);
  assert.equal(stored.reads, before, "the newest are in memory");
  await all(window, "n1", 0);
  assert.ok(stored.reads > before, "the oldest are not");
});

Deno.test("EventWindow asks storage again after it failed", async () => {
  const stored = new StoredEvents();
  const window = new EventWindow(stored.storage);
  stored.fails = true;
  await assert.rejects(all(window, "n1", 0), /disk/);
  stored.fails = false;
  stored.add("n1");
  assert.deepEqual((await all(window, "n1", 0)).sequences, [1]);
});
