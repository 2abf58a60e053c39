import assert from "node:assert/strict";
import { call } from "../node_api/raw_http.ts";
import type {
  ScriptedAnswer,
  ScriptedPlane,
  Surface,
} from "./scripted_plane.ts";
import {
  besieged,
  body,
  bootstrapToken,
  echo,
  goodState,
  reasonsOf,
  secretsOf,
  served,
  stateDocument,
  statusTells,
} from "./siege.ts";

const EVERYTHING: readonly Surface[] = [
  "state",
  "events",
  "heartbeat",
  "secret",
  "report",
  "drift",
  "register",
];

for (const dialect of [1, 2] as const) {
  Deno.test(`while the control plane refuses everything, the status gives the reason and reads go on, dialect ${dialect}`, async () => {
    await besieged(dialect, async ({ stage, plane, evil, verified }) => {
      const storms = [
        { name: "401", reason: "unauthorized" },
        { name: "403", reason: "unauthorized" },
        { name: "500", reason: "control_plane_unreachable" },
        { name: "307", reason: "control_plane_unreachable" },
      ];
      for (const { name, reason } of storms) {
        const answer = echo(Number(name), { location: evil.url });
        plane.answers = Object.fromEntries(
          EVERYTHING.map((surface) => [surface, answer]),
        );
        plane.endStreams();
        const status = await stage.statusWhen(
          `the status gives the reason for ${name}`,
          ({ reasons }) =>
            reasons.some((one) =>
              one.reason === reason && one.detail.includes(`status ${name}`)
            ),
        );
        assert.equal(status.status, "degraded");
        for (const hidden of secretsOf(plane)) {
          assert.ok(!JSON.stringify(status).includes(hidden));
        }
        assert.deepEqual(await served(stage), verified, name);
        const report = await stage.local("/v1/state/report/kept", {
          method: "PUT",
          body: `{"content_type":"text/plain","payload":"${name}"}`,
        });
        assert.equal(report.status, 200, "a report was refused");
        await stage.local("/v1/state/report/kept", { method: "DELETE" });
      }
      const shown = await stage.run("status");
      assert.equal(shown.code, 0);
      assert.match(shown.stdout, /control_plane_unreachable for /);
    });
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`a control plane that takes no heartbeat as it is shows, dialect ${dialect}`, async () => {
    await besieged(dialect, async ({ stage, plane }) => {
      for (const status of [400, 404, 409, 413]) {
        plane.answers = { heartbeat: echo(status) };
        await statusTells(stage, {
          name: `heartbeats that are answered with ${status}`,
          says: new RegExp(`/heartbeat was answered with status ${status}`),
        });
        assert.deepEqual(reasonsOf(await stage.status()), []);
      }
      // Dialect 2 may have none.
      plane.answers = { heartbeat: echo(501) };
      await stage.statusWhen(
        "it is no failure where there are none",
        ({ contact }) => contact.heartbeat_error === null,
      );
    });
  });
}

/** Answers everything in one way, but for what is told otherwise. */
function all(
  answer: ScriptedAnswer,
  but: ScriptedPlane["answers"] = {},
): ScriptedPlane["answers"] {
  return {
    ...Object.fromEntries(EVERYTHING.map((surface) => [surface, answer])),
    ...but,
  };
}

function freshToken({ form }: ScriptedPlane, number: number): string {
  return form.token("fresh" + "abc"[number]);
}

function registrations({ requests }: ScriptedPlane): string[] {
  return requests.filter(({ surface }) => surface === "register")
    .map(({ token }) => token ?? "");
}

for (const dialect of [1, 2] as const) {
  Deno.test(`in a storm of 401 without a fresh token the agent goes on, and says when it looks again, dialect ${dialect}`, async () => {
    await besieged(dialect, async ({ stage, plane, verified }) => {
      // The token that was used lies there still.
      await Deno.writeTextFile(stage.tokenFile, bootstrapToken(dialect));
      plane.answers = all(body("who are you?", { status: 401 }));
      plane.endStreams();
      const status = await stage.statusWhen(
        "the status tells of the next look",
        ({ reasons }) =>
          reasons.some(({ reason, detail, next_try_at }) =>
            reason === "unauthorized" && next_try_at !== null &&
            /status 401; there is no fresh bootstrap token/.test(detail)
          ),
      );
      assert.deepEqual(reasonsOf(status), ["unauthorized"]);
      assert.deepEqual(await served(stage), verified);
      assert.deepEqual(registrations(plane), [bootstrapToken(dialect)]);
      // Long enough to be seen in that state, short enough for a test.
    }, { stream: { reprobe_interval: "1s" } });
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`once a storm of 401 is over, an operator's pull ends the wait for the stream, too, dialect ${dialect}`, async () => {
    await besieged(dialect, async ({ stage, plane }) => {
      plane.answers = all(body("who are you?", { status: 401 }));
      plane.endStreams();
      await stage.statusWhen(
        "the stream waits for its slow probe",
        ({ stream }) => stream.state === "refused",
      );
      plane.answers = {};
      const pulled = await stage.run("reconcile");
      assert.equal(pulled.code, 0, pulled.stderr);
      await stage.statusWhen(
        "all is well again",
        (status) =>
          status.stream.state === "streaming" &&
          !reasonsOf(status).includes("unauthorized"),
      );
    }, { stream: { reprobe_interval: "1h" } });
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`in a storm of 401 each fresh token is offered once, and to nobody else, dialect ${dialect}`, async () => {
    await besieged(dialect, async ({ stage, plane, evil, verified }) => {
      const answers = [
        { name: "401", answer: echo(401), says: /refused the bootstrap token/ },
        {
          name: "a redirect to another host",
          answer: body(null, { status: 308, headers: { location: evil.url } }),
          // Dialect 2 repeats nothing but 429, 5xx and silence.
          says: dialect === 1
            ? /could not be reached in time/
            : /refused the registration: status 308/,
        },
        {
          name: "an answer without keys",
          answer: body('{"node_id":"n-evil","mesh_ip":"10.0.0.1"}'),
          says: /joining anew failed/,
        },
      ];
      for (const [at, { name, answer, says }] of answers.entries()) {
        const token = freshToken(plane, at);
        await Deno.writeTextFile(stage.tokenFile, token, { mode: 0o600 });
        plane.answers = all(body("no", { status: 401 }), { register: answer });
        plane.endStreams();
        await stage.statusWhen(
          `the token is offered, for ${name}`,
          () => registrations(plane).includes(token),
        );
        await statusTells(stage, { name, says, reason: "unauthorized" });
        const heard = plane.requests.length;
        await stage.statusWhen(
          "the storm goes on",
          () => plane.requests.length > heard + 8,
        );
        assert.deepEqual(await served(stage), verified, name);
      }
      const refused = registrations(plane)
        .filter((token) => token === freshToken(plane, 0));
      assert.equal(refused.length, 1, "a refused token was offered again");
      await Deno.remove(stage.tokenFile);
    }, { registration: { max_retry_duration: "1ms" } });
  });
}

for (const dialect of [1, 2] as const) {
  Deno.test(`with a fresh token the node joins anew, and keeps what it serves until the next pull, dialect ${dialect}`, async () => {
    await besieged(dialect, async ({ stage, plane, verified }) => {
      const report = await stage.local("/v1/state/report/kept", {
        method: "PUT",
        body: '{"content_type":"text/plain","payload":"mine"}',
      });
      assert.equal(report.status, 200);
      const { form } = plane;
      const { second } = form;
      const formerBearer = form.bearer(form.nodeId, form.nodeSecretKey);
      const former = (request: Request) =>
        request.headers.get("authorization") === `Bearer ${formerBearer}`;
      plane.nodeId = second.nodeId;
      plane.nodeSecretKey = second.nodeSecretKey;
      const fresh = form.token("fresh");
      const { register: _good, ...others } = all((request) =>
        former(request)
          ? new Response("who are you?", { status: 401 })
          : new Response("not yet", { status: 503 })
      );
      plane.answers = others;
      await Deno.writeTextFile(stage.tokenFile, fresh, { mode: 0o600 });
      plane.endStreams();
      await stage.statusWhen(
        "the node is another one",
        ({ node_id }) => node_id === second.nodeId,
      );
      assert.deepEqual(registrations(plane), [bootstrapToken(dialect), fresh]);
      // Peers are those of the node that it was; workloads never see them.
      const known = (what: readonly string[]) => what.slice(0, -1);
      assert.deepEqual(
        known(await served(stage)),
        known(verified),
        "before the first pull",
      );
      await assert.rejects(Deno.stat(stage.tokenFile), Deno.errors.NotFound);

      // The new node's numbers begin anew.
      const start = plane.requests.length;
      plane.answers = {};
      plane.state = dialect === 2
        ? goodState(2)
        : stateDocument({ node_id: second.nodeId, epoch: 1, state_version: 1 });
      await stage.statusWhen(
        "the new node's state is there",
        (status) =>
          status.stream.state === "streaming" &&
          status.pull.last_error === null &&
          (dialect === 2 || status.state.version === 1) &&
          reasonsOf(status).length === 0 && status.sync.pending === 0,
      );
      assert.match(await stage.read("/v1/state/report/kept"), /"mine"/);
      const later = plane.requests.slice(start);
      assert.ok(later.some(({ surface }) => surface === "report"));
      const bearer = form.bearer(second.nodeId, second.nodeSecretKey);
      assert.ok(later.every((request) => request.bearer === bearer));
      for (const hidden of [second.nodeSecretKey, bearer]) {
        assert.ok(!stage.agentOutput.includes(hidden), "the bearer is told");
      }
    });
  });
}

for (const dialect of [1, 2] as const) {
  for (
    const { hours, event, says } of [
      { hours: 1, event: "future", says: /3\d{3} s ahead of this node's/ },
      { hours: -1, event: "stale", says: /3\d{3} s behind this node's/ },
    ]
  ) {
    Deno.test(`a control plane whose clock is ${hours} h ahead changes nothing, and that shows, dialect ${dialect}`, async () => {
      await besieged(dialect, async ({ stage, plane, verified }) => {
        plane.aheadMs = hours * 3_600_000;
        plane.endStreams();
        await statusTells(stage, {
          name: "the clock",
          says,
          reason: "clock_skew",
        });
        await stage.statusWhen(
          "the stream is open",
          ({ stream }) => stream.state === "streaming" && plane.streaming > 0,
        );
        plane.sendEvent("node_state_updated", "{}");
        await stage.statusWhen(
          `its events are refused as ${event}`,
          ({ events }) => events.rejected[event] === 1,
        );
        assert.deepEqual(await served(stage), verified);
      });
    });
  }
}

// States of dialect 2 have no number, unless they are signed.
Deno.test("a control plane that says two things under one number gets no trust until the next number", async () => {
  await besieged(1, async ({ stage, plane, verified }) => {
    const says = /it differs from the one that is stored/;
    const reason = "equivocation";
    plane.answers = { state: body(stateDocument({ data: [] })) };
    plane.endStreams();
    await statusTells(stage, { name: "equivocation", says, reason });
    assert.deepEqual(await served(stage), verified);
    const asked = () =>
      plane.requests.filter(({ surface }) => surface === "secret").length;
    const before = asked();
    const secret = await call(
      stage.secretsSocket,
      "/v1/state/secrets/pw",
    );
    assert.equal(secret.status, 503, secret.body);
    assert.equal(JSON.parse(secret.body).reason, "equivocation");
    assert.equal(asked(), before, "the secret was asked for all the same");

    // Saying the first thing again proves nothing.
    plane.answers = {};
    const { pull } = await stage.status();
    plane.endStreams();
    const after = await stage.statusWhen(
      "a pull succeeds",
      (status) =>
        status.pull.last_success_at !== null &&
        status.pull.last_error === null &&
        status.pull.last_success_at !== pull.last_success_at,
    );
    assert.deepEqual(reasonsOf(after), [reason]);
  });
});
