import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describeHooks } from "../../src/actions/describe_actions.ts";
import { buildAnnouncements } from "../../src/agent/announcements.ts";
import { type Config, SETTINGS } from "../../src/config/settings.ts";
import { runTogether } from "../../src/platform/part.ts";
import type { Capabilities } from "../../src/wire/bodies.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { MemoryState } from "../sync/memory_state.ts";
import { until } from "../uplink/serve.ts";

const DEFAULTS = Object.fromEntries(
  Object.entries(SETTINGS).map(([name, one]) => [name, one.defaultValue]),
) as Config;

const LOOK_EVERY_MS = 300_000;

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Announces on a fake clock, with one real executable as action `greet`. */
async function whileAnnouncing(
  script: string,
  work: (running: {
    readonly clock: FakeClock;
    readonly greet: string;
    readonly state: MemoryState;
    readonly capabilities: Capabilities[];
    readonly endpoints: (readonly [string, string])[];
    readonly pulls: string[];
  }) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  const greet = `${folder}/greet`;
  await Deno.writeTextFile(greet, script, { mode: 0o700 });
  const clock = new FakeClock();
  const state = new MemoryState({
    peers: [{
      id: "n_2",
      publicKey: "k",
      meshIp: "10.0.0.2",
      endpoint: "",
      allowedIps: [],
    }],
  });
  const capabilities: Capabilities[] = [];
  const endpoints: (readonly [string, string])[] = [];
  const pulls: string[] = [];
  const stop = new AbortController();
  const done = runTogether(
    buildAnnouncements({
      config: {
        ...DEFAULTS,
        "nat.public_endpoint": "192.0.2.1:51820",
        "nat.type": "none",
      },
      version: "1.2.3",
      uplink: {
        updateCapabilities(latest) {
          capabilities.push(latest);
          return Promise.resolve();
        },
        reportEndpoint(endpoint, natType) {
          endpoints.push([endpoint, natType]);
          return Promise.resolve([
            { peerId: "n_2", endpoint: "192.0.2.2:51820" },
            { peerId: "n_3", endpoint: "192.0.2.3:51820" },
          ]);
        },
      },
      peers: state,
      hooks: () =>
        describeHooks({
          enabled: true,
          commands: { greet },
          maxConcurrent: 1,
          maxTimeoutMs: 60_000,
          maxOutputBytes: 1_024,
        }),
      pull: (reason) => pulls.push(reason),
      io: { clock, random: new FakeRandom(), log: new MemoryLog() },
    }),
    stop.signal,
  );
  try {
    await until("they are told", () => capabilities.length === 1);
    await until("it waits", () => clock.sleeping.length === 1);
    await work({ clock, greet, state, capabilities, endpoints, pulls });
  } finally {
    stop.abort();
    await done;
    await Deno.remove(folder, { recursive: true });
  }
  assert.deepEqual(clock.sleeping, []);
}

Deno.test("an executable that is replaced while the agent runs is announced with its new checksum", () =>
  whileAnnouncing("#!/bin/sh\necho 1\n", async (running) => {
    const { clock, greet, capabilities } = running;
    const checksums = () =>
      capabilities.map(({ hooks }) => hooks.map(({ checksum }) => checksum));
    const first = sha256("#!/bin/sh\necho 1\n");
    assert.deepEqual(checksums(), [[first]]);
    assert.equal(capabilities[0]?.binary?.version, "1.2.3");

    await Deno.writeTextFile(greet, "#!/bin/sh\necho 2\n");
    await clock.advance(LOOK_EVERY_MS - 1);
    assert.equal(capabilities.length, 1);
    await clock.advance(1);
    await until("it is told", () => capabilities.length === 2);
    assert.deepEqual(checksums()[1], [sha256("#!/bin/sh\necho 2\n")]);

    // Who may write to it may run anything: it is no action any more.
    await until("it waits", () => clock.sleeping.length === 1);
    await Deno.chmod(greet, 0o722);
    await clock.advance(LOOK_EVERY_MS);
    await until("it is told", () => capabilities.length === 3);
    assert.deepEqual(checksums()[2], []);
  }));

Deno.test("the answer to an endpoint moves known peers, and asks for a pull about others", () =>
  whileAnnouncing("#!/bin/sh\n", async ({ clock, state, endpoints, pulls }) => {
    await until("it is applied", () => pulls.length === 1);
    assert.deepEqual(endpoints, [["192.0.2.1:51820", "none"]]);
    assert.deepEqual(
      state.view.peers.map(({ endpoint }) => endpoint),
      ["192.0.2.2:51820"],
    );
    assert.deepEqual(pulls, ["endpoints of unknown peers"]);
    await clock.advance(LOOK_EVERY_MS - 1);
    assert.equal(endpoints.length, 1);
  }));
