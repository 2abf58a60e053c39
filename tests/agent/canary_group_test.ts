import assert from "node:assert/strict";
import { CANARY_KEY, followCanaryGroup } from "../../src/agent/canary_group.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { inFolder, openStore } from "../store/open_store.ts";

Deno.test("the node's part of a rollout is what its metadata says, and gone with it", () =>
  inFolder(async (dataDir) => {
    const { store, clock, log } = await openStore(dataDir);
    const io = { clock, log, random: new FakeRandom() };
    const assigned = () => store.updates.record.canaryGroup;
    const setTo = (metadata: [string, string][]) =>
      store.state.update(() => ({ metadata: new Map(metadata) }));
    await setTo([[CANARY_KEY, "early"]]);
    const stop = new AbortController();
    const done = followCanaryGroup({ store, io }).run(stop.signal);
    assert.equal(assigned(), "early");
    await setTo([[CANARY_KEY, "late"], ["zone", "a"]]);
    assert.equal(assigned(), "late");
    await setTo([["zone", "a"]]);
    assert.equal(assigned(), undefined);
    stop.abort();
    await done;
    await setTo([[CANARY_KEY, "early"]]);
    assert.equal(assigned(), undefined);
    await store.close();
  }));
