import assert from "node:assert/strict";
import { Reload } from "../../src/agent/reload.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import type { Config } from "../../src/config/settings.ts";
import { ControlClient } from "../../src/uplink/control_client.ts";
import { FakeClock, settle } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { configOf } from "./config_of.ts";

/** A reload under the hands of a test. */
async function reloading() {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const first = await configOf();
  const told: string[] = [];
  const noted: string[] = [];
  let ask = () => {};
  let load = () => Promise.resolve(first);
  const closed: number[] = [];
  let clients = 0;
  const clientOf = () => {
    const number = clients++;
    return new ControlClient({
      baseUrl: "http://127.0.0.1:1",
      version: "test",
      transport: {
        insecure: false,
        send: () => Promise.reject(new Error("Nobody is asked")),
        close: () => closed.push(number),
      },
      clock,
      log,
    });
  };
  const reload = new Reload({
    port: {
      onRequest(listener) {
        ask = listener;
        return () => ask = () => {};
      },
      load: async () => ({ config: await load(), warnings: ["a warning"] }),
      useLog: ({ log_level }) => told.push(`log ${log_level}`),
      maySpawn: () => true,
    },
    first: { config: first, client: clientOf() },
    dial: () => Promise.resolve(clientOf()),
    service: {
      reloading: () => told.push("reloading"),
      unchanged: () => told.push("unchanged"),
    },
    transitions: {
      note: (type, { reason = "" } = {}) => noted.push(`${type}: ${reason}`),
    },
    io: { clock, random: new FakeRandom(), log },
  });
  return {
    clock,
    log,
    first,
    told,
    noted,
    /** Numbers of the clients that are closed; the first is 0. */
    closed,
    reload,
    /** Asks, with what is then read. */
    async ask(config: Config | ConfigError) {
      load = () =>
        config instanceof ConfigError
          ? Promise.reject(config)
          : Promise.resolve(config);
      ask();
      await settle(20);
    },
  };
}

const never = new AbortController().signal;

/** Works until it is to end. */
function steady(end: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    end.addEventListener("abort", () => resolve(false), { once: true });
  });
}

Deno.test("Reload has parts begin anew with what was read", async () => {
  const { reload, ask, told, noted } = await reloading();
  const done = reload.during(steady, never);
  await ask(await configOf({ "heartbeat.interval": "5s" }));
  assert.equal(await done, true);
  assert.equal(reload.current.config["heartbeat.interval"], 5_000);
  assert.deepEqual(told, ["reloading", "log info"]);
  assert.deepEqual(noted, ["reload: heartbeat.interval"]);
});

Deno.test("Reload changes the log at once and leaves the parts alone", async () => {
  const { reload, ask, told } = await reloading();
  const stop = new AbortController();
  const done = reload.during(steady, stop.signal);
  const { client } = reload.current;
  await ask(await configOf({ log_level: "debug" }));
  assert.deepEqual(told, ["reloading", "log debug", "unchanged"]);
  assert.equal(reload.current.client, client);
  stop.abort();
  assert.equal(await done, false);
});

Deno.test("Reload keeps everything when the configuration is wrong, and says where", async () => {
  const { reload, ask, told, noted, log, first } = await reloading();
  const stop = new AbortController();
  const done = reload.during(steady, stop.signal);
  await ask(new ConfigError([{ where: "FILE:3:1", what: "no such thing" }]));
  assert.deepEqual(told, ["reloading", "unchanged"]);
  assert.deepEqual(noted, ["reload: refused: FILE:3:1: no such thing"]);
  assert.deepEqual(log.lines.at(-1)?.fields, {
    problems: ["FILE:3:1: no such thing"],
  });
  assert.equal(reload.current.config, first);
  stop.abort();
  await done;
});

Deno.test("Reload goes back once when parts do not come up with it", async () => {
  const { reload, ask, noted, closed, first } = await reloading();
  const done = reload.during(steady, never);
  await ask(await configOf({ "heartbeat.interval": "5s" }));
  await done;
  const fails = () => Promise.reject(new Error("port in use"));
  assert.equal(await reload.during(fails, never), true);
  assert.equal(reload.current.config, first);
  assert.equal(noted.at(-1), "reload: taken back: port in use");
  assert.deepEqual(closed, [1]);
  await assert.rejects(reload.during(fails, never), /port in use/);
});

Deno.test("Reload has no way back from what has been seen to work", async () => {
  const { reload, ask, closed } = await reloading();
  const done = reload.during(steady, never);
  await ask(await configOf({ "heartbeat.interval": "5s" }));
  await done;
  reload.works(() => 0);
  assert.deepEqual(closed, [0]);
  const fails = () => Promise.reject(new Error("out of memory"));
  await assert.rejects(reload.during(fails, never), /out of memory/);
});

Deno.test("Reload cuts off no action that is under way", async () => {
  const { reload, ask, clock } = await reloading();
  let busy = 2;
  let isOver = false;
  const done = reload.during((end) => {
    reload.works(() => busy);
    return steady(end);
  }, never).then(() => isOver = true);
  // The limit that is read now is not that of the actions which run.
  await ask(await configOf({ "actions.max_action_timeout": "5s" }));
  await clock.advance(60_000);
  assert.equal(isOver, false);
  busy = 0;
  await clock.advance(500);
  await done;
});

Deno.test("Reload hears a request that came between two lives", async () => {
  const { reload, ask } = await reloading();
  await ask(await configOf({ "heartbeat.interval": "5s" }));
  assert.equal(await reload.during(steady, never), true);
  assert.equal(reload.current.config["heartbeat.interval"], 5_000);
});

Deno.test("Reload closes what it had begun with when it is asked again before that works", async () => {
  const { reload, ask, closed } = await reloading();
  const done = reload.during(steady, never);
  await ask(await configOf({ "heartbeat.interval": "5s" }));
  await done;
  const again = reload.during(steady, never);
  await ask(await configOf({ "heartbeat.interval": "6s" }));
  assert.deepEqual(closed, [1], "the parts have ended that worked with it");
  await again;
  reload.works(() => 0);
  assert.deepEqual(closed, [1, 0]);
});

Deno.test("Reload goes back to what worked while the next was read already", async () => {
  const { reload, ask, closed, first } = await reloading();
  const done = reload.during(steady, never);
  const second = await configOf({ "heartbeat.interval": "5s" });
  await ask(second);
  await done;
  const ending = Promise.withResolvers<boolean>();
  const again = reload.during(() => ending.promise, never);
  await ask(await configOf({ "heartbeat.interval": "6s" }));
  // Its sockets have opened while the parts were told to end.
  reload.works(() => 0);
  ending.resolve(false);
  await again;
  assert.deepEqual(closed, [0]);
  const fails = () => Promise.reject(new Error("port in use"));
  assert.equal(await reload.during(fails, never), true);
  assert.equal(reload.current.config["heartbeat.interval"], 5_000);
  assert.notEqual(reload.current.config, first);
  assert.deepEqual(closed, [0, 2]);
});

Deno.test("Reload leaves the parts their client when they begin anew by themselves before it is their turn", async () => {
  const { reload, ask, closed, clock } = await reloading();
  let busy = 1;
  const done = reload.during((end) => {
    reload.works(() => busy);
    return steady(end);
  }, never);
  await ask(await configOf({ "heartbeat.interval": "5s" }));
  // The node joins anew while an action runs: the same client, other parts.
  reload.works(() => busy);
  assert.deepEqual(closed, []);
  busy = 0;
  await clock.advance(500);
  await done;
  reload.works(() => 0);
  assert.deepEqual(closed, [0]);
});

Deno.test("Reload listens once for the end, however often it is asked in vain", async () => {
  const { reload, ask } = await reloading();
  const stop = new AbortController();
  let listeners = 0;
  const add = AbortSignal.prototype.addEventListener;
  AbortSignal.prototype.addEventListener = function (
    this: AbortSignal,
    ...listened: Parameters<typeof add>
  ) {
    listeners++;
    return add.apply(this, listened);
  } as typeof add;
  try {
    const done = reload.during(steady, stop.signal);
    const before = listeners;
    for (let n = 0; n < 5; n++) {
      await ask(new ConfigError([{ where: "FILE", what: "is wrong" }]));
    }
    assert.equal(listeners, before);
    stop.abort();
    await done;
  } finally {
    AbortSignal.prototype.addEventListener = add;
  }
});
