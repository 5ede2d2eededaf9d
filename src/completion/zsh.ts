// The completion script for zsh. In: a Grammar. Out: a script for a directory of $fpath, as _tsjail; zsh's own
// _arguments does the work.
import type { Completion } from "../options.ts";
import { type Grammar, type GrammarCommand, type GrammarOption, quote } from "./grammar.ts";

export function writeZsh(grammar: Grammar): string {
  const { options, commands, profiles } = grammar;
  const described = commands
    .map(({ name, description }) => `    ${quote(`${name}:${description}`)}\n`)
    .join("");
  return `#compdef tsjail
# zsh completion for tsjail, made by \`tsjail completion zsh\`

_tsjail_profiles() {
  local -a names
  names=(${profiles.join(" ")} \${XDG_CONFIG_HOME:-$HOME/.config}/tsjail/*.toml(N:t:r)
    @\${^:-\${XDG_DATA_HOME:-$HOME/.local/share}/tsjail/envs/*.toml(N:t:r)})
  _alternative "profiles:profile:($names)" 'files:profile:_files -g "*.toml"'
}

_tsjail_envs() {
  local -a names
  names=(\${XDG_DATA_HOME:-$HOME/.local/share}/tsjail/envs/*.toml(N:t:r))
  _describe environment names
}

# Layers or volumes; what is half made begins with a dot, which * leaves out.
_tsjail_kept() {
  local -a names
  names=(\${XDG_DATA_HOME:-$HOME/.local/share}/tsjail/$1/*(N/:t))
  _describe $1 names
}

_tsjail_first() {
  local -a subcommands
  subcommands=(
${described}  )
  _alternative 'subcommands:subcommand:{_describe subcommand subcommands}' 'commands:command:_command_names -e'
}

# A plan that \`tsjail compile\` has written, or a command.
_tsjail_run() {
  if [[ $PREFIX == */* ]]; then _files; else _command_names -e; fi
}

_tsjail() {
  local curcontext=$curcontext context state state_descr line
  local -A opt_args
  local -a options
  options=(
${writeOptions(options)}  )
  _arguments -C -S : $options '(-): :->first' '*:: :->rest' && return
  case $state in
    first) _tsjail_first ;;
    rest)
      if [[ $words[1] == -- ]]; then shift words; ((CURRENT--)); _normal; return; fi
      case $words[1] in
${commands.map(writeCommand).join("")}        *) _normal ;;
      esac ;;
  esac
}

if [[ $funcstack[1] == _tsjail ]]; then _tsjail "$@"; else compdef _tsjail tsjail; fi
`;
}

function writeOptions(options: readonly GrammarOption[], indent = "    "): string {
  return options
    .flatMap((option) => option.names.map((name) => `${indent}${writeOption(option, name)}\n`))
    .join("");
}

function writeOption({ names, description, form, complete, repeat }: GrammarOption, name: string): string {
  const exclusive = repeat ? "*" : `(${names.join(" ")})`;
  const about = `[${description.replaceAll(/[[\]]/g, "\\$&")}]`;
  if (form === undefined) return quote(`${exclusive}${name}${about}`);
  // --net=host and --net host; -p host and -phost.
  const suffix = name.startsWith("--") ? "=" : "+";
  return quote(`${exclusive}${name}${suffix}${about}:${form.replaceAll(":", "\\:")}:${actionOf(complete)}`);
}

function writeCommand({ name, options, words }: GrammarCommand): string {
  const rest =
    words === "command"
      ? `'(-)1: :_tsjail_run' '*::argument: _normal'`
      : words.map((word, index) => `'${index + 1}: :${actionOf(word)}'`).join(" ");
  const flags = words === "command" ? "-S " : "";
  return `        ${name})
          options=(
${writeOptions(options, "            ")}          )
          _arguments ${flags}: $options ${rest} ;;\n`;
}

function actionOf(complete: Completion | undefined): string {
  if (complete === undefined) return " ";
  if (typeof complete !== "string") return `(${complete.join(" ")})`;
  const actions = {
    profile: "_tsjail_profiles",
    file: "_files",
    directory: "_files -/",
    variable: "_parameters -g *export*",
    command: "_command_names -e",
    // Behind a blank, or _arguments puts words of its own between the two.
    env: " _tsjail_envs",
    layer: " _tsjail_kept layers",
    volume: " _tsjail_kept volumes",
  };
  return actions[complete];
}
