import type { Command } from "../command.ts";
import { ASKING, OUTPUT, RUNNING } from "./flags.ts";

/** What finds out what is wrong, and puts it right. */
export const REPAIR: readonly Command[] = [
  {
    name: "diag",
    summary: "Write a bundle for who is to help, without secrets",
    stoppable: true,
    args: [],
    flags: [
      {
        name: "--out",
        value: "FILE",
        doc: "file to write (default: plexd-diag-TIME.tar.gz here)",
      },
      { name: "--force", doc: "replace the file if it is there" },
    ],
    common: ASKING,
    exits: [],
    examples: [
      {
        line: "sudo plexd diag",
        doc: "status, events, settings, store, log and versions",
      },
    ],
    load: async () => (await import("../diag/diag.ts")).diag,
  },
  {
    name: "ping",
    summary: "Ask the control plane, at every address, if it is there",
    args: [],
    flags: [],
    common: [OUTPUT, ...RUNNING],
    exits: [69, 78],
    examples: [
      {
        line: "plexd ping",
        doc: "is the control plane there, and if not, why?",
      },
    ],
    load: async () => (await import("../ping.ts")).ping,
  },
  {
    name: "call",
    summary: "Make any call to the control plane as this node",
    args: [
      {
        name: "METHOD",
        doc: "GET, POST, PUT or DELETE",
        choices: ["GET", "POST", "PUT", "DELETE"],
      },
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
    exits: [3, 69, 77, 78],
    examples: [
      {
        line: "plexd call GET /v1/nodes/{node_id}/state",
        doc: "what a pull brings",
      },
      {
        line: "plexd call POST /v1/nodes/{node_id}/heartbeat --data '{}'",
        doc: "any other call, with a body",
      },
    ],
    load: async () => (await import("../call.ts")).call,
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
    exits: [3, 69, 77, 78],
    examples: [
      {
        line: "plexd download 1.2.0 --to plexd-1.2.0",
        doc: "for this machine; prints the SHA-256",
      },
    ],
    load: async () => (await import("../download.ts")).download,
  },
  {
    name: "config check",
    summary: "Say all that is wrong with the configuration",
    args: [{
      name: "FILE",
      doc: "the configuration file (default: as for every command)",
      optional: true,
    }],
    flags: [],
    common: [OUTPUT, ...RUNNING],
    exits: [78],
    examples: [
      {
        line: "plexd config check plexd.yaml",
        doc: "before it is put in place",
      },
      { line: "plexd config check", doc: "the one in /etc/plexd" },
    ],
    load: async () => (await import("../config/check.ts")).configCheck,
  },
  {
    name: "config show",
    summary: "Print every setting as it holds, and who says so",
    args: [],
    flags: [{ name: "--changed", doc: "only what is no default" }],
    common: [OUTPUT, ...RUNNING],
    exits: [78],
    examples: [
      { line: "plexd config show --changed", doc: "what was set, and where" },
      { line: "plexd config show --output yaml", doc: "everything" },
    ],
    load: async () => (await import("../config/show.ts")).configShow,
  },
  {
    name: "store verify",
    summary: "Look at every file of the store, and change none",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [3, 78],
    examples: [
      { line: "plexd store verify", doc: "also beside a running agent" },
      {
        line: "sudo -u plexd plexd store verify --output json",
        doc: "as the agent's user, for programs",
      },
    ],
    load: async () => (await import("../store/verify.ts")).storeVerify,
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
    exits: [3, 75, 78],
    examples: [
      { line: "plexd store repair --dry-run", doc: "what would be done?" },
      { line: "plexd store repair", doc: "do it; the agent must not run" },
    ],
    load: async () => (await import("../store/repair.ts")).storeRepair,
  },
  {
    name: "store migrate",
    summary: "Bring what older agents have left into the present layout",
    args: [],
    flags: [{
      name: "--dry-run",
      doc: "show what would become of each file, and change nothing",
    }],
    common: [OUTPUT, ...ASKING],
    exits: [75, 78],
    examples: [
      { line: "plexd store migrate --dry-run", doc: "what would be done?" },
      {
        line: "plexd store migrate",
        doc: "do it now; else the next start does",
      },
    ],
    load: async () => (await import("../store/migrate.ts")).storeMigrate,
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
    exits: [3, 78],
    examples: [
      { line: "plexd store backup node.backup", doc: "without keys" },
      {
        line: "plexd store backup node.backup --include-identity",
        doc: "with the node's keys, sealed",
      },
    ],
    load: async () => (await import("../store/backup.ts")).storeBackup,
  },
  {
    name: "store restore",
    summary: "Put a backup back; what is newer here stays",
    args: [{ name: "FILE", doc: "a file that store backup has written" }],
    flags: [],
    common: ASKING,
    exits: [75, 78],
    examples: [
      {
        line: "plexd store restore node.backup",
        doc: "what is newer here stays",
      },
    ],
    load: async () => (await import("../store/restore.ts")).storeRestore,
  },
  {
    name: "store accept-epoch",
    summary: "Confirm that the control plane was restored from a backup",
    stoppable: true,
    args: [],
    flags: [],
    common: ASKING,
    exits: [75, 77, 78],
    examples: [
      {
        line: "plexd store accept-epoch",
        doc: "after the control plane came back from a backup",
      },
    ],
    load: async () =>
      (await import("../store/accept_epoch.ts")).storeAcceptEpoch,
  },
];
