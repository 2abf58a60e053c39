import assert from "node:assert/strict";
import { RefusedEventError } from "../../src/sync/refused_event_error.ts";
import { sessionHandlers } from "../../src/sync/session_handlers.ts";
import { ShapeError } from "../../src/wire/shape_error.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { failureFrom } from "../uplink/serve.ts";
import { verifiedEvent } from "./events.ts";

const SETUP = {
  node_id: "n_a",
  session_id: "s1",
  target_host: "db.internal",
  target_port: 22,
  authorized_key: "ssh-ed25519 AAAA",
  expires_at: "2026-03-01T13:00:00Z",
};

Deno.test("a session that is asked for is noted, kept and logged; so is its end", () =>
  inFolder(async (dataDir) => {
    const { store, clock } = await openStore(dataDir);
    const log = new MemoryLog();
    const handlers = sessionHandlers({
      log,
      sessions: store.sessions,
      nodeId: "n_a",
      clock,
    });
    const handle = (type: string, payload: unknown) =>
      handlers.get(type)!.handle(
        verifiedEvent({ type, payload: JSON.stringify(payload) }),
      );
    assert.equal(await handle("ssh_session_setup", SETUP), "applied");
    assert.equal(log.lines[0]?.level, "warn");
    assert.equal(
      await handle("session_revoked", { session_id: "s1" }),
      "applied",
    );
    assert.equal(
      await handle("session_revoked", { session_id: "s9" }),
      "applied",
    );
    await store.close();

    const again = await openStore(dataDir);
    const at = new Date(clock.now()).toISOString();
    assert.deepEqual(again.store.sessions.sessions, [
      {
        sessionId: "s1",
        target: "db.internal:22",
        expiresAt: "2026-03-01T13:00:00Z",
        requestedAt: at,
        revokedAt: at,
      },
      { sessionId: "s9", revokedAt: at },
    ]);
    await again.store.close();
  }));

const refusing = { note: () => assert.fail("nothing may be noted") };

for (
  const [what, change] of [
    ["port 0", { target_port: 0 }],
    ["port 65536", { target_port: 65_536 }],
    ["no host", { target_host: "" }],
    ["a time that is none", { expires_at: "soon" }],
    ["no id", { session_id: undefined }],
    ["no key", { authorized_key: undefined }],
  ] as const
) {
  Deno.test(`a session with ${what} has no effect`, async () => {
    const handlers = sessionHandlers({
      log: new MemoryLog(),
      sessions: refusing,
      nodeId: "n_a",
      clock: { now: () => 0 } as never,
    });
    const payload = JSON.stringify({ ...SETUP, ...change });
    const event = verifiedEvent({ type: "ssh_session_setup", payload });
    const failure = await failureFrom(
      handlers.get("ssh_session_setup")!.handle(event),
    );
    assert.ok(failure instanceof ShapeError, String(failure));
  });
}

Deno.test("a session of another node is refused", async () => {
  const handlers = sessionHandlers({
    log: new MemoryLog(),
    sessions: refusing,
    nodeId: "n_b",
    clock: { now: () => 0 } as never,
  });
  const event = verifiedEvent({ payload: JSON.stringify(SETUP) });
  const failure = await failureFrom(
    handlers.get("ssh_session_setup")!.handle(event),
  );
  assert.ok(failure instanceof RefusedEventError);
});

Deno.test("a hundred sessions are kept, a damaged file costs nothing else", () =>
  inFolder(async (dataDir) => {
    const first = await openStore(dataDir);
    for (let count = 0; count < 105; count++) {
      first.store.sessions.note({ sessionId: `s${count}` });
    }
    assert.equal(first.store.sessions.sessions.length, 100);
    assert.equal(first.store.sessions.sessions[0]?.sessionId, "s5");
    await first.store.close();
    const path = `${dataDir}/clusters/default/telemetry/sessions.json`;
    Deno.writeTextFileSync(path, Deno.readTextFileSync(path).slice(1));
    const { store, recovered } = await openStore(dataDir);
    assert.deepEqual(store.sessions.sessions, []);
    assert.equal(recovered[0]?.file, "telemetry/sessions.json");
    await store.close();
  }));
