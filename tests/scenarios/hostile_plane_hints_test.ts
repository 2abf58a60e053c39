import assert from "node:assert/strict";
import type { StatusDocument } from "../../src/wire/status.ts";
import {
  besieged,
  body,
  echo,
  HTML,
  reasonsOf,
  screen,
  served,
  statusTells,
} from "./siege.ts";

Deno.test("headers that steer browsers steer nothing", async () => {
  await besieged(1, async ({ stage, plane, evil }) => {
    const { host } = new URL(evil.url);
    const headers = {
      "set-cookie": "session=stolen; Path=/; Max-Age=99999999",
      "alt-svc": `h2="${host}", http/1.1="${host}"; ma=99999999; persist=1`,
      location: evil.url,
      refresh: `0; url=${evil.url}`,
      link: `<${evil.url}>; rel=preload`,
      "strict-transport-security": "max-age=31536000; includeSubDomains",
      "www-authenticate": 'Basic realm="give it to me"',
    };
    plane.answers = {
      state: () => new Response(plane.state, { headers }),
      heartbeat: () => Response.json({}, { headers }),
    };
    plane.endStreams();
    const count = () =>
      plane.requests.filter(({ surface }) => surface === "heartbeat").length;
    const before = count();
    await stage.statusWhen(
      "it goes on as before",
      ({ stream, pull }) =>
        stream.state === "streaming" && pull.last_error === null &&
        count() > before + 1,
    );
    assert.deepEqual(reasonsOf(await stage.status()), []);
  });
});

function sinceOf({ reasons }: StatusDocument): string | undefined {
  return reasons.find(({ reason }) => reason === "control_plane_unreachable")
    ?.since;
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a stream that only breathes does not hide that pulls fail, dialect ${dialect}`, async () => {
    await besieged(dialect, async ({ stage, plane, verified }) => {
      plane.answers = { state: HTML };
      const breath = setInterval(() => plane.sendText(":\n\n"), 20);
      try {
        plane.endStreams();
        const first = await stage.statusWhen(
          "it shows",
          ({ reasons, stream }) =>
            stream.state === "streaming" &&
            reasons.some((one) => one.reason === "control_plane_unreachable"),
        );
        const heard = plane.requests.length;
        const beats = () =>
          plane.requests.slice(heard)
            .filter(({ surface }) => surface === "heartbeat").length;
        const begins = new Set([sinceOf(first)]);
        const later = await stage.statusWhen(
          "heartbeats succeed meanwhile",
          (status) => {
            begins.add(sinceOf(status));
            return beats() >= 2;
          },
        );
        assert.equal(begins.size, 1, "it comes and goes");
        assert.match(screen(later), /Status +degraded for \S+, pulls fail/);
        assert.deepEqual(await served(stage), verified);
        const why = await stage.run("why");
        assert.equal(why.code, 1);
        assert.match(why.stdout, /gives no usable answer \(.*not JSON\)/);
        assert.match(why.stdout, /a proxy or a login page/);
      } finally {
        clearInterval(breath);
      }
    });
  });
}

Deno.test("a control plane that asks for a year of silence does not get it", async () => {
  await besieged(
    1,
    async ({ stage, plane, verified }) => {
      const year = { "retry-after": "31536000" };
      // Nothing but the stream waits for so long: pulls have their own rhythm.
      plane.answers = { events: echo(429, year), state: echo(429, year) };
      plane.endStreams();
      const { stream } = await stage.statusWhen(
        "it waits",
        ({ stream, pull }) =>
          stream.state === "waiting" && pull.last_error !== null &&
          stream.last_error?.includes("status 429") === true,
      );
      const waitMs = Date.parse(stream.next_try_at!) - Date.parse(stream.since);
      assert.ok(waitMs >= 3_600_000 && waitMs < 3_601_000, `${waitMs} ms`);
      assert.match(
        screen(await stage.status()),
        /Stream +down for .* \(waiting\), next attempt in (1h|59m)/,
      );
      assert.deepEqual(await served(stage), verified);
      plane.answers = {};
      await stage.statusWhen(
        "pulls go on",
        ({ pull, reasons }) => pull.last_error === null && reasons.length === 1,
      );
      // An hour is too long for a test: as after a change of the settings.
      await stage.stopAgent();
      await stage.startAgent({ url: plane.url });
      await stage.statusWhen(
        "it streams",
        ({ stream }) => stream.state === "streaming",
      );
      // A year in the words of the stream itself.
      const asks = body("retry: 31536000000\n\n", {
        headers: { "content-type": "text/event-stream" },
      });
      plane.answers = { events: asks };
      plane.endStreams();
      await statusTells(stage, {
        name: "retry",
        says: /ended the event stream/,
      });
    },
    {},
    { isRestarted: true },
  );
});
