import assert from "node:assert/strict";
import {
  type BadAnswer,
  besieged,
  body,
  BOMB,
  doBadThing,
  endless,
  HTML,
  redirect,
  screen,
  served,
  slow,
  statusTells,
} from "./siege.ts";

const STREAM = { "content-type": "text/event-stream" };

/** Never the same words twice in a row, so that they cannot be the one before. */
const streams: readonly BadAnswer[] = [
  { name: "HTML with 200", answer: () => HTML, says: /event-stream/ },
  {
    name: "no answer",
    answer: ({ plane }) => plane.silence,
    says: /events got no answer within 1000 ms/,
  },
  {
    name: "an empty answer",
    answer: () => body(null, { status: 204 }),
    says: /event-stream/,
  },
  {
    name: "a stream that is cut inside an event",
    answer: () => slow(STREAM),
    cut: true,
    says: /event stream broke off/,
  },
  {
    name: "a stream that ends at once",
    answer: () => body("", { headers: STREAM }),
    says: /ended the event stream/,
  },
  redirect(302),
  {
    name: "a stream that is no text",
    answer: () =>
      body(new Uint8Array(100_000).map((_, at) => at * 7), {
        headers: STREAM,
      }),
    says: /ended the event stream/,
  },
  redirect(307),
  {
    name: "a gzip bomb as a stream",
    answer: () =>
      body(BOMB, { headers: { ...STREAM, "content-encoding": "gzip" } }),
    says: /ended the event stream/,
  },
  ...[400, 404, 410, 429, 501, 503].map((status) => ({
    name: `status ${status}`,
    answer: () => body("no", { status }),
    says: new RegExp(`status ${status}`),
  })),
  ...[401, 403].map((status) => ({
    name: `status ${status}`,
    answer: () => body("no", { status }),
    says: new RegExp(`status ${status}`),
    reason: "unauthorized" as const,
  })),
];

for (const dialect of [1, 2] as const) {
  Deno.test(`no answer to opening the stream stops the agent or changes its verified state, dialect ${dialect}`, async () => {
    await besieged(dialect, async (scene) => {
      for (const one of streams) {
        assert.doesNotMatch(screen(await scene.stage.status()), one.says);
        await doBadThing(scene, "events", one);
      }
    });
  });

  for (
    const { name, answer } of [
      { name: "an endless line", answer: endless(STREAM) },
      { name: "a line that comes byte by byte", answer: slow(STREAM) },
    ]
  ) {
    Deno.test(`${name} on the stream keeps the agent from nothing, dialect ${dialect}`, async () => {
      await besieged(dialect, async ({ stage, plane, verified }) => {
        plane.answers = { events: answer };
        plane.endStreams();
        const start = plane.requests.length;
        await stage.statusWhen(
          "the stream is open, and the agent lives on beside it",
          ({ stream }) =>
            stream.state === "streaming" &&
            ["state", "heartbeat"].every((surface) =>
              plane.requests.slice(start).some((one) => one.surface === surface)
            ),
        );
        assert.deepEqual(await served(stage), verified);
        assert.match(screen(await stage.status()), /Stream/);
      }, { api: { sse_idle_timeout: "1s" } });
    });
  }

  Deno.test(`a stream that falls silent is noticed, dialect ${dialect}`, async () => {
    await besieged(dialect, async ({ stage }) => {
      await statusTells(stage, {
        name: "silence",
        says: /Nothing came for 1000 ms/,
      });
    }, { api: { sse_idle_timeout: "1s" } });
  });
}
