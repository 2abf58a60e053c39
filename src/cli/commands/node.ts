import type { Command } from "../command.ts";
import { RUNNING, TOKEN_FILE } from "./flags.ts";

/** A node's way in and out. */
export const NODE: readonly Command[] = [
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
    exits: [69, 75, 77, 78],
    examples: [
      {
        line: "plexd join --api https://api.example.com --token-file token",
        doc: 'once; "plexd up" does it too, on its first start',
      },
      {
        line: "plexd join --token-file - < token",
        doc: "the token from standard input",
      },
    ],
    load: async () => (await import("../join.ts")).join,
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
    exits: [69, 75, 77, 78],
    examples: [
      {
        line: "plexd deregister",
        doc: "leave; what is on disk stays but the identity",
      },
      {
        line: "plexd deregister --purge",
        doc: "leave, and remove everything of this membership",
      },
    ],
    load: async () => (await import("../deregister.ts")).deregister,
  },
];
