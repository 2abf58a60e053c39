import assert from "node:assert/strict";
import { SETTINGS } from "../../src/config/settings.ts";

/** As docs/wire.md has them, sections a.6 "Batching", e.1, e.2, e.4 and g.2. */
const DEFAULTS = {
  "heartbeat.interval": 30_000,
  "reconcile.interval": 60_000,
  "node_api.debounce_period": 5_000,
  "metrics.enabled": true,
  "metrics.collect_interval": 15_000,
  "metrics.report_interval": 60_000,
  "metrics.batch_size": 100,
  "log_fwd.enabled": true,
  "log_fwd.collect_interval": 10_000,
  "log_fwd.report_interval": 30_000,
  "log_fwd.batch_size": 200,
  "audit_fwd.enabled": true,
  "audit_fwd.collect_interval": 5_000,
  "audit_fwd.report_interval": 15_000,
  "audit_fwd.batch_size": 500,
} as const;

for (const [name, value] of Object.entries(DEFAULTS)) {
  Deno.test(`${name} is ${value} by default, as the wire has it`, () => {
    const setting = SETTINGS[name as keyof typeof DEFAULTS];
    assert.equal(setting.defaultValue, value);
  });
}
