import assert from "node:assert/strict";
import { planReload } from "../../src/agent/reload_settings.ts";
import type { SettingName } from "../../src/config/settings.ts";
import { configOf } from "./config_of.ts";

type Settings = Partial<Record<SettingName, unknown>>;

const COMMANDS = { restart: "/bin/true" };

const cases: {
  readonly what: string;
  readonly to: Settings;
  readonly maySpawn?: boolean;
  readonly changed?: readonly string[];
  readonly kept?: readonly string[];
  readonly restarts: boolean;
}[] = [
  { what: "nothing: files may be others", to: {}, restarts: true },
  {
    what: "the log alone, without any part",
    to: { log_level: "debug", log_format: "json" },
    changed: ["log_level: info -> debug", "log_format: auto -> json"],
    restarts: false,
  },
  {
    what: "anything else by parts that begin anew",
    to: { log_level: "debug", "heartbeat.interval": "5s" },
    changed: ["log_level: info -> debug", "heartbeat.interval: 30s -> 5s"],
    restarts: true,
  },
  {
    what: "no store and no lock",
    to: { data_dir: "/srv/plexd", "seal.key_file": "/srv/key" },
    kept: [
      "data_dir: /var/lib/plexd -> /srv/plexd",
      "seal.key_file: /etc/plexd/machine.key -> /srv/key",
    ],
    restarts: true,
  },
  {
    what: "no membership, and not its sockets either",
    to: { cluster: "other" },
    kept: [
      "cluster: default -> other",
      "node_api.socket_path: /var/run/plexd/api.sock -> /var/run/plexd-other/api.sock",
      "node_api.secrets_socket_path: /var/run/plexd/secrets.sock -> /var/run/plexd-other/secrets.sock",
    ],
    restarts: true,
  },
  {
    what: "actions while processes may be started",
    to: { "actions.enabled": true, "actions.commands": COMMANDS },
    changed: [
      "actions.enabled: false -> true",
      'actions.commands: {} -> {"restart":"/bin/true"}',
    ],
    restarts: true,
  },
  {
    what: "no actions once that was given up",
    to: { "actions.enabled": true, "actions.commands": COMMANDS },
    maySpawn: false,
    kept: [
      "actions.enabled: false -> true",
      'actions.commands: {} -> {"restart":"/bin/true"}',
    ],
    restarts: true,
  },
];

for (const one of cases) {
  const { what, to, maySpawn = true, changed = [], kept = [] } = one;
  Deno.test(`planReload() changes ${what}`, async () => {
    const from = await configOf();
    const wanted = await configOf(to);
    const plan = planReload(from, wanted, { maySpawn });
    assert.deepEqual(plan.changed, changed);
    assert.deepEqual(plan.kept, kept);
    assert.equal(plan.restarts, one.restarts);
    for (const name of Object.keys(to) as SettingName[]) {
      const isKept = kept.some((sentence) => sentence.startsWith(`${name}:`));
      assert.deepEqual(plan.config[name], (isKept ? from : wanted)[name]);
    }
  });
}
