import assert from "node:assert/strict";
import { secretIndex } from "../../src/agent/secret_index.ts";
import { ControlError } from "../../src/uplink/control_error.ts";
import { eventually } from "../scenarios/eventually.ts";
import { inFolder, openStore } from "../store/open_store.ts";

const answer = (key: string, version = 1) =>
  Promise.resolve({ key, version, nonce: "", ciphertext: "" });

function failed(kind: "not_found" | "server" | "forbidden", isPage = false) {
  return Promise.reject(new ControlError(kind, "It failed", { isPage }));
}

Deno.test("in dialect 2 the names of what was read are the index, until there is none of them", () =>
  inFolder(async (dir) => {
    const { store } = await openStore(dir);
    const { state, asked } = secretIndex(store, 2);
    const known = (count: number) =>
      eventually(
        `${count} are known`,
        () =>
          Promise.resolve(
            state.view.secretRefs.length === count || undefined,
          ),
      );
    assert.equal(state.view, store.state.view);
    assert.equal((await asked("db", answer("db", 3))).version, 3);
    await asked("tls", answer("tls"));
    await known(2);
    const { view } = state;
    assert.equal(state.view, view, "bodies are built once for a view");
    assert.equal(view.metadata, store.state.view.metadata);
    for (const kind of ["server", "forbidden"] as const) {
      await assert.rejects(asked("db", failed(kind)), { kind });
    }
    await assert.rejects(asked("db", failed("not_found", true)));
    await assert.rejects(asked("tls", failed("not_found")), {
      kind: "not_found",
    });
    await known(1);
    assert.deepEqual(state.view.secretRefs, [{ key: "db", version: 3 }]);
    // An index says more than what was learned.
    await store.state.update(() => ({
      secretRefs: [{ key: "indexed", version: 1 }],
    }));
    assert.deepEqual(state.view.secretRefs, [{ key: "indexed", version: 1 }]);
    await asked("db", answer("db"));
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual(again.store.secretNames.refs, []);
    await again.store.close();
  }));

Deno.test("in dialect 1 the index of the control plane is all, and nothing is learned", () =>
  inFolder(async (dir) => {
    const first = await openStore(dir);
    first.store.secretNames.learn({ key: "former", version: 1 });
    await first.store.close();
    const { store } = await openStore(dir);
    const { state, asked } = secretIndex(store, 1);
    assert.equal(state, store.state);
    await asked("db", answer("db"));
    await store.close();
    const again = await openStore(dir);
    assert.deepEqual(again.store.secretNames.refs, []);
    await again.store.close();
  }));
