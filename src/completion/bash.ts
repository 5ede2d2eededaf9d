// The completion script for bash. In: a Grammar. Out: a script that needs bash 4 and nothing else; where the
// bash-completion package is there, the words of a command are completed by that command's own completion.
import type { Completion } from "../options.ts";
import type { Grammar, GrammarCommand, GrammarOption } from "./grammar.ts";

export function writeBash(grammar: Grammar): string {
  const { options, commands } = grammar;
  const names = commands.map(({ name }) => name).join(" ");
  return `# bash completion for tsjail, made by \`tsjail completion bash\`

# Prints what completes the value of an option, or nothing for an option without a value.
_tsjail_value() {
  case $1:$2 in
${[...commands].map((command) => writeValues(command.name, command.options)).join("")}${writeValues("", options)}  esac
}

_tsjail_options() {
  case $1 in
${commands.map(({ name, options }) => `    ${name}) echo '${listNames(options)}' ;;\n`).join("")}    *) echo '${listNames(options)}' ;;
  esac
}

# Prints what completes the Nth word of a subcommand.
_tsjail_word() {
  case $1:$2 in
${commands.map(writeWords).join("")}    *) echo nothing ;;
  esac
}

# Prints the environments that begin with $2, each with $1 before it.
_tsjail_envs() {
  local name
  for name in "\${XDG_DATA_HOME:-$HOME/.local/share}"/tsjail/envs/*.toml; do
    name=$1\${name##*/} name=\${name%.toml}
    if [[ $name != *'*' && $name == "$2"* ]]; then echo "$name"; fi
  done
}

_tsjail_reply() {
  local piece=$2 directory=\${XDG_CONFIG_HOME:-$HOME/.config}/tsjail name
  local data=\${XDG_DATA_HOME:-$HOME/.local/share}/tsjail
  case $1 in
    words:*) mapfile -t COMPREPLY < <(compgen -W "\${1#words:}" -- "$piece") ;;
    variable) mapfile -t COMPREPLY < <(compgen -e -- "$piece") ;;
    directory) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$piece") ;;
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$piece") ;;
    command)
      mapfile -t COMPREPLY < <(
        compgen -W '${names}' -- "$piece"; _tsjail_envs @ "$piece"; compgen -c -- "$piece" | sort -u
      ) ;;
    env) mapfile -t COMPREPLY < <(_tsjail_envs '' "$piece") ;;
    layer | volume)
      # What is half made begins with a dot, which * leaves out.
      mapfile -t COMPREPLY < <(
        for name in "$data/\${1}s"/*/; do
          name=\${name%/} name=\${name##*/}
          if [[ $name != '*' && $name == "$piece"* ]]; then echo "$name"; fi
        done
      ) ;;
    profile)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(
        compgen -W '${grammar.profiles.join(" ")}' -- "$piece"
        _tsjail_envs @ "$piece"
        for name in "$directory"/*.toml; do
          name=\${name##*/} name=\${name%.toml}
          if [[ $name != '*' && $name == "$piece"* ]]; then echo "$name"; fi
        done
        compgen -f -X '!*.toml' -- "$piece"
        compgen -d -- "$piece"
      ) ;;
  esac
}

_tsjail() {
  COMPREPLY=()
  # Bash has split the words at = and : as well; here they are whole again, and piece is what it will replace.
  local words=() at=() glue='' index word piece=\${COMP_WORDS[COMP_CWORD]}
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ \${#words[@]} -gt 0 && $word =~ ^[=:]+$ ]]; then
      words[-1]+=$word glue=1
    elif [[ $glue ]]; then
      words[-1]+=$word glue=''
    else
      words+=("$word") at+=("$index")
    fi
  done
  if [[ $piece =~ ^[=:]+$ ]]; then piece=''; fi

  local command='' count=0 last=$((\${#words[@]} - 1)) kind
  local current=\${words[last]}
  for ((index = 1; index < last; index++)); do
    word=\${words[index]}
    if [[ $word == -- ]]; then
      if [[ ! $command || $command == run || $command == plan ]]; then _tsjail_command $((index + 1)); return; fi
    elif [[ $word == -?* ]]; then
      kind=$(_tsjail_value "$command" "\${word%%=*}")
      if [[ $kind && $word != *=* ]]; then
        if ((++index == last)); then _tsjail_reply "$kind" "$piece"; return; fi
      fi
    elif [[ ! $command && ' ${names} ' == *" $word "* ]]; then
      command=$word
    elif [[ ! $command || $command == run || $command == plan ]]; then
      _tsjail_command "$index"; return
    else
      count=$((count + 1))
    fi
  done

  if [[ $current == -*=* ]]; then
    _tsjail_reply "$(_tsjail_value "$command" "\${current%%=*}")" "$piece"
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_tsjail_options "$command")" -- "$current")
  elif [[ ! $command ]]; then
    _tsjail_reply command "$piece"
  elif [[ $command == run && $piece == */* ]]; then
    _tsjail_reply file "$piece" # a plan that \`tsjail compile\` has written, or a command
  elif [[ $command == run || $command == plan ]]; then
    mapfile -t COMPREPLY < <(compgen -c -- "$piece" | sort -u)
  else
    _tsjail_reply "$(_tsjail_word "$command" "$count")" "$piece"
  fi
}

# The command's own words, from word number $1 of our own on.
_tsjail_command() {
  if declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "\${at[$1]}"
  elif declare -F _command_offset >/dev/null; then
    _command_offset "\${at[$1]}"
  elif (($1 == last)); then
    mapfile -t COMPREPLY < <(compgen -c -- "$piece" | sort -u)
  else
    _tsjail_reply file "$piece"
  fi
}

complete -F _tsjail tsjail
`;
}

const listNames = (options: readonly GrammarOption[]): string =>
  options.flatMap(({ names }) => names).join(" ");

function writeValues(command: string, options: readonly GrammarOption[]): string {
  return options
    .filter(({ form }) => form !== undefined)
    .map(
      ({ names, complete }) =>
        `    ${names.map((name) => `${command}:${name}`).join(" | ")}) echo '${kindOf(complete)}' ;;\n`,
    )
    .join("");
}

function writeWords({ name, words }: GrammarCommand): string {
  if (words === "command") return "";
  return words.map((word, index) => `    ${name}:${index}) echo '${kindOf(word)}' ;;\n`).join("");
}

function kindOf(complete: Completion | undefined): string {
  if (complete === undefined) return "nothing";
  return typeof complete === "string" ? complete : `words:${complete.join(" ")}`;
}
