import type { Command, CommandTable, Flag } from "../command.ts";
import { allCommands } from "../command_table.ts";
import {
  allFlags,
  CLUSTERS_FOLDER,
  commandPlaces,
  SECRET_NAMES,
  spellings,
  type Values,
  valuesOfArgument,
  valuesOfFlag,
  visibleFlags,
} from "./model.ts";

/** The completion for fish: a file `plexd.fish` of its completions. */
export function fishCompletion(table: CommandTable): string {
  const withValue = allFlags(table).filter(({ value }) => value !== undefined);
  const twoWords = allCommands(table).map(({ name }) => name)
    .filter((name) => name.includes(" "));
  return `# fish completion for plexd, made by "plexd completion fish"

function __plexd_plain
    set -l is_value no
    for word in (commandline -opc)[2..-1]
        if test $is_value = yes
            set is_value no
            continue
        end
        switch $word
            case ${withValue.flatMap(spellings).join(" ")}
                set is_value yes
            case --print-state
                echo -- $word
            case '-*'
            case '*'
                echo -- $word
        end
    end
end

# The words so far are these, and no more.
function __plexd_at
    set -l plain (__plexd_plain)
    test "$plain" = "$argv[1]"
end

# The words so far name this command, and so many arguments of it are there.
function __plexd_in
    set -l plain (__plexd_plain)
    set -l name "$plain[1]"
    set -l length 1
    if contains -- "$plain[1..2]" ${twoWords.map(quote).join(" ")}
        set name "$plain[1..2]"
        set length 2
    end
    test "$name" = "$argv[1]"
    or return 1
    set -q argv[2]
    or return 0
    test (math (count $plain) - $length) -eq $argv[2]
end

complete -c plexd -f
${
    commandPlaces(table).flatMap(({ after, choices }) =>
      choices.map(({ word, doc }) =>
        `complete -c plexd -n ${quote(`__plexd_at ${quote(after)}`)} -a ${
          quote(word)
        } -d ${quote(doc)}`
      )
    ).join("\n")
  }
${
    visibleFlags(table).map((flag) =>
      `complete -c plexd -n ${quote("__plexd_at ''")} ${optionOf(flag)}`
    ).join("\n")
  }
${allCommands(table).flatMap((one) => linesOf(table, one)).join("\n")}
`;
}

function linesOf(table: CommandTable, command: Command): string[] {
  const within = `__plexd_in ${quote(command.name)}`;
  return [
    ...visibleFlags(table, command).map((flag) =>
      `complete -c plexd -n ${quote(within)} ${optionOf(flag)}`
    ),
    ...command.args.flatMap((argument, at) => {
      const values = proposalOf(valuesOfArgument(argument));
      if (values === "") return [];
      return [`complete -c plexd -n ${quote(`${within} ${at}`)} ${values}`];
    }),
  ];
}

function optionOf(flag: Flag): string {
  const values = valuesOfFlag(flag);
  return [
    `-l ${flag.name.slice(2)}`,
    ...(flag.short ? [`-s ${flag.short.slice(1)}`] : []),
    ...(values ? [valueOf(values)] : []),
    `-d ${quote(flag.doc)}`,
  ].join(" ");
}

/** Without files, unless it is one. */
function valueOf(values: Values): string {
  const takes = values.kind === "file" ? "-r" : "-x";
  return `${takes} ${proposalOf(values)}`.trimEnd();
}

function proposalOf(values: Values): string {
  switch (values.kind) {
    case "words":
      return `-a ${quote(values.words.join(" "))}`;
    case "file":
      return "-F";
    case "folder":
      return "-a '(__fish_complete_directories)'";
    case "cluster":
      return `-a '(path basename ${CLUSTERS_FOLDER}/*/ 2>/dev/null)'`;
    case "secret":
      return `-a '(${SECRET_NAMES})'`;
    case "any":
      return "";
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
