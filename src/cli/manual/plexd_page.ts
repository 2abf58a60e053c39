import type { Command, CommandTable, Flag } from "../command.ts";
import { exitsOf, MEANING } from "../exit_codes.ts";
import {
  bold,
  italic,
  page,
  type PageHead,
  tagged,
  text,
  verbatim,
} from "./roff.ts";

/** plexd(1): every command, from the table that parses them. */
export function plexdPage(
  table: CommandTable,
  release: Pick<PageHead, "version" | "date">,
): string {
  return page(
    {
      ...release,
      name: "plexd",
      section: 1,
      summary: "keep a node in the state that its control plane wants",
    },
    [
      ".SH SYNOPSIS",
      `${bold("plexd")} ${italic("COMMAND")} [${italic("FLAGS")}]`,
      ".SH DESCRIPTION",
      "plexd joins a control plane once, keeps a signed event stream open, and",
      "converges the node on its desired state. It serves that state to local",
      "programs over a Unix socket, and works on while the control plane is away.",
      "It also ships its own control plane.",
      ".SH COMMANDS",
      ...table.groups.flatMap(({ title, commands }) => [
        `.SS ${text(title)}`,
        ...commands.flatMap((one) => commandLines(table, one)),
      ]),
      ".SH COMMON FLAGS",
      "A flag may stand before, between and after the words of a command, as",
      `${bold("--flag value")} or ${bold("--flag=value")}. After ${bold("--")}`,
      "everything is a word.",
      ...table.commonFlags.flatMap(flagLines),
      ".SH EXIT STATUS",
      "Each command names those that it can have.",
      ...Object.entries(MEANING).flatMap(([code, what]) =>
        tagged(bold(code), text(what))
      ),
      ".SH ENVIRONMENT",
      ...tagged(
        bold("PLEXD_CONFIG"),
        `The configuration file, as ${bold("--config")}.`,
      ),
      ...tagged(
        bold("PLEXD_*"),
        "Every setting, see",
        ".BR plexd\\-config (5).",
      ),
      ...tagged(
        bold("PLEXD_SESSION"),
        `Names the session that ${
          bold("plexd use")
        } chooses a membership for; ` +
          "without it, the terminal is the session.",
      ),
      ...tagged(
        bold("NO_COLOR"),
        "When set, and not empty: no colour. There is none without a terminal.",
      ),
      ...tagged(
        [
          bold("HTTPS_PROXY"),
          bold("HTTP_PROXY"),
          bold("ALL_PROXY"),
          bold("NO_PROXY"),
        ]
          .join(", "),
        "The way to the control plane. " +
          `${
            bold("NO_PROXY")
          } has hosts, domains with all hosts in them, and ` +
          "networks that are asked without; this machine always is.",
      ),
      ".SH FILES",
      ...tagged(italic("/etc/plexd/config.yaml"), "The configuration."),
      ...tagged(
        italic("/etc/plexd/machine.key"),
        "The key that seals the node's own keys on disk.",
      ),
      ...tagged(
        italic("/var/lib/plexd/clusters/"),
        "What is kept, a folder for each membership.",
      ),
      ...tagged(
        italic("/var/run/plexd/api.sock"),
        "The local API, without values of secrets.",
      ),
      ...tagged(
        italic("/var/run/plexd/secrets.sock"),
        "The local API, with them.",
      ),
      ".SH SEE ALSO",
      ".BR plexd\\-config (5)",
    ],
  );
}

function commandLines(table: CommandTable, command: Command): string[] {
  const { name, args, flags, summary, examples } = command;
  const words = [
    bold(`plexd ${name}`),
    ...args.map((one) => {
      const word = italic(one.name) + (one.repeated ? "..." : "");
      return one.optional ? `[${word}]` : word;
    }),
    ...flags.filter((flag) => flag.required).map(flagWords),
  ];
  // Those that all commands share stand in a section of their own.
  const shared = new Set(table.commonFlags.map((flag) => flag.name));
  const rare = command.common.filter((flag) => !shared.has(flag.name));
  const visible = [...flags, ...rare].filter((flag) => !flag.hidden);
  const details = [
    ...args.flatMap((one) => tagged(italic(one.name), text(one.doc))),
    ...visible.flatMap(flagLines),
  ];
  return [
    ...tagged(words.join(" "), text(`${summary}.`)),
    ...(details.length === 0 ? [] : [".RS", ...details, ".RE"]),
    ".RS",
    ".PP",
    `Exit status: ${exitsOf(command).join(", ")}.`,
    ".PP",
    ...verbatim(examples.flatMap(({ line, doc }) => [`# ${doc}`, line])),
    ".RE",
  ];
}

function flagLines(flag: Flag): string[] {
  const short = flag.short ? `${bold(flag.short)}, ` : "";
  return tagged(short + flagWords(flag), text(flag.doc));
}

function flagWords({ name, value }: Flag): string {
  return value ? `${bold(name)} ${italic(value)}` : bold(name);
}
