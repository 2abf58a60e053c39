import assert from "node:assert/strict";
import { beginRun } from "../../src/agent/run_record.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import { FakeRandom } from "../fakes/fake_random.ts";
import { inFolder, openStore } from "../store/open_store.ts";

Deno.test("a run says how it ended, so that a failed start is no crash", () =>
  inFolder(async (dataDir) => {
    const { store, clock, log } = await openStore(dataDir);
    const { config } = await loadConfig({
      file: { path: `${dataDir}/none.yaml`, required: false },
      env: {},
      flags: { data_dir: dataDir, "actions.enabled": "true" },
    });
    const io = { clock, log, random: new FakeRandom() };
    const begin = () => beginRun({ config, version: "1.0.0", store, io });
    const lastStop = () => {
      using run = begin();
      run.stopped();
      const { clean, failed } = run.agentState.lastStop ?? {};
      return { clean, failed };
    };
    lastStop();
    assert.deepEqual(lastStop(), { clean: true, failed: false });
    assert.throws(() => {
      using _run = begin();
      throw new Error("a listener cannot be opened");
    });
    assert.deepEqual(lastStop(), { clean: false, failed: true });
    // A crash: nothing more is said of this one.
    const { agentState } = begin();
    assert.ok(agentState.features.includes("actions"));
    assert.deepEqual(lastStop(), { clean: false, failed: false });

    assert.equal(store.updates.record.current?.version, "1.0.0");
    assert.deepEqual(store.transitions.entries.map(({ type }) => type), [
      ...["start", "stop"],
      ...["start", "stop"],
      ...["start", "failed"],
      ...["start", "stop"],
      "start",
      ...["start", "stop"],
    ]);
    await store.close();
  }));
