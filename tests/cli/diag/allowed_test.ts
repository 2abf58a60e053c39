import assert from "node:assert/strict";
import { EVENTS, pick, STATUS } from "../../../src/cli/diag/allowed.ts";
import { settingsTold } from "../../../src/cli/diag/settings_told.ts";
import { sampleEvents, sampleStatus } from "../../node_api/fake_sources.ts";

Deno.test("pick() takes what is named, and nothing else", () => {
  const value = {
    a: 1,
    b: { c: "x", d: "canary" },
    list: [{ a: null, e: "canary" }],
    counts: { one: 1, two: "canary" },
    f: { deep: "canary" },
    g: "canary",
  };
  const allowed = {
    a: true,
    b: { c: true },
    list: [{ a: true }],
    counts: "counts",
    // A text was expected; what is there instead is not told.
    f: true,
    none: true,
  } as const;
  assert.deepEqual(pick(value, allowed), {
    a: 1,
    b: { c: "x" },
    list: [{ a: null }],
    counts: { one: 1 },
  });
});

Deno.test("the lists name all that an agent of this version tells", () => {
  // What people call node and domain is a text that somebody could write freely.
  const { node_name: _, domain_name: __, ...identity } = sampleStatus.identity;
  const told = { ...sampleStatus, identity };
  assert.deepEqual(pick(sampleStatus, STATUS), told);
  assert.deepEqual(pick(sampleEvents.events, EVENTS), sampleEvents.events);
});

Deno.test("settingsTold() tells no text that somebody could write freely", () => {
  const setting = (
    name: Parameters<typeof settingsTold>[0][number]["name"],
    value: unknown,
  ) => ({ name, value, from: "file" as const, where: "plexd.yaml:1:1" });
  const told = settingsTold([
    setting("registration.token_value", "canary"),
    setting("registration.hostname", "canary"),
    setting("registration.metadata", { note: "canary" }),
    setting("actions.commands", { canary: "/bin/true" }),
    setting("reconcile.interval", "10s"),
  ]);
  assert.doesNotMatch(JSON.stringify(told), /canary/);
  assert.equal(told.at(-1)?.value, "10s");
});
