// The completion scripts, run by the shells themselves.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCommands } from "../../src/commands/table.ts";
import { writeBash } from "../../src/completion/bash.ts";
import { writeFish } from "../../src/completion/fish.ts";
import { describeGrammar } from "../../src/completion/grammar.ts";
import { writeZsh } from "../../src/completion/zsh.ts";
import * as assert from "../support/assert.ts";
import { findCommand } from "../support/capability.ts";
import { suite } from "../support/suite.ts";

const test = suite("completion");
const grammar = describeGrammar(await loadCommands(), ["base", "dev", "offline"]);
const directory = mkdtempSync(join(tmpdir(), "tsjail-completion-"));
test.after(() => rmSync(directory, { recursive: true }));
mkdirSync(join(directory, "config/tsjail"), { recursive: true });
mkdirSync(join(directory, "work/sub dir"), { recursive: true });
for (const kept of ["volumes/cache", "volumes/data", "volumes/.tmp", "layers/work"])
  mkdirSync(join(directory, ".local/share/tsjail", kept), { recursive: true });
mkdirSync(join(directory, ".local/share/tsjail/envs"));
for (const name of [
  ".local/share/tsjail/envs/box.toml",
  "config/tsjail/mine.toml",
  "work/local.toml",
  "work/notes.txt",
]) {
  writeFileSync(join(directory, name), "");
}
for (const [name, text] of [
  ["bash", writeBash(grammar)],
  ["zsh", writeZsh(grammar)],
  ["fish", writeFish(grammar)],
] as const) {
  writeFileSync(join(directory, `tsjail.${name}`), text);
}
const environment = {
  PATH: process.env.PATH ?? "",
  HOME: directory,
  XDG_CONFIG_HOME: join(directory, "config"),
  TSJAIL_SEEN: "1",
};
const options = { encoding: "utf8", cwd: join(directory, "work"), env: environment } as const;

/** What bash offers at the end of a line: it splits the words at = and : itself, as on a real line. */
function completeBash(line: string): string[] {
  const script = `source ../tsjail.bash
line=$1
# Readline's splitting, for words without quotes.
COMP_WORDS=()
rest=$line
while [[ $rest =~ ^([[:space:]]*)([=:]+|[^[:space:]=:]+)(.*)$ ]]; do
  COMP_WORDS+=("\${BASH_REMATCH[2]}"); rest=\${BASH_REMATCH[3]}
done
if [[ $line == *' ' ]]; then COMP_WORDS+=(""); fi
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=\${#line}
compopt() { :; }
_tsjail
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const result = spawnSync("bash", ["--norc", "-c", script, "bash", line], options);
  assert.is(result.stderr, "", line);
  return result.stdout.split("\n").filter((one) => one !== "");
}

const bashCases: [line: string, has: string[], lacks: string[]][] = [
  ["tsjail pl", ["plan"], ["run", "--profile"]],
  ["tsjail ", ["run", "plan", "doctor", "completion"], ["explain"]],
  ["tsjail --pro", ["--profile"], ["--net"]],
  ["tsjail --", ["--profile", "--bind", "--no-tty", "--help", "--version"], ["--json"]],
  ["tsjail plan --", ["--json", "--bind"], ["--version", "--revoke"]],
  ["tsjail trust --", ["--revoke", "--help"], ["--bind"]],
  ["tsjail --profile ", ["base", "dev", "mine", "local.toml", "sub dir"], ["notes.txt"]],
  ["tsjail --profile=", ["base", "dev", "mine", "local.toml"], ["notes.txt"]],
  ["tsjail -p o", ["offline"], ["base"]],
  ["tsjail --profile=d", ["dev"], ["base"]],
  ["tsjail -p dev --net ", ["none", "host"], ["dev"]],
  ["tsjail --net=h", ["host"], ["none"]],
  ["tsjail --user ", ["keep", "root"], []],
  ["tsjail --env TSJAIL_S", ["TSJAIL_SEEN"], []],
  ["tsjail --bind n", ["notes.txt"], ["sub dir"]],
  ["tsjail --bind notes.txt:/et", ["/etc"], []],
  ["tsjail --bind=notes.txt:/et", ["/etc"], []],
  ["tsjail --workdir ", ["sub dir"], ["notes.txt"]],
  ["tsjail check ", ["base", "local.toml"], ["notes.txt"]],
  ["tsjail check dev ", [], ["base"]],
  ["tsjail completion ", ["bash", "zsh", "fish"], []],
  ["tsjail c", ["check", "compile", "cache", "completion"], ["run"]],
  ["tsjail cache ", ["ls", "clear"], ["base", "notes.txt"]],
  ["tsjail cache cl", ["clear"], ["ls"]],
  ["tsjail cache ls ", [], ["ls", "clear"]],
  ["tsjail cache --", ["--json", "--help"], ["--bind", "--no-cache"]],
  ["tsjail --no-c", ["--no-cache"], ["--no-tty"]],
  ["tsjail plan --no-", ["--no-tty"], []],
  ["tsjail compile ", ["base", "mine", "local.toml"], ["notes.txt", "ls"]],
  ["tsjail compile --", ["--output", "--bind", "--set"], ["--no-cache", "--fd", "--status-fd", "--profile"]],
  ["tsjail compile dev --output ", ["notes.txt"], ["base"]],
  ["tsjail compile dev -o no", ["notes.txt"], ["base"]],
  ["tsjail compile --output=no", ["notes.txt"], ["base"]],
  ["tsjail compile -o notes.txt d", ["dev"], ["base"]],
  ["tsjail run ./no", ["./notes.txt"], []],
  ["tsjail volume ", ["ls", "inspect", "rm"], ["cache"]],
  ["tsjail volume rm ", ["cache", "data"], [".tmp", "work"]],
  ["tsjail volume rm c", ["cache"], ["data"]],
  ["tsjail layer rm ", ["work"], ["cache"]],
  ["tsjail env rm ", ["box"], ["@box", "work"]],
  ["tsjail @b", ["@box"], []],
  ["tsjail -p @", ["@box"], ["base"]],
  ["tsjail help pl", ["plan"], ["run"]],
  ["tsjail -p plan pl", ["plan"], []],
  ["tsjail ba", ["bash"], []],
  ["tsjail bash no", ["notes.txt"], []],
  ["tsjail -p dev -- bas", ["bash"], []],
  ["tsjail run -- bash --", [], ["--profile", "--help"]],
  ["tsjail --timeout ", [], ["run", "notes.txt"]],
];
for (const [line, has, lacks] of bashCases) {
  test(`bash completes "${line}"`, () => {
    const offered = completeBash(line);
    for (const one of has)
      assert.ok(offered.includes(one), `${one} is not among ${offered.slice(0, 20).join(", ")}`);
    for (const one of lacks) assert.is(offered.includes(one), false, one);
  });
}

test("every option and subcommand is in each of the scripts", () => {
  const scripts = [writeBash(grammar), writeZsh(grammar), writeFish(grammar)];
  for (const { name, options } of grammar.commands) {
    const words = [name, ...options.flatMap(({ names }) => names.map((one) => one.replace(/^-+/, "")))];
    for (const word of words) for (const script of scripts) assert.match(script, word);
  }
});

// zsh and fish are on few machines: where they are not, their tests exist only if everything must work.
const mustWork = process.env.TSJAIL_MUST_WORK === "1";
if (mustWork || findCommand("zsh") !== undefined) {
  /** zsh completes only on a terminal: it gets one of its own, and the list is read off it. */
  const completeZsh = (line: string, wanted: string): string => {
    const script = `zmodload zsh/zpty zsh/zselect
zpty z 'zsh -f -i'
read_until() { local chunk; while zpty -r z chunk; do [[ $chunk == *$1* ]] && return; done }
zpty -w z 'PS1=; autoload -U compinit; compinit -u -D; source ../tsjail.zsh; LISTMAX=10000; stty -echo rows 200 cols 200; echo rea"d"y'
read_until ready
seen=
for ((count = 0; count < 150; count++)); do
  # What is typed before the line editor is there gets lost, so it is typed again.
  if ((count % 30 == 0)); then zpty -n -w z $'\\C-U'"$1"$'\\C-D'; fi
  while zpty -r -t z chunk; do seen+=$chunk; done
  [[ $seen == *$2* ]] && break
  zselect -t 10
done
print -r -- $seen`;
    return spawnSync("zsh", ["-f", "-c", script, "zsh", line, wanted], { ...options, timeout: 25_000 })
      .stdout;
  };
  const zshCases = [
    ["tsjail plan --", "Print JSON"],
    ["tsjail --profile ", "offline"],
    ["tsjail --net=", "host"],
    ["tsjail completion ", "fish"],
    ["tsjail cache ", "clear"],
    ["tsjail run ./no", "notes.txt"],
    ["tsjail volume inspect ", "cache"],
    ["tsjail compile dev -o no", "notes.txt"],
    ["tsjail compile ", "offline"],
    ["tsjail do", "doctor"],
    ["tsjail -p dev ls --al", "almost-all"],
    ["tsjail -- ls --al", "almost-all"],
  ] as const;
  for (const [line, wanted] of zshCases) {
    test(`zsh completes "${line}"`, () => {
      assert.match(completeZsh(line, wanted), wanted);
    });
  }
}

if (mustWork || findCommand("fish") !== undefined) {
  const fishCases: typeof bashCases = [
    ["tsjail compile -o ./no", ["./notes.txt"], ["sub dir"]],
    ["tsjail compile --output=./no", ["./notes.txt"], []],
    ["tsjail --workdir ./s", ["./sub dir"], ["./notes.txt"]],
    ["tsjail --hide ../work/no", ["../work/notes.txt"], []],
  ];
  const completeFish = (line: string): string[] => {
    const script = "source ../tsjail.fish; complete -C $argv[1]";
    const result = spawnSync("fish", ["--no-config", "-c", script, line], options);
    assert.is(result.stderr, "");
    return result.stdout.split("\n").map((one) => one.split("\t")[0] ?? "");
  };
  for (const [line, has, lacks] of [
    ...bashCases.filter(([line]) => !/bind|profile=|-- $/.test(line)),
    ...fishCases,
  ]) {
    test(`fish completes "${line}"`, () => {
      const offered = completeFish(line).map((one) => one.replace(/\/$/, ""));
      for (const one of has)
        assert.ok(
          offered.some((other) => other.endsWith(one)),
          `${one}: ${offered.slice(0, 20)}`,
        );
      for (const one of lacks) assert.is(offered.includes(one), false, one);
    });
  }
}
