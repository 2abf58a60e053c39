import type { Command } from "../command.ts";
import { ASKING, ASKING_EXITS, OUTPUT } from "./flags.ts";

/** What workloads and operators ask of a running agent. */
export const USE: readonly Command[] = [
  {
    name: "state report",
    summary: "Print, write or remove a report, which goes upstream",
    args: [{ name: "KEY", doc: "key of the report" }],
    flags: [
      {
        name: "--data",
        value: "JSON",
        doc: "write this payload; - reads standard input",
      },
      { name: "--delete", doc: "remove the report" },
      {
        name: "--if-match",
        value: "VERSION",
        doc: "write only over this version of it",
      },
      { name: "--create", doc: "write only if there is none yet" },
      {
        name: "--wait",
        doc: "until the control plane has it, for 10 s at most; else exit 69",
      },
      {
        name: "--timeout",
        value: "DURATION",
        doc: "with --wait: for this long instead, 60s at most",
      },
    ],
    common: [OUTPUT, ...ASKING],
    exits: [3, 4, 69, 77, 78],
    examples: [
      {
        line: "plexd state report health --data '{\"ok\":true}'",
        doc: "write a report",
      },
      {
        line: "plexd state report health --data - < health.json",
        doc: "from standard input",
      },
      { line: "plexd state report health", doc: "print it, with its version" },
      {
        line: "plexd state report health --data 1 --if-match 3",
        doc: "unless somebody has changed it since version 3",
      },
      {
        line: "plexd state report health --data 1 --wait",
        doc: "and wait until it is upstream",
      },
    ],
    load: async () => (await import("../state_report.ts")).stateReport,
  },
  {
    name: "reconcile",
    summary: "Pull the state now, and print what changed",
    stoppable: true,
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: [4, 69, 77, 78],
    examples: [
      { line: "sudo plexd reconcile", doc: "as root, or as the agent's user" },
    ],
    load: async () => (await import("../reconcile.ts")).reconcile,
  },
  {
    name: "secrets list",
    summary: "List the names of secrets, and no value",
    args: [],
    flags: [],
    common: [OUTPUT, ...ASKING],
    exits: ASKING_EXITS,
    examples: [
      { line: "plexd secrets list", doc: "in a pipe, one name a line" },
    ],
    load: async () => (await import("../secrets.ts")).secretsList,
  },
  {
    name: "use",
    summary: "Choose the membership that this terminal is about",
    terminal: "chosen",
    args: [{
      name: "MEMBERSHIP",
      doc: "name of the membership; without it, the one in use is shown",
      optional: true,
    }],
    flags: [{ name: "--clear", doc: "choose none again" }],
    common: [OUTPUT, ...ASKING.filter(({ name }) => name !== "--cluster")],
    exits: [3, 78],
    examples: [
      {
        line: "plexd use staging",
        doc: "for this terminal, until it is closed, or for 30 days",
      },
      { line: "plexd use", doc: "which one it is, and by what" },
      {
        line: "plexd use --clear",
        doc: "the usual one again",
      },
    ],
    load: async () => (await import("../use.ts")).use,
  },
  {
    name: "secrets get",
    summary: "Print the value of a secret",
    args: [{ name: "SECRET", doc: "name of the secret" }],
    flags: [{ name: "--raw", doc: "the bytes of the value and nothing else" }],
    common: [OUTPUT, ...ASKING],
    exits: [3, 4, 69, 77, 78],
    examples: [
      { line: "plexd secrets get db-password", doc: "the value alone" },
      {
        line: "plexd secrets get tls-key --raw > tls.key",
        doc: "without a newline after it",
      },
    ],
    load: async () => (await import("../secrets.ts")).secretsGet,
  },
];
