import type { Command, Flag } from "../command.ts";
import { ASKING, ASKING_EXITS, OUTPUT } from "./flags.ts";

const FOLLOW: Flag = {
  name: "--follow",
  short: "-f",
  doc: "go on with what comes, until Ctrl-C",
};

/** What tells about the node, and changes nothing. */
export const LOOK: readonly Command[] = [
  {
    name: "status",
    summary: "Say whether the agent is well, and if not, why",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [4, 78],
    examples: [
      {
        line: "plexd status",
        doc: "one screen; exits 0 also when degraded, 4 when none runs",
      },
      { line: "plexd status --output json", doc: "for programs" },
    ],
    load: async () => (await import("../status.ts")).status,
  },
  {
    name: "why",
    summary: "Say the worst problem in one sentence, and what to do",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [4, 77, 78],
    examples: [
      { line: "plexd why", doc: "exits 0 only when all is well" },
    ],
    load: async () => (await import("../why.ts")).why,
  },
  {
    name: "events",
    summary: "List what happened to the agent, from disk if none runs",
    stoppable: true,
    args: [],
    flags: [FOLLOW],
    common: [OUTPUT, ...ASKING],
    exits: [4, 78],
    examples: [
      { line: "plexd events", doc: "the last ones, oldest first" },
      { line: "plexd events --follow", doc: "and what happens from now on" },
    ],
    load: async () => (await import("../events.ts")).events,
  },
  {
    name: "watch",
    summary: "Show changes of state and reports as they become durable",
    stoppable: true,
    args: [],
    flags: [
      {
        name: "--kind",
        value: "KIND",
        doc: "only metadata, data, secrets, report or status, or some: a,b",
      },
      { name: "--key", value: "KEY", doc: "only this key" },
      {
        name: "--consumer",
        value: "NAME",
        doc: "go on where this name stopped, kept below XDG_STATE_HOME",
      },
    ],
    common: [OUTPUT, ...ASKING],
    exits: ASKING_EXITS,
    examples: [
      { line: "plexd watch", doc: "a line for each change, until Ctrl-C" },
      {
        line: "plexd watch --kind data,secrets --output json",
        doc: "for programs; secrets with name and version only",
      },
      {
        line: "plexd watch --consumer backup --output json",
        doc: "what changed since this consumer stopped, too",
      },
    ],
    load: async () => (await import("../watch.ts")).watch,
  },
  {
    name: "logs",
    summary: "Show the log of the agent, where systemd keeps it",
    stoppable: true,
    spawns: "always",
    args: [],
    flags: [FOLLOW, {
      name: "--lines",
      value: "N",
      doc: "the last N lines (default: all)",
    }],
    common: ASKING,
    exits: [3, 78],
    examples: [
      { line: "plexd logs --lines 100", doc: "the newest, from the journal" },
      { line: "plexd logs --follow", doc: "live" },
    ],
    load: async () => (await import("../logs.ts")).logs,
  },
  {
    name: "state",
    summary: "Print a summary of the node's state",
    args: [],
    flags: [
      {
        name: "--full",
        doc: "everything but secret values, all of it of one moment",
      },
    ],
    common: [OUTPUT, ...ASKING],
    exits: ASKING_EXITS,
    examples: [
      { line: "plexd state", doc: "as JSON" },
      { line: "plexd state --output table", doc: "a line for each key" },
      { line: "plexd state --full > state.json", doc: "with all payloads" },
    ],
    load: async () => (await import("../state.ts")).state,
  },
  {
    name: "state get",
    summary: "Print one entry of the node's state",
    args: [
      {
        name: "TYPE",
        doc: "metadata, data or report; for secrets see secrets get",
        choices: ["metadata", "data", "report"],
      },
      { name: "KEY", doc: "key of the entry" },
    ],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [3, 4, 77, 78],
    examples: [
      { line: "plexd state get metadata region", doc: "one value" },
      {
        line: "plexd state get data motd --output yaml",
        doc: "one entry, as YAML",
      },
    ],
    load: async () => (await import("../state.ts")).stateGet,
  },
  {
    name: "peers",
    summary: "List the other nodes that this one knows",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [77, 78],
    examples: [
      { line: "plexd peers", doc: "as a table" },
      { line: "plexd peers --output json", doc: "whole, for programs" },
    ],
    load: async () => (await import("../directory.ts")).peers,
  },
  {
    name: "policies",
    summary: "List the policies that hold for this node",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [77, 78],
    examples: [
      { line: "plexd policies", doc: "as a table" },
      { line: "plexd policies --output yaml", doc: "whole, for reading" },
    ],
    load: async () => (await import("../directory.ts")).policies,
  },
  {
    name: "services",
    summary: "List the services that are assigned to this node",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [77, 78],
    examples: [
      { line: "plexd services", doc: "as a table" },
      { line: "plexd services --output json", doc: "with what they refer to" },
    ],
    load: async () => (await import("../caches.ts")).services,
  },
  {
    name: "routes",
    summary: "List the ways to other nodes that this one would take",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [77, 78],
    examples: [
      { line: "plexd routes", doc: "as a table" },
      { line: "plexd routes --output json", doc: "with their alternatives" },
    ],
    load: async () => (await import("../caches.ts")).routes,
  },
  {
    name: "sessions",
    summary: "List SSH sessions that were asked for (none is opened)",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [77, 78],
    examples: [
      { line: "plexd sessions", doc: "as a table" },
    ],
    load: async () => (await import("../directory.ts")).sessions,
  },
  {
    name: "actions",
    summary: "List what may be run here on request, and what was run",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [77, 78],
    examples: [
      { line: "plexd actions", doc: "what would run, and what ran" },
    ],
    load: async () => (await import("../actions.ts")).actions,
  },
  {
    name: "--print-state",
    summary: "Print the node's state, from disk if no agent runs",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [3, 77, 78],
    examples: [
      {
        line: "plexd --print-state",
        doc: "from the agent, or from disk if none runs",
      },
    ],
    load: async () => (await import("../print_state.ts")).printState,
  },
];
