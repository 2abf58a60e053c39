import type { Command } from "../command.ts";
import { ASKING } from "./flags.ts";

/** What workloads and operators ask of a running agent. */
export const USE: readonly Command[] = [
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
    examples: [
      {
        line: "plexd state report health --data '{\"ok\":true}'",
        doc: "write a report",
      },
      {
        line: "plexd state report health --data - < health.json",
        doc: "from standard input",
      },
    ],
    load: async () => (await import("../state.ts")).stateReport,
  },
];
