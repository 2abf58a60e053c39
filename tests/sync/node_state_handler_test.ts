import assert from "node:assert/strict";
import type { StateChange } from "../../src/store/state_view.ts";
import {
  nodeSecretsHandler,
  nodeStateHandler,
} from "../../src/sync/node_state_handler.ts";
import { RefusedEventError } from "../../src/sync/refused_event_error.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { failureFrom } from "../uplink/serve.ts";
import { verifiedEvent } from "./events.ts";
import { contentOf, MemoryState } from "./memory_state.ts";

const NODE = "n_1";

function setUp(change: StateChange = {}, lastIssuedMs?: number) {
  const state = new MemoryState(change);
  const pulls: string[] = [];
  const clock = new FakeClock();
  const options = {
    state,
    nodeId: NODE,
    lastIssuedMs: () => lastIssuedMs,
    pull: (reason: string) => pulls.push(reason),
    clock,
  };
  const handlers = {
    state: nodeStateHandler(options),
    secrets: nodeSecretsHandler(options),
  };
  return { state, pulls, clock, handlers };
}

/** The event of a payload, issued `agoS` seconds before now. */
function eventOf(payload: unknown, agoS = 0, id = "evt-1") {
  const at = Date.parse("2026-03-01T12:00:00Z") - agoS * 1000;
  return verifiedEvent({
    id,
    nonce: `nonce-${id}`,
    issuedAt: new Date(at).toISOString(),
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  });
}

function wireEntry(key: string, version = 1, payload: unknown = { of: key }) {
  return {
    key,
    content_type: "application/json",
    payload,
    version,
    updated_at: "2026-03-01T12:00:00Z",
  };
}

function entry(key: string, version = 1) {
  return {
    key,
    contentType: "application/json",
    payload: `{"of":"${key}"}`,
    version,
    updatedAt: "2026-03-01T12:00:00Z",
  };
}

const before: StateChange = {
  metadata: new Map([["region", "eu"]]),
  data: [entry("old")],
  secretRefs: [{ key: "db", version: 1 }],
  complete: true,
};

const parts: { when: string; payload: unknown; after: unknown }[] = [
  {
    when: "only metadata is named",
    payload: { metadata: { a: "1" } },
    after: { metadata: { a: "1" }, data: { old: `{"of":"old"}` } },
  },
  {
    when: "only data is named",
    payload: { data: [wireEntry("new")] },
    after: { metadata: { region: "eu" }, data: { new: `{"of":"new"}` } },
  },
  {
    when: "both are named",
    payload: { metadata: { a: "1" }, data: [wireEntry("new")] },
    after: { metadata: { a: "1" }, data: { new: `{"of":"new"}` } },
  },
  {
    when: "a part is null",
    payload: { metadata: null },
    after: { metadata: {}, data: { old: `{"of":"old"}` } },
  },
  {
    when: "both are empty",
    payload: { metadata: {}, data: [] },
    after: { metadata: {}, data: {} },
  },
];

for (const { when, payload, after } of parts) {
  Deno.test(`node_state_updated replaces whole parts and leaves absent ones when ${when}`, async () => {
    const { state, handlers, pulls } = setUp(before);
    await handlers.state.handle(eventOf(payload));
    const { secrets, ...rest } = contentOf(state.view);
    assert.deepEqual(rest, after);
    assert.deepEqual(secrets, ["db"]);
    assert.deepEqual(pulls, []);
    assert.equal(state.view.complete, true);
  });
}

Deno.test("payloads reach the store byte for byte", async () => {
  const { state, handlers } = setUp();
  const payload = `{"b": 1.0,  "a":[1E+05, "\\u00e9\\/"]}`;
  const text = `{"data":[{"key":"k","content_type":"x","payload":${payload},` +
    `"version":1,"updated_at":"2026-03-01T12:00:00Z"}]}`;
  await handlers.state.handle(eventOf(text));
  assert.equal(state.view.data.get("k")?.payload, payload);
});

Deno.test("node_secrets_updated replaces the index of secrets", async () => {
  const { state, handlers } = setUp(before);
  await handlers.secrets.handle(
    eventOf({ secret_refs: [{ key: "tls", version: 4 }] }),
  );
  assert.deepEqual(state.view.secretRefs, [{ key: "tls", version: 4 }]);
  await handlers.secrets.handle(eventOf({ secret_refs: null }, 0, "evt-2"));
  assert.deepEqual(state.view.secretRefs, []);
  assert.deepEqual(contentOf(state.view).metadata, { region: "eu" });
});

for (const kind of ["state", "secrets"] as const) {
  Deno.test(`a ${kind} event that names no part asks for a pull and changes nothing`, async () => {
    const { state, handlers, pulls } = setUp(before);
    await handlers[kind].handle(eventOf({ node_id: NODE }));
    assert.equal(pulls.length, 1);
    assert.equal(state.view.revision, 0);
  });

  Deno.test(`a ${kind} event of the wrong shape throws a ShapeError and changes nothing`, async () => {
    const { state, handlers } = setUp(before);
    const payloads = [
      `[]`,
      `"text"`,
      `null`,
      `{"metadata":7,"secret_refs":7}`,
      `{"data":[{"key":"k"}],"secret_refs":[{"key":"k"}]}`,
      `{"metadata":{},"metadata":{},"secret_refs":[],"secret_refs":[]}`,
    ];
    for (const payload of payloads) {
      const failure = await failureFrom(
        handlers[kind].handle(eventOf(payload)),
      );
      assert.ok(failure instanceof ShapeError, payload);
    }
    assert.equal(state.view.revision, 0);
  });

  Deno.test(`a ${kind} event for another node is refused`, async () => {
    const { state, handlers } = setUp(before);
    const failure = await failureFrom(
      handlers[kind].handle(
        eventOf({ node_id: "n_2", metadata: {}, secret_refs: [] }),
      ),
    );
    assert.ok(failure instanceof RefusedEventError);
    assert.equal(failure.kind, "foreign");
    assert.equal(state.view.revision, 0);
  });
}

interface NumberedCase {
  readonly when: string;
  readonly known?: [epoch: number, version: number];
  readonly event: [epoch: number, version: number];
  readonly applied: boolean;
  readonly refused?: string;
  readonly pulls: number;
  readonly complete: boolean;
}

const numbered: NumberedCase[] = [
  {
    when: "it is the next one",
    known: [5, 7],
    event: [5, 8],
    applied: true,
    pulls: 0,
    complete: true,
  },
  {
    when: "it shows a gap",
    known: [5, 7],
    event: [5, 9],
    applied: true,
    pulls: 1,
    complete: false,
  },
  {
    when: "it is the one that is stored",
    known: [5, 7],
    event: [5, 7],
    applied: false,
    pulls: 0,
    complete: true,
  },
  {
    when: "it is older",
    known: [5, 7],
    event: [5, 6],
    applied: false,
    pulls: 0,
    complete: true,
  },
  {
    when: "it is of an earlier epoch",
    known: [5, 7],
    event: [4, 99],
    applied: false,
    refused: "outdated",
    pulls: 0,
    complete: true,
  },
  {
    when: "it is of an epoch that no pull has brought",
    known: [5, 7],
    event: [6, 1],
    applied: false,
    refused: "unknown_epoch",
    pulls: 0,
    complete: true,
  },
  {
    when: "it comes before the first pull",
    event: [5, 3],
    applied: true,
    pulls: 1,
    complete: false,
  },
];

for (const one of numbered) {
  const verb = one.applied ? "is applied" : "is not applied";
  Deno.test(`a numbered event ${verb} when ${one.when}`, async () => {
    const { state, handlers, pulls } = setUp({
      ...before,
      ...(one.known
        ? { position: { epoch: one.known[0], version: one.known[1] } }
        : {}),
    });
    const [epoch, version] = one.event;
    const handled = handlers.state.handle(eventOf({
      node_id: NODE,
      epoch,
      state_version: version,
      metadata: { applied: "yes" },
    }));
    if (one.refused) {
      const failure = await failureFrom(handled);
      assert.ok(failure instanceof RefusedEventError);
      assert.equal(failure.kind, one.refused);
    } else assert.equal(await handled, one.applied ? "applied" : "known");
    assert.equal(state.view.metadata.get("applied") === "yes", one.applied);
    assert.equal(pulls.length, one.pulls);
    assert.equal(state.view.complete, one.complete);
    const stored = one.applied ? one.event : one.known;
    assert.deepEqual(state.view.position, {
      epoch: stored?.[0],
      version: stored?.[1],
    });
  });
}

Deno.test("without numbers, an event older than the last of its type is refused", async () => {
  const recordedMs = Date.parse("2026-03-01T11:59:00Z");
  const { state, handlers } = setUp(before, recordedMs);
  const older = eventOf({ metadata: { a: "old" } }, 61);
  const failure = await failureFrom(handlers.state.handle(older));
  assert.ok(failure instanceof RefusedEventError);
  assert.equal(failure.kind, "outdated");
  await handlers.state.handle(eventOf({ metadata: { a: "same" } }, 60));
  assert.equal(state.view.metadata.get("a"), "same");
});

Deno.test("without numbers, order holds within a burst that is not recorded yet", async () => {
  const { state, handlers } = setUp(before);
  state.hold();
  const newer = handlers.state.handle(eventOf({ metadata: { a: "new" } }, 10));
  const older = failureFrom(
    handlers.state.handle(eventOf({ metadata: { a: "old" } }, 20, "evt-2")),
  );
  state.release();
  await newer;
  assert.ok(await older instanceof RefusedEventError);
  assert.equal(state.view.metadata.get("a"), "new");
});

Deno.test("without numbers, an event that was not stored may come again with those before it", async () => {
  const { state, handlers } = setUp(before);
  const first = eventOf({ metadata: { a: "1" } }, 20);
  const second = eventOf({ metadata: { a: "2" } }, 10, "evt-2");
  state.failures = 2;
  await failureFrom(handlers.state.handle(first));
  await failureFrom(handlers.state.handle(second));
  await handlers.state.handle(first);
  await handlers.state.handle(second);
  assert.equal(state.view.metadata.get("a"), "2");
});

Deno.test("without numbers, an event dated ahead does not shut out those that follow", async () => {
  const { state, handlers, clock } = setUp(before);
  await handlers.state.handle(eventOf({ metadata: { a: "ahead" } }, -240));
  clock.jump(2_000);
  await handlers.state.handle(eventOf({ metadata: { a: "next" } }, -1, "e2"));
  assert.equal(state.view.metadata.get("a"), "next");
});

const lower = [
  {
    kind: "state",
    what: "data entry",
    known: { data: [entry("k", 3)] },
    payload: { data: [wireEntry("k", 2)] },
  },
  {
    kind: "secrets",
    what: "secret",
    known: { secretRefs: [{ key: "k", version: 3 }] },
    payload: { secret_refs: [{ key: "k", version: 2 }] },
  },
] as const;

for (const { kind, what, known, payload } of lower) {
  Deno.test(`without numbers, a ${what} of a lower version keeps the whole event out`, async () => {
    const { state, handlers } = setUp(known);
    const failure = await failureFrom(handlers[kind].handle(eventOf(payload)));
    assert.ok(failure instanceof RefusedEventError);
    assert.equal(failure.kind, "outdated");
    assert.equal(state.view.revision, 0);
  });
}
