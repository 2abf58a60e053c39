import assert from "node:assert/strict";
import type { Dialect } from "../../src/wire/dialect.ts";
import type { StatusDocument } from "../../src/wire/status.ts";
import type { ScriptedPlane } from "./scripted_plane.ts";
import { besieged, EPOCH, served, VERSION } from "./siege.ts";

/** What comes over the stream, and the count in the status that it raises. */
interface BadEvent {
  readonly name: string;
  readonly send: (plane: ScriptedPlane) => void;
  readonly counted: string;
}

const IN_BOTH: readonly BadEvent[] = [
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
    name: "an event that is too long",
    send: (plane) =>
      plane.sendEvent("node_state_updated", `{"x":"${"y".repeat(80_000)}"}`),
    counted: "too_long",
  },
];

/** What only one dialect has in its events, or calls so. */
const IN_ONE: Readonly<Record<Dialect, readonly BadEvent[]>> = {
  1: [
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
            node_id: plane.nodeId,
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
            node_id: plane.nodeId,
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
      name: "an event that claims the end of time",
      send: (plane) =>
        plane.sendEvent("node_state_updated", '{"data":[]}', {
          issuedAtMs: Date.parse("9999-12-31T23:59:59Z"),
        }),
      counted: "future",
    },
    {
      name: "a version that no computer knows",
      send: (plane) =>
        plane.sendEvent(
          "node_state_updated",
          `{"node_id":"${plane.nodeId}","epoch":${EPOCH},` +
            '"state_version":1e400,"data":[]}',
        ),
      counted: "payload",
    },
  ],
  // Without nonce and number, and what an event carries is not looked at.
  2: [
    {
      name: "a key that nobody has announced",
      send: (plane) =>
        plane.sendText(
          plane.frame("node_state_updated", "{}")
            .replace('"key_id":"', '"key_id":"other-'),
        ),
      counted: "unknown_key_id",
    },
    {
      name: "an event for another node",
      send: (plane) => {
        const { nodeId } = plane;
        plane.nodeId = plane.form.second.nodeId;
        plane.sendEvent("node_state_updated", "{}");
        plane.nodeId = nodeId;
      },
      counted: "foreign",
    },
    {
      name: "an event of the other dialect",
      send: (plane) =>
        plane.sendText(
          plane.frame("node_state_updated", "{}")
            .replace('"type":', '"event_type":'),
        ),
      counted: "malformed",
    },
    {
      name: "a key that is none",
      send: (plane) =>
        plane.sendEvent(
          "signing_key_rotated",
          '{"key_id":"next","public_key":"AAAA"}',
        ),
      counted: "keys",
    },
    {
      name: "a key without a name",
      send: (plane) =>
        plane.sendEvent(
          "signing_key_rotated",
          JSON.stringify({ public_key: plane.publicKey }),
        ),
      counted: "payload",
    },
  ],
};

/** Refused events, all reasons together. */
function refused({ events }: StatusDocument): number {
  return Object.values(events.rejected).reduce((sum, one) => sum + one, 0);
}

for (const dialect of [1, 2] as const) {
  Deno.test(`no event stops the agent or changes its verified state, and each is counted, dialect ${dialect}`, async () => {
    await besieged(dialect, async ({ stage, plane, verified }) => {
      const events = [...IN_BOTH, ...IN_ONE[dialect]];
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
      if (dialect === 2) return;
      // As after a pull that was faster than the stream: no attack, no effect.
      plane.sendEvent(
        "node_state_updated",
        JSON.stringify({
          node_id: plane.nodeId,
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
}

for (const dialect of [1, 2] as const) {
  Deno.test(`plexd why tells of events that nobody known has signed, until one is verified, dialect ${dialect}`, async () => {
    await besieged(dialect, async ({ stage, plane }) => {
      const forge = () =>
        plane.sendText(
          plane.frame("node_state_updated", '{"data":[]}')
            .replace('{"data":[]}', '{"metadata":{}}'),
        );
      for (let n = 0; n < 3; n++) forge();
      await stage.statusWhen(
        "they are counted",
        ({ events }) => events.unsigned?.count === 3,
      );
      const why = await stage.run("why");
      assert.equal(why.code, 1);
      assert.match(why.stdout, /no key that this node trusts .*the last 3/);
      assert.match(why.stdout, /whether its signing keys have changed/);
      plane.sendEvent("unheard_of", "{}");
      await stage.statusWhen(
        "one that is verified ends it",
        ({ events }) => events.unsigned === null,
      );
    });
  });
}

Deno.test("another event under an id that was there has no effect", async () => {
  await besieged(1, async ({ stage, plane }) => {
    const wiped = JSON.stringify({
      node_id: plane.nodeId,
      epoch: EPOCH,
      state_version: VERSION + 1,
      metadata: {},
      data: [],
    });
    plane.sendEvent("unheard_of", "{}", { id: "one" });
    plane.sendEvent("node_state_updated", wiped, { id: "one" });
    await stage.statusWhen(
      "it is counted apart",
      ({ events }) => events.repeated === 1,
    );
    const { stdout } = await stage.run("status");
    assert.match(stdout, /1 brought nothing new/);
  });
});
