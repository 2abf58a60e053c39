import assert from "node:assert/strict";
import { settingChanges } from "../../src/config/setting_changes.ts";
import { configOf } from "../agent/config_of.ts";

Deno.test("settingChanges() tells what has changed, as a person would write it", async () => {
  const from = await configOf({ "api.base_url": "https://a.example" });
  const to = await configOf({
    "reconcile.interval": "90s",
    "api.fallback_urls": ["https://b.example"],
    "actions.commands": { restart: "/bin/true" },
    "store.snapshots_kept": 4,
  });
  assert.deepEqual(settingChanges(from, to), [
    { name: "api.base_url", from: "https://a.example", to: "unset" },
    {
      name: "api.fallback_urls",
      from: "[]",
      to: '["https://b.example"]',
    },
    { name: "reconcile.interval", from: "1m0s", to: "1m30s" },
    { name: "store.snapshots_kept", from: "3", to: "4" },
    {
      name: "actions.commands",
      from: "{}",
      to: '{"restart":"/bin/true"}',
    },
  ]);
  assert.deepEqual(settingChanges(to, to), []);
});

Deno.test("settingChanges() tells that a secret has changed, and nothing of it", async () => {
  const from = await configOf({ "registration.token_value": "canary-one" });
  const to = await configOf({ "registration.token_value": "canary-two" });
  assert.deepEqual(settingChanges(from, to), [
    { name: "registration.token_value", from: "***", to: "***" },
  ]);
});
