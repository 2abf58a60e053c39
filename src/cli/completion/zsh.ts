import type { Argument, Command, CommandTable, Flag } from "../command.ts";
import { allCommands } from "../command_table.ts";
import {
  allFlags,
  type Choice,
  CLUSTERS_FOLDER,
  commandPlaces,
  SECRET_NAMES,
  spellings,
  type Values,
  valuesOfArgument,
  valuesOfFlag,
  visibleFlags,
} from "./model.ts";

/** The completion for zsh: a file `_plexd` in a folder of `$fpath`. */
export function zshCompletion(table: CommandTable): string {
  const withValue = allFlags(table).filter(({ value }) => value !== undefined);
  const commands = allCommands(table).toSorted((a, b) =>
    b.name.length - a.name.length
  );
  return `#compdef plexd
# zsh completion for plexd, made by "plexd completion zsh"

_plexd_clusters() {
  local -a clusters=(${CLUSTERS_FOLDER}/*(N/:t))
  compadd -a clusters
}

_plexd_secrets() {
  local -a names=(\${(f)"$(${SECRET_NAMES})"})
  compadd -a names
}

_plexd() {
  local -a plain choices
  local at
  for ((at = 2; at < CURRENT; at++)); do
    case $words[at] in
      (${withValue.flatMap(spellings).join("|")}) ((at++)) ;;
      (--print-state) plain+=(--print-state) ;;
      (-*) ;;
      (*) plain+=($words[at]) ;;
    esac
  done
  if [[ $words[CURRENT] != -* && $words[CURRENT-1] != (${
    withValue.flatMap(spellings).join("|")
  }) ]]; then
    choices=()
    case "$plain" in
${
    commandPlaces(table).map(({ after, choices }) =>
      `      (${quote(after)}) choices=(\n${
        choices.map((one) => `        ${quote(described(one))}`).join("\n")
      }\n      ) ;;`
    ).join("\n")
  }
    esac
    if (( $#choices )); then
      _describe command choices
      return
    fi
  fi
  case "$plain " in
${commands.map((one) => caseOfCommand(table, one)).join("\n")}
    (*) _arguments -S \\
${visibleFlags(table).flatMap(specsOfFlag).join(" \\\n")} \\
      '*: :' ;;
  esac
}

if [[ $funcstack[1] == _plexd ]]; then
  _plexd "$@"
else
  compdef _plexd plexd
fi
`;
}

function caseOfCommand(table: CommandTable, command: Command): string {
  const words = command.name.split(" ");
  const specs = [
    ...visibleFlags(table, command).flatMap(specsOfFlag),
    ...words.map((word, at) => `      ${quote(`${at + 1}: :(${word})`)}`),
    ...command.args.map((one, at) =>
      specOfArgument(one, words.length + at + 1)
    ),
  ];
  return `    (${quote(`${command.name} `)}*) _arguments -S \\
${specs.join(" \\\n")} ;;`;
}

function specsOfFlag(flag: Flag): string[] {
  const values = valuesOfFlag(flag);
  const doc = flag.doc.replace(/[[\\]:]/g, (found) => `\\\\${found}`);
  const value = values ? `:${flag.value}:${actionOf(values)}` : "";
  return spellings(flag).map((name) =>
    `      ${quote(`${name}${values ? "=" : ""}[${doc}]${value}`)}`
  );
}

function specOfArgument(argument: Argument, at: number): string {
  const { name, optional, repeated } = argument;
  const place = repeated ? "*" : `${at}${optional ? ":" : ""}`;
  return `      ${
    quote(`${place}:${name}:${actionOf(valuesOfArgument(argument))}`)
  }`;
}

function actionOf(values: Values): string {
  switch (values.kind) {
    case "words":
      return `(${values.words.join(" ")})`;
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "cluster":
      return "_plexd_clusters";
    case "secret":
      return "_plexd_secrets";
    case "any":
      return " ";
  }
}

function described({ word, doc }: Choice): string {
  return `${word}:${doc}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
