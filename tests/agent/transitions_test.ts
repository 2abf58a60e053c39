import assert from "node:assert/strict";
import {
  busTransitions,
  linkTransitions,
  noteReasons,
} from "../../src/agent/transitions.ts";
import { Degraded } from "../../src/sync/degraded.ts";
import type { BusStatus } from "../../src/uplink/carrier_feed.ts";
import type { CarrierState } from "../../src/uplink/carrier_link.ts";
import type { FeedStatus } from "../../src/uplink/event_feed.ts";
import type { LinkState } from "../../src/uplink/link.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { MemoryLog } from "../fakes/memory_log.ts";

/** Takes transitions as one line each. */
class Lines {
  readonly lines: string[] = [];

  note(
    type: string,
    about: { readonly reason?: string; readonly carrier?: string } = {},
  ) {
    const { carrier = "-", reason = "-" } = about;
    this.lines.push(`${type} ${carrier} ${reason}`);
  }
}

Deno.test("linkTransitions() notes what becomes of the stream, and no try in between", async () => {
  const ring = new Lines();
  const link = linkTransitions(ring);
  const enter = (state: LinkState, rest: Partial<FeedStatus> = {}) =>
    link.onState(state, { state, sinceMs: 0, ...rest });
  const lost = { lastError: "reset" };
  enter("connecting");
  enter("waiting", lost);
  enter("connecting", lost);
  enter("streaming");
  enter("waiting", lost);
  for (let tries = 0; tries < 5; tries++) {
    enter("connecting", lost);
    enter("waiting", lost);
    enter("polling", lost);
  }
  enter("connecting", lost);
  enter("streaming");
  enter("waiting", lost);
  enter("connecting", lost);
  enter("refused", { lastError: "401", failure: "unauthorized" });
  enter("connecting", lost);
  enter("refused", { lastError: "404", failure: "not_found" });
  enter("connecting", lost);
  enter("streaming");
  await link.closing({ name: "feed", run: () => Promise.resolve() })
    .run(AbortSignal.abort());
  assert.deepEqual(ring.lines, [
    "connect sse -",
    "disconnect sse reset",
    "polling pull reset",
    "reconnect sse -",
    "disconnect sse reset",
    "refused sse 404",
    "reconnect sse -",
    "closed sse -",
  ]);
});

Deno.test("busTransitions() notes what becomes of the bus, each refusal and outage once, and no renewal that works", async () => {
  const ring = new Lines();
  const bus = busTransitions(ring);
  const enter = (state: CarrierState, rest: Partial<BusStatus> = {}) =>
    bus.onState(state, {
      ...{ state, sinceMs: 0, isRefusal: false, planned: false },
      ...rest,
    });
  const refusal = { lastError: "refused", isRefusal: true };
  enter("without");
  enter("connecting");
  for (let tries = 0; tries < 5; tries++) {
    enter("waiting", { lastError: "away" });
    enter("connecting", { lastError: "away" });
  }
  enter("catching_up");
  enter("feeding");
  enter("lost", { planned: true });
  enter("feeding");
  enter("lost", { planned: true });
  enter("waiting", refusal);
  for (let tries = 0; tries < 5; tries++) {
    enter("connecting", refusal);
    enter("waiting", refusal);
  }
  enter("connecting");
  enter("catching_up");
  enter("feeding");
  enter("lost", { lastError: "reset" });
  enter("waiting", { lastError: "reset" });
  enter("feeding");
  await bus.closing({ name: "feed", run: () => Promise.resolve() })
    .run(AbortSignal.abort());
  assert.deepEqual(ring.lines, [
    "disconnect nats away",
    "connect nats -",
    "disconnect nats refused",
    "refused nats refused",
    "reconnect nats -",
    "disconnect nats reset",
    "reconnect nats -",
    "closed nats -",
  ]);
});

Deno.test("noteReasons() notes reasons that come and go, not what an earlier run knew", () => {
  const ring = new Lines();
  const degraded = new Degraded(new FakeClock(), new MemoryLog());
  degraded.raise("insecure_tls", { detail: "set" });
  const former = [{
    reason: "unsigned_state",
    since: "2026-03-01T11:00:00.000Z",
    detail: "plain",
  }];
  degraded.restore(former);
  noteReasons(degraded, former, ring);
  degraded.raise("unauthorized", { detail: "401" });
  degraded.raise("unauthorized", { detail: "401 again" });
  degraded.clear("unsigned_state");
  degraded.clear("unauthorized");
  degraded.raise("unauthorized", { detail: "revoked" });
  assert.deepEqual(ring.lines, [
    "degraded - insecure_tls: set",
    "unauthorized - 401",
    "restored - unsigned_state",
    "restored - unauthorized",
    "unauthorized - revoked",
  ]);
});
