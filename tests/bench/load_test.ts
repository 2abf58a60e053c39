import assert from "node:assert/strict";
import { loadInTurns } from "../../scripts/bench/beside_floor.ts";
import { ask } from "../../scripts/bench/http_probe.ts";
import { load } from "../../scripts/bench/load.ts";
import {
  freeAddress,
  startFloor,
  startGuarded,
} from "../../scripts/bench/running_node.ts";
import { Workshop } from "../../scripts/bench/workshop.ts";

const ANSWER = {
  headers: { "content-type": "application/json", etag: 'W/"a"' },
  body: '{"a":1}\n',
};

Deno.test("a load over socket and TCP, with and without the guard, is counted", async () => {
  const workshop = new Workshop();
  try {
    const onSocket = await startFloor(workshop, ANSWER);
    const onTcp = await startFloor(workshop, ANSWER, freeAddress());
    const guarded = await startGuarded(workshop, ANSWER);
    for (const server of [onSocket, onTcp, guarded]) {
      const { status, body, headers } = await ask(server.place, "/", "word");
      assert.equal(status, 200);
      assert.equal(body, ANSWER.body);
      assert.equal(new Map(headers).get("etag"), ANSWER.headers.etag);
    }
    const read = { path: "/", connections: 3, ms: 40, bearer: "word" };
    for (const figure of [guarded, onSocket]) {
      const turns = await loadInTurns(workshop, figure, onTcp, read);
      for (const results of [turns.figures, turns.floors]) {
        assert.equal(results.length, 5);
        for (const { rate, p50Ms, p99Ms } of results) {
          assert.ok(rate > 0);
          assert.ok(p50Ms > 0 && p50Ms <= p99Ms && p99Ms < 60_000);
        }
      }
    }
  } finally {
    await workshop.close();
  }
});

Deno.test("a load that is answered with a refusal fails", async () => {
  const workshop = new Workshop();
  try {
    const guarded = await startGuarded(workshop, ANSWER);
    const requests = workshop.newPath("requests.json");
    const tooOld = "GET / HTTP/0.9\r\nHost: localhost\r\n\r\n";
    Deno.writeTextFileSync(requests, JSON.stringify([tooOld]));
    await assert.rejects(
      load(workshop, guarded.process, guarded.place, requests, 1, 40),
      /load_client.ts failed:[^]*HTTP\/1\.1 505/,
    );
  } finally {
    await workshop.close();
  }
});
