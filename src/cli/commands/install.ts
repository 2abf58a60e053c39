import type { Command, Flag } from "../command.ts";
import { HELP_FLAGS } from "./flags.ts";

const PREFIX: Flag = {
  name: "--prefix",
  value: "DIR",
  doc: "an installation in DIR: no root, no user, no unit",
};

const DRY_RUN: Flag = {
  name: "--dry-run",
  doc: "say what would be done, and change nothing",
};

const READY_TIMEOUT: Flag = {
  name: "--ready-timeout",
  value: "DURATION",
  doc: "how long the agent may take to be ready (default 90s)",
};

const KEY: Flag = {
  name: "--key",
  value: "FILE",
  doc: "PEM file of the public key that signs your own releases",
};

/** What brings plexd onto a machine, and away again. */
export const INSTALL: readonly Command[] = [
  {
    name: "install",
    summary: "Install plexd on this machine, and start the agent",
    spawns: "always",
    args: [],
    flags: [
      {
        name: "--api",
        value: "URL",
        doc: "the control plane, for the configuration where there is none",
      },
      {
        name: "--token-file",
        value: "FILE",
        doc: "file of the one-time bootstrap token; - reads standard input",
      },
      { name: "--no-start", doc: "enable the agent, and do not start it" },
      READY_TIMEOUT,
      PREFIX,
      DRY_RUN,
      {
        name: "--from",
        value: "DIR",
        doc: "the folder of an unpacked release (default: this program)",
      },
      { name: "--allow-older", doc: "also instead of a newer version" },
      {
        name: "--base-url",
        value: "URL",
        doc: "where releases are, for the configuration where there is none",
      },
      KEY,
    ],
    common: HELP_FLAGS,
    exits: [],
    examples: [
      {
        line:
          "plexd install --api https://api.example.com --token-file /root/token",
        doc: "the whole machine, as root",
      },
      {
        line: "plexd install --prefix ~/plexd",
        doc: "a folder of your own, without root",
      },
      { line: "plexd install --dry-run", doc: "only say what would be done" },
    ],
    load: async () => (await import("../host/install.ts")).install,
  },
  {
    name: "upgrade",
    summary: "Go to another version, and back if it is not ready",
    stoppable: true,
    spawns: "always",
    args: [{
      name: "VERSION",
      doc: "such as 1.2.3 (default: the latest)",
      optional: true,
    }],
    flags: [
      {
        name: "--base-url",
        value: "URL",
        doc: "where releases are (default: updates.base_url)",
      },
      KEY,
      {
        name: "--allow-plaintext",
        doc: "allow http:// to other hosts; signatures are checked either way",
      },
      READY_TIMEOUT,
      PREFIX,
      DRY_RUN,
    ],
    common: HELP_FLAGS,
    exits: [78],
    examples: [
      { line: "plexd upgrade", doc: "to the latest version" },
      { line: "plexd upgrade 1.2.3", doc: "to that one, be it older" },
    ],
    load: async () => (await import("../host/upgrade.ts")).upgrade,
  },
  {
    name: "uninstall",
    summary: "Remove plexd from this machine; data stay",
    spawns: "always",
    args: [],
    flags: [
      {
        name: "--purge",
        doc: "remove configuration, keys, data, user and groups, too",
      },
      PREFIX,
      DRY_RUN,
    ],
    common: HELP_FLAGS,
    exits: [],
    examples: [
      { line: "plexd uninstall", doc: "a later install goes on with the data" },
      { line: "plexd uninstall --purge", doc: "as if it had never been here" },
    ],
    load: async () => (await import("../host/uninstall.ts")).uninstall,
  },
];
