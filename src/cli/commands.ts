import { LOG_LEVELS } from "../platform/log.ts";
import type { Command, Flag } from "./command.ts";
import { OUTPUT_FORMS } from "./output/forms.ts";

const TOKEN_FILE: Flag = {
  name: "--token-file",
  value: "FILE",
  doc: "file of the one-time bootstrap token; - reads standard input",
  setting: "registration.token_file",
};

const TOKEN_FILE_OF_AGENT: Flag = {
  ...TOKEN_FILE,
  doc: "file of the one-time bootstrap token, for the first start",
};

const DIE_WITH_STDIN: Flag = {
  name: "--die-with-stdin",
  doc: "end when standard input ends",
  hidden: true,
};

const USERS_LOCK: Flag = {
  name: "--users-lock",
  value: "FILE",
  doc: "leave this lock in the end; the last one removes its folder",
  hidden: true,
};

/** What decides which agent, and which of its settings, a command is about. */
const AGENT_FLAGS: readonly Flag[] = [
  {
    name: "--config",
    value: "FILE",
    doc: "configuration file (default /etc/plexd/config.yaml)",
  },
  {
    name: "--cluster",
    value: "NAME",
    doc: "membership (default: default)",
    setting: "cluster",
  },
  {
    name: "--data-dir",
    value: "DIR",
    doc: "data folder (default /var/lib/plexd)",
    setting: "data_dir",
  },
];

const API: Flag = {
  name: "--api",
  value: "URL",
  doc: "base URL of the control plane",
  setting: "api.base_url",
};

const LOG_FLAGS: readonly Flag[] = [
  {
    name: "--log-level",
    value: "LEVEL",
    doc: "debug, info, warn or error",
    choices: LOG_LEVELS,
    setting: "log_level",
  },
  {
    name: "--log-format",
    value: "FORMAT",
    doc: "auto, json or text",
    choices: ["auto", "json", "text"],
    setting: "log_format",
  },
];

const OUTPUT: Flag = {
  name: "--output",
  value: "FORM",
  doc: "table, json or yaml",
  choices: OUTPUT_FORMS,
};

const HELP_FLAGS: readonly Flag[] = [
  { name: "--version", doc: "print the version and exit" },
  { name: "--help", doc: "print this help and exit" },
];

const RUNNING = [...AGENT_FLAGS, API, ...LOG_FLAGS, ...HELP_FLAGS];
const ASKING = [...AGENT_FLAGS, ...LOG_FLAGS, ...HELP_FLAGS];

/** Flags that several commands share, for a line that names no command. */
export const COMMON_FLAGS: readonly Flag[] = [...RUNNING, OUTPUT];

/** All flags that a command takes, its own first. */
export function flagsOf(command: Command): readonly Flag[] {
  return [...command.flags, ...command.common];
}

/** Every command; help texts and usage errors come from here. */
export const COMMANDS: readonly Command[] = [
  {
    name: "up",
    summary: "Run the agent until it is told to stop",
    stoppable: true,
    args: [],
    flags: [TOKEN_FILE_OF_AGENT, DIE_WITH_STDIN, USERS_LOCK],
    common: RUNNING,
    load: async () => (await import("./up.ts")).up,
  },
  {
    name: "join",
    summary: "Join a control plane with a one-time token",
    stoppable: true,
    args: [],
    flags: [TOKEN_FILE, {
      name: "--force",
      doc: "join anew; reports are kept",
    }],
    common: RUNNING,
    load: async () => (await import("./join.ts")).join,
  },
  {
    name: "deregister",
    summary: "Leave the control plane",
    stoppable: true,
    args: [],
    flags: [
      { name: "--purge", doc: "remove the membership's data, reports too" },
      {
        name: "--force",
        doc: "forget this node here even if the control plane cannot be asked",
      },
    ],
    common: RUNNING,
    load: async () => (await import("./deregister.ts")).deregister,
  },
  {
    name: "ping",
    summary: "Ask every address of the control plane whether it is there",
    args: [],
    flags: [],
    common: [OUTPUT, ...RUNNING],
    load: async () => (await import("./ping.ts")).ping,
  },
  {
    name: "call",
    summary: "Call the control plane as this node, and print the JSON answer",
    args: [
      { name: "METHOD", doc: "GET, POST, PUT or DELETE" },
      {
        name: "PATH",
        doc: "such as /v1/nodes/{node_id}/state; {node_id} is this node's own",
      },
    ],
    flags: [{
      name: "--data",
      value: "JSON",
      doc: "the request's body; - reads standard input",
    }],
    common: RUNNING,
    load: async () => (await import("./call.ts")).call,
  },
  {
    name: "download",
    summary: "Download a release of plexd from the control plane",
    stoppable: true,
    args: [{ name: "VERSION", doc: "the release, such as 1.2.0" }],
    flags: [
      {
        name: "--to",
        value: "FILE",
        doc: "the file to make; its SHA-256 is printed",
        required: true,
      },
      { name: "--os", value: "OS", doc: "linux (default: this system's)" },
      {
        name: "--arch",
        value: "ARCH",
        doc: "amd64 or arm64 (default: this machine's)",
      },
      {
        name: "--sha256",
        value: "HEX",
        doc: "what the file must be; anything else is not kept",
      },
      { name: "--force", doc: "replace a file that is there" },
    ],
    common: RUNNING,
    load: async () => (await import("./download.ts")).download,
  },
  {
    name: "dev",
    summary: "Run a control plane and an enrolled agent, live",
    stoppable: true,
    args: [],
    flags: [
      {
        name: "--tour",
        doc: "show everything once, without a person, and exit",
      },
      {
        name: "--data-dir",
        value: "DIR",
        doc: "keep everything in DIR (default: a temporary folder)",
      },
      {
        name: "--dialect",
        value: "N",
        doc: "wire dialect that the node joins in, 1 or 2 (default 1)",
        choices: ["1", "2"],
      },
    ],
    common: HELP_FLAGS,
    load: async () => (await import("./dev/command.ts")).dev,
  },
  {
    name: "control-plane",
    summary: "Run a control plane",
    stoppable: true,
    args: [],
    flags: [
      {
        name: "--listen",
        value: "HOST:PORT",
        doc: "address (default 127.0.0.1:8443)",
      },
      {
        name: "--data-dir",
        value: "DIR",
        doc: "data folder (default /var/lib/plexd-control-plane)",
      },
      { name: "--tls-cert", value: "FILE", doc: "PEM file of the certificate" },
      { name: "--tls-key", value: "FILE", doc: "PEM file of its key" },
      {
        name: "--artifacts",
        value: "DIR",
        doc: "releases for nodes, as DIR/<version>/plexd-<os>-<arch>",
      },
      {
        name: "--snapshot-lifetime",
        value: "DURATION",
        doc: "how long a signed state may be relied on (default 24h)",
      },
      {
        name: "--snapshots",
        value: "RULE",
        doc: "offered, or required of nodes that join (default offered)",
        choices: ["offered", "required"],
      },
      {
        name: "--new-epoch",
        doc: "once, after the data folder was restored from a backup",
      },
      {
        name: "--without",
        value: "PARTS",
        doc:
          "run without some of relation-checker, storage, snapshot, audit, " +
          "events, state: pull or stream answer 501",
      },
      DIE_WITH_STDIN,
      USERS_LOCK,
    ],
    common: [...LOG_FLAGS, ...HELP_FLAGS],
    load: async () => (await import("./control_plane.ts")).controlPlane,
  },
  {
    name: "status",
    summary: "Say whether the agent is well, and if not, why",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    load: async () => (await import("./status.ts")).status,
  },
  {
    name: "state",
    summary: "Print a summary of the node's state",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    load: async () => (await import("./state.ts")).state,
  },
  {
    name: "state get",
    summary: "Print one entry of the node's state",
    args: [
      { name: "TYPE", doc: "metadata, data or report" },
      { name: "KEY", doc: "key of the entry" },
    ],
    flags: [],
    common: [OUTPUT, ...ASKING],
    load: async () => (await import("./state.ts")).stateGet,
  },
  {
    name: "state report",
    summary: "Write a report, which goes upstream",
    args: [{ name: "KEY", doc: "key of the report" }],
    flags: [{
      name: "--data",
      value: "JSON",
      doc: "its payload; - reads standard input",
      required: true,
    }],
    common: ASKING,
    load: async () => (await import("./state.ts")).stateReport,
  },
  {
    name: "peers",
    summary: "List the other nodes that this one knows",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    load: async () => (await import("./directory.ts")).peers,
  },
  {
    name: "policies",
    summary: "List the policies that hold for this node",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    load: async () => (await import("./directory.ts")).policies,
  },
  {
    name: "sessions",
    summary: "List SSH sessions that were asked for (none is opened)",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    load: async () => (await import("./directory.ts")).sessions,
  },
  {
    name: "actions",
    summary: "List what the control plane may run here, and what it ran",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    load: async () => (await import("./actions.ts")).actions,
  },
  {
    name: "store verify",
    summary: "Look at every file of the store, and change none",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    load: async () => (await import("./store/verify.ts")).storeVerify,
  },
  {
    name: "store accept-epoch",
    summary: "Confirm that the control plane was restored from a backup",
    stoppable: true,
    args: [],
    flags: [],
    common: ASKING,
    load: async () =>
      (await import("./store/accept_epoch.ts")).storeAcceptEpoch,
  },
  {
    name: "store repair",
    summary: "Repair the store as the start of the agent would",
    args: [],
    flags: [{
      name: "--dry-run",
      doc: "show what would be done, and change nothing",
    }],
    common: [OUTPUT, ...ASKING],
    load: async () => (await import("./store/repair.ts")).storeRepair,
  },
  {
    name: "store backup",
    summary: "Write the store into one file",
    args: [{ name: "FILE", doc: "file to write, for its owner only" }],
    flags: [{
      name: "--include-identity",
      doc: "with the node's keys, sealed; who has machine.key can use them",
    }, { name: "--force", doc: "replace the file if it is there" }],
    common: ASKING,
    load: async () => (await import("./store/backup.ts")).storeBackup,
  },
  {
    name: "store restore",
    summary: "Put a backup back; what is newer here stays",
    args: [{ name: "FILE", doc: "a file that store backup has written" }],
    flags: [],
    common: ASKING,
    load: async () => (await import("./store/restore.ts")).storeRestore,
  },
  {
    name: "--print-state",
    summary: "Print the node's state, from disk if no agent runs",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    load: async () => (await import("./print_state.ts")).printState,
  },
];
