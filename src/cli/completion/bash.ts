import { type Command, type CommandTable, type Flag } from "../command.ts";
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

/**
 * The completion for bash 4 and later; it needs no other package.
 *
 * bash takes `--output=json` apart into three words, so `=` is looked for.
 */
export function bashCompletion(table: CommandTable): string {
  const withValue = allFlags(table).filter(({ value }) => value !== undefined);
  // The longer names first: "state" begins as "state get" does.
  const commands = allCommands(table).toSorted((a, b) =>
    b.name.length - a.name.length
  );
  return `# bash completion for plexd, made by "plexd completion bash"

_plexd_values() {
  local name
  case $1 in
    file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      ;;
    folder)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$cur")
      ;;
    cluster)
      mapfile -t COMPREPLY < <(cd ${CLUSTERS_FOLDER} 2>/dev/null && compgen -d -- "$cur")
      ;;
    secret)
      # Names come from elsewhere: none is expanded, and odd ones are left out.
      while IFS= read -r name; do
        if [[ $name == "$cur"* && $name =~ ^[A-Za-z0-9._/-]+$ ]]; then
          COMPREPLY+=("$name")
        fi
      done < <(${SECRET_NAMES})
      ;;
    any) ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur") ;;
  esac
}

_plexd() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local -a plain=() args=()
  local at flags length=0
  COMPREPLY=()
  if [[ $cur == = ]]; then
    cur=""
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  case $prev in
${withValue.map(caseOfFlag).join("\n")}
  esac
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
      =) at=$((at + 1)) ;;
      ${withValue.flatMap(spellings).join("|")})
        [[ \${COMP_WORDS[at+1]-} == = ]] || at=$((at + 1))
        ;;
      --print-state) plain+=("--print-state") ;;
      -*) ;;
      *) plain+=("\${COMP_WORDS[at]}") ;;
    esac
  done
  case "\${plain[*]} " in
${commands.map((one) => caseOfCommand(table, one)).join("\n")}
    *) flags="${wordsOf(visibleFlags(table))} --print-state" ;;
  esac
  if [[ $cur == -* ]]; then
    _plexd_values "$flags"
    return
  fi
  case "\${plain[*]}" in
${
    commandPlaces(table).map(({ after, choices }) =>
      `    "${after}") _plexd_values "${
        choices.map(({ word }) => word).join(" ")
      }" ;;`
    ).join("\n")
  }
    *) _plexd_values "\${args[\${#plain[@]}-length]-any}" ;;
  esac
}

complete -F _plexd plexd
`;
}

function caseOfFlag(flag: Flag): string {
  const values = textOf(valuesOfFlag(flag)!);
  return `    ${spellings(flag).join("|")})
      _plexd_values "${values}"
      return
      ;;`;
}

function caseOfCommand(table: CommandTable, command: Command): string {
  const { name, args } = command;
  const values = args.map((one) => `"${textOf(valuesOfArgument(one))}"`);
  return `    "${name} "*)
      length=${name.split(" ").length}
      flags="${wordsOf(visibleFlags(table, command))}"
      args=(${values.join(" ")})
      ;;`;
}

function wordsOf(flags: readonly Flag[]): string {
  return flags.map(({ name }) => name).join(" ");
}

function textOf(values: Values): string {
  return values.kind === "words" ? values.words.join(" ") : values.kind;
}
