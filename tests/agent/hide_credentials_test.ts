import assert from "node:assert/strict";
import { hideCredentials } from "../../src/agent/hide_credentials.ts";
import { openIntake } from "../../src/agent/telemetry_intake.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { MemoryLog } from "../fakes/memory_log.ts";
import { inFolder, openStore } from "../store/open_store.ts";
import { credentials } from "../uplink/refreshing.ts";
import { configOf } from "./config_of.ts";

Deno.test("hideCredentials() hides the latest credentials everywhere, and not all there ever were", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const log = new MemoryLog();
    const clock = new FakeClock();
    const io = { clock, random: new FakeRandom(), log };
    const intake = openIntake(await configOf(), io);
    const hide = hideCredentials([intake, store.transitions]);
    for (let at = 1_000; at <= 9_000; at += 1_000) hide(credentials(at, 1));
    assert.equal(intake.secrets.length, 8);
    store.transitions.note("disconnect", {
      reason: "seed-9000 jwt-9000 seed-6000 jwt-5000",
    });
    const [entry] = store.transitions.entries;
    assert.equal(
      entry?.reason,
      "[redacted] [redacted] [redacted] jwt-5000",
    );
    // As after a reload, more often than there are generations.
    for (let again = 1; again <= 5; again++) {
      store.transitions.hide("own-key");
      hide(credentials(9_000, 1));
    }
    store.transitions.forget("own-key");
    store.transitions.note("disconnect", { reason: "jwt-9000 own-key" });
    assert.equal(store.transitions.entries[1]?.reason, "[redacted] own-key");
    assert.equal(intake.secrets.length, 8);
    await store.close();
  }));
