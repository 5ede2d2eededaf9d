// The completion script for fish. In: a Grammar. Out: a script for ~/.config/fish/completions.
import type { Completion } from "../options.ts";
import { type Grammar, type GrammarCommand, type GrammarOption, quote } from "./grammar.ts";

export function writeFish(grammar: Grammar): string {
  const { options, commands, profiles } = grammar;
  const valued = [
    ...new Set(
      [...options, ...commands.flatMap((command) => command.options)]
        .filter(({ form }) => form !== undefined)
        .flatMap(({ names }) => names),
    ),
  ];
  const names = commands.map(({ name }) => name).join(" ");
  return `# fish completion for tsjail, made by \`tsjail completion fish\`

# Prints the words so far that are neither ours nor our options' values.
function __tsjail_words
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l found
    while set -q tokens[1]
        if test "$tokens[1]" = --
            set -e tokens[1]
            set -q found[1]; or set found run
            set -a found $tokens
            break
        else if contains -- "$tokens[1]" ${valued.join(" ")}
            set -e tokens[1]
        else if not string match -q -- '-*' "$tokens[1]"
            set -a found $tokens[1]
            if not contains -- $found[1] ${names}
                set found run $tokens
                break
            else if contains -- $found[1] run plan; and set -q found[2]
                set -e found[-1]
                set -a found $tokens
                break
            end
        end
        set -e tokens[1]
    end
    set -q found[1]; and printf '%s\\n' $found
end

function __tsjail_is -a name count
    set -l words (__tsjail_words)
    if test "$name" = ''
        not set -q words[1]
    else
        test "$words[1]" = "$name"; and test (count $words) -eq (math $count + 1)
    end
end

function __tsjail_in_command
    set -l words (__tsjail_words)
    contains -- "$words[1]" run plan; and set -q words[2]
end

function __tsjail_command
    set -l words (__tsjail_words)
    set -e words[1]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

function __tsjail_profiles
    set -l directory $HOME/.config
    set -q XDG_CONFIG_HOME; and set directory $XDG_CONFIG_HOME
    printf '%s\\n' ${profiles.join(" ")}
    __tsjail_envs @
    for file in $directory/tsjail/*.toml
        string replace -r '.*/(.*)\\.toml$' '$1' -- $file
    end
    set -l token (commandline -ct)
    for file in $token*.toml $token*/
        echo $file
    end
end

function __tsjail_envs -a before
    set -q before[1]; or set before ""
    set -l directory $HOME/.local/share
    set -q XDG_DATA_HOME; and set directory $XDG_DATA_HOME
    for file in $directory/tsjail/envs/*.toml
        echo $before(basename $file .toml)
    end
end

# Layers or volumes; what is half made begins with a dot, which * leaves out.
function __tsjail_kept -a kind
    set -l directory $HOME/.local/share
    set -q XDG_DATA_HOME; and set directory $XDG_DATA_HOME
    for kept in $directory/tsjail/$kind/*/
        basename $kept
    end
end

# Fish's own list those of the current directory alone, unless they are told what has been typed.
function __tsjail_paths
    __fish_complete_path (string replace -r -- '^--[^=]*=' '' (commandline -ct))
end

function __tsjail_directories
    __fish_complete_directories (string replace -r -- '^--[^=]*=' '' (commandline -ct)) ''
end

complete -c tsjail -f
complete -c tsjail -n __tsjail_in_command -a '(__tsjail_command)'
complete -c tsjail -n '__tsjail_is ""' -a '(__fish_complete_command)'
complete -c tsjail -n '__tsjail_is ""' -a '(__tsjail_envs @)'
complete -c tsjail -n '__tsjail_is run 0; or __tsjail_is plan 0' -a '(__fish_complete_command)'
# A plan that \`tsjail compile\` has written.
complete -c tsjail -n '__tsjail_is run 0; and string match -q "*/*" -- (commandline -ct)' -a '(__tsjail_paths)'
${commands.map(({ name, description }) => `complete -c tsjail -n '__tsjail_is ""' -a ${name} -d ${quote(description)}\n`).join("")}${options.map((option) => writeOption('__tsjail_is ""', option)).join("")}${commands.map(writeCommand).join("")}`;
}

function writeOption(condition: string, { names, description, form, complete }: GrammarOption): string {
  const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const value = form === undefined ? "" : ` -x${argumentsOf(complete)}`;
  return `complete -c tsjail -n ${quote(condition)} ${flags.join(" ")}${value} -d ${quote(description)}\n`;
}

function writeCommand({ name, options, words }: GrammarCommand): string {
  const places = words === "command" ? [undefined] : [...words, undefined];
  const conditions = places.map((_, index) => `__tsjail_is ${name} ${index}`).join("; or ");
  const lines = options.map((option) => writeOption(conditions, option));
  for (const [index, word] of places.entries()) {
    const offered = argumentsOf(word);
    if (offered !== "") lines.push(`complete -c tsjail -n '__tsjail_is ${name} ${index}'${offered}\n`);
  }
  return lines.join("");
}

function argumentsOf(complete: Completion | undefined): string {
  if (complete === undefined) return "";
  if (typeof complete !== "string") return ` -a ${quote(complete.join(" "))}`;
  const sources = {
    profile: "(__tsjail_profiles)",
    file: "(__tsjail_paths)",
    directory: "(__tsjail_directories)",
    variable: "(set -xn)",
    command: "(__fish_complete_command)",
    env: "(__tsjail_envs)",
    layer: "(__tsjail_kept layers)",
    volume: "(__tsjail_kept volumes)",
  };
  return ` -a ${quote(sources[complete])}`;
}
