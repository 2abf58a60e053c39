import assert from "node:assert/strict";
import type { StatusDocument } from "../../src/wire/status.ts";
import { NODE_ID, type ScriptedPlane } from "./scripted_plane.ts";
import { besieged, EPOCH, served, VERSION } from "./siege.ts";

/** What comes over the stream, and the count in the status that it raises. */
const events: readonly {
  readonly name: string;
  readonly send: (plane: ScriptedPlane) => void;
  readonly counted: string;
}[] = [
  {
    name: "data that is no JSON",
    send: (plane) => plane.sendText("data: {nonsense\n\n"),
    counted: "malformed",
  },
  {
    name: "an envelope with a member twice",
    send: (plane) =>
      plane.sendText(
        plane.frame("node_state_updated", "{}")
          .replace("data: {", 'data: {"payload":{},'),
      ),
    counted: "malformed",
  },
  {
    name: "a wrong signature",
    send: (plane) =>
      plane.sendText(
        plane.frame("node_state_updated", '{"data":[]}')
          .replace('{"data":[]}', '{"metadata":{}}'),
      ),
    counted: "signature",
  },
  {
    name: "an event that is ten minutes old",
    send: (plane) =>
      plane.sendEvent("node_state_updated", '{"data":[]}', {
        issuedAtMs: Date.now() - 600_000,
      }),
    counted: "stale",
  },
  {
    name: "an event from the future",
    send: (plane) =>
      plane.sendEvent("node_state_updated", '{"data":[]}', {
        issuedAtMs: Date.now() + 600_000,
      }),
    counted: "future",
  },
  {
    name: "a nonce twice",
    send: (plane) => {
      const frame = plane.sendEvent("unheard_of", "{}", { nonce: "twice" });
      plane.sendText(frame);
    },
    counted: "replay",
  },
  {
    name: "a payload of another shape",
    send: (plane) =>
      plane.sendEvent("node_state_updated", '{"metadata":[1],"data":7}'),
    counted: "payload",
  },
  {
    name: "a payload that is no object",
    send: (plane) => plane.sendEvent("node_secrets_updated", '"all"'),
    counted: "payload",
  },
  {
    name: "an event for another node",
    send: (plane) =>
      plane.sendEvent(
        "node_state_updated",
        JSON.stringify({
          node_id: "n-other",
          epoch: EPOCH,
          state_version: VERSION + 1,
          metadata: {},
        }),
      ),
    counted: "foreign",
  },
  {
    name: "an event of an earlier epoch",
    send: (plane) =>
      plane.sendEvent(
        "node_state_updated",
        JSON.stringify({
          node_id: NODE_ID,
          epoch: EPOCH - 1,
          state_version: VERSION + 9,
          metadata: {},
        }),
      ),
    counted: "outdated",
  },
  {
    name: "an event of an epoch that nobody confirmed",
    send: (plane) =>
      plane.sendEvent(
        "node_state_updated",
        JSON.stringify({
          node_id: NODE_ID,
          epoch: EPOCH + 1,
          state_version: VERSION + 9,
          metadata: {},
        }),
      ),
    counted: "unknown_epoch",
  },
  {
    name: "a key that is none",
    send: (plane) =>
      plane.sendEvent("signing_key_rotated", '{"current":"AAAA"}'),
    counted: "keys",
  },
  {
    name: "an event that is too long",
    send: (plane) =>
      plane.sendEvent("node_state_updated", `{"x":"${"y".repeat(80_000)}"}`),
    counted: "too_long",
  },
];

/** Refused events, all reasons together. */
function refused({ events }: StatusDocument): number {
  return Object.values(events.rejected).reduce((sum, one) => sum + one, 0);
}

Deno.test("no event stops the agent or changes its verified state, and each is counted", async () => {
  await besieged(async ({ stage, plane, verified }) => {
    // Lines that are no events at all are passed over.
    plane.sendBytes(new Uint8Array([0xff, 0xfe, 0x00, 0x0d, 0x0a, 0x0a]));
    plane.sendText("what: is this\nretry: -1\nid: \0\n\n:\n\ndata\n\n");
    for (const { name, send, counted } of events) {
      const before = await stage.status();
      send(plane);
      const after = await stage.statusWhen(
        `"${name}" is counted as "${counted}"`,
        ({ events }) =>
          (events.rejected[counted] ?? 0) >
            (before.events.rejected[counted] ?? 0),
      );
      assert.equal(after.events.applied, before.events.applied, name);
      assert.equal(after.stream.state, "streaming", name);
      assert.deepEqual(await served(stage), verified, name);
    }
    const status = await stage.status();
    const shown = await stage.run("status");
    assert.ok(refused(status) >= events.length);
    for (const { counted } of events) {
      assert.ok(shown.stdout.includes(` ${counted}`), counted);
    }
    // As after a pull that was faster than the stream: no attack, no effect.
    plane.sendEvent(
      "node_state_updated",
      JSON.stringify({
        node_id: NODE_ID,
        epoch: EPOCH,
        state_version: VERSION - 1,
        metadata: {},
      }),
    );
    await stage.statusWhen(
      "a lower version is counted as nothing new",
      ({ events }) => events.repeated === 1,
    );
  });
});
