// time-limit: 240s
// Names and values that a terminal would obey, in everything that a person or a repository names, with every command.
// In: one list of command lines, for a hostile name and for an innocent one. Out: what the commands print.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatError, TsjailError } from "../../src/error.ts";
import { createLog } from "../../src/log.ts";
import * as assert from "../support/assert.ts";
import { tsjail } from "../support/jail.ts";
import { watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

const test = suite("names that a terminal would obey");

// The title, the screen, colours (C0 and C1), a line that looks like ours, text from right to left, what can't be seen.
const hostile =
  "e\u001b]0;owned\u0007\u001b[2J\u001b[31m\u009b31m\r\ntsjail: all is well\u202e\u2066\u200b\u0008x";
const innocent = "an innocent name";

/** Controls, or a line that a value has made up. */
function findObeyed(text: string): string[] {
  return text.match(/[^\P{C}\n]|[\p{Zl}\p{Zp}]|^\s*tsjail: all is well/gmu) ?? [];
}

const toml = (value: string) => JSON.stringify(value).replaceAll("\u007f", "\\u007F");

/** A directory of that name, full of files that say it. */
function makeRepository(name: string): string {
  const directory = join(mkdtempSync(join(tmpdir(), "tsjail-hostile-")), name);
  const sane = 'extends = "base"\n';
  const oneLine = name.replaceAll(/[\r\n]/g, "");
  const files: Record<string, string> = {
    "tsjail.toml": sane,
    [`${name}.toml`]: sane,
    [`bad-${name}.toml`]: `${sane}hostnam = 1\nworkdi = 2\n`,
    [`${name}-extends.toml`]: `extends = ${toml(`./${name}-extends.toml`)}\n`,
    "description.toml": `${sane}description = ${toml(name)}\n`,
    "key.toml": `${sane}[files]\n${toml(name)} = 1\n`,
    "value.toml": `${sane}hostname = ${toml(name)}\n`,
    "several.toml": `${sane}hostname = ${toml(name)}\n${toml(name)} = 1\nworkdir = ${toml(name)}\n`,
    "missing.toml": `${sane}[[mount]]\ntype = "bind"\nsource = ${toml(`/none/${name}`)}\n`,
    "twice.toml": `${sane}[files]\nread = [${toml(`/usr/${name}`)}]\nhide = [${toml(`/usr/${name}`)}]\n`,
    "copy.toml": `${sane}[[mount]]\ntype = "file"\ntarget = "/tmp/x"\nsource = ${toml(`/none/${name}`)}\n`,
    "extends.toml": `extends = ${toml(name)}\n`,
    "extends-path.toml": `extends = ${toml(`./none/${name}`)}\n`,
    "command.toml": `${sane}command = [${toml(name)}]\n`,
    "env.toml": `${sane}[env.set]\nX = ${toml(name)}\n`,
    "variable.toml": `${sane}workdir = ${toml(`\${${name}}`)}\n`,
    "seccomp.toml": `${sane}[security]\nseccomp = ${toml(`/none/${name}`)}\n`,
    "syntax.toml": `${sane}# ${oneLine}\nx = = ${oneLine}\n`,
    [`syntax-${name}.toml`]: "x = = 1\n",
    [`bytes-${name}.toml`]: "x = 1\n",
  };
  mkdirSync(join(directory, `${name}.directory`), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
  symlinkSync("/", join(directory, `${name}.link`));
  return directory;
}

function listLines(directory: string, name: string): string[][] {
  const lines: string[][] = [];
  const local = [name, `bad-${name}`, `${name}-extends`, `syntax-${name}`].map((file) => `./${file}.toml`);
  const profiles = ["description", "key", "value", "several", "missing", "twice", "copy", "extends"];
  const more = ["extends-path", "command", "env", "variable", "seccomp", "syntax", "tsjail"];
  for (const file of [...local, ...[...profiles, ...more].map((each) => `./${each}.toml`)]) {
    lines.push(["check", file], ["-p", file], ["plan", "-p", file, "true"], ["plan", "--json", "-p", file]);
  }
  return [
    ...lines,
    ["true"],
    ["trust"],
    ["trust", `./${name}.toml`],
    ["trust", "--revoke", `./${name}.toml`],
    ["trust", "--revoke", `./${name}`],
    ["trust", `./${name}.none`],
    [name],
    ["--", name],
    ["run", name],
    ["run", `./${name}`],
    [`--${name}`, "true"],
    [`-${name}`, "true"],
    [`--init=${name}`, "true"],
    ["--profile", `-${name}`, "true"],
    ["-p", name, "true"],
    ["-p", `./${name}`, "true"],
    ["-p", `./${name}.directory`, "true"],
    ["check", name],
    ["check", "base", name],
    ["check", `--${name}`, "base"],
    ["compile", "base", "-o", `./none/${name}`],
    ["compile", "base", "-o", `./${name}.directory`],
    ["compile", `./${name}.toml`, "-o", `./${name}.plan`],
    ["run", `./${name}.plan`],
    ["run", `./${name}.plan`, name],
    ["init", `./${name}.toml`],
    ["init", `./${name}.new`],
    ["init", `./none/${name}`],
    ["help", name],
    ["cache", name],
    ["cache", "ls"],
    ["cache", "ls", "--json"],
    ["cache", "clear", name],
    ["completion", name],
    ["schema", name],
    ["doctor", name],
    ["doctor"],
    ["explain", name],
    ["--bind", `./${name}`, "true"],
    ["--bind", `./${name}.directory:/x`, "ls", name],
    ["--bind", `./${name}.directory:${name}`, "true"],
    ["--ro", `./${name}`, "true"],
    ["--tmpfs", name, "true"],
    ["--set", `${name}=1`, "true"],
    ["--set", name, "true"],
    ["--set", `hostname=${name}`, "true"],
    ["--set", `hostname=${toml(name)}`, "true"],
    ["--workdir", `/${name}`, "true"],
    ["--env", name, "true"],
    ["--env", `${name}=1`, "plan"],
    ["--root", `./${name}`, "true"],
    ["--root", `./${name}.directory`, "true"],
    ["--root", `./${name}.link`, "true"],
    ["--net", name, "true"],
    ["--user", name, "true"],
    ["--timeout", name, "true"],
    ["--fd", name, "true"],
    ["--status-fd", name, "true"],
    ["plan", "--bind", `${directory}:/x`, name],
    ["plan", "--json", "--env", `X=${name}`, name],
  ];
}

interface Said {
  readonly words: readonly string[];
  readonly status: number | null;
  readonly text: string;
}

/** What every command line says, a few at a time. */
async function sayAll(name: string): Promise<Said[]> {
  const directory = makeRepository(name);
  test.after(() => rmSync(join(directory, ".."), { recursive: true, force: true }));
  const env = { PATH: process.env.PATH, HOME: directory, PWD: directory, TERM: "xterm" };
  const said: Said[] = [];
  const lines = listLines(directory, name).filter((words) => words.every((word) => !word.includes("\0")));
  for (const words of lines) {
    const { status, stdout, stderr } = await watch(spawn(tsjail, words, { cwd: directory, env })).ended;
    // The listing of the command is its own; it says no more than its name.
    said.push({ words, status, text: stdout + stderr });
    if (words.includes("--json") && status === 0) JSON.parse(stdout);
  }
  return said;
}

test("no command lets one through, and an innocent name is shown as it is", { timeLimit: 200 }, async () => {
  const said = await sayAll(hostile);
  const obeyed = said.filter(({ text }) => findObeyed(text).length > 0);
  assert.equal(obeyed, []);
  const twins = await sayAll(innocent);
  // The same list shows names: the innocent one plainly, the hostile one as escapes.
  const plain = twins.filter(({ text }) => text.includes(innocent)).length;
  const escaped = said.filter(({ text }) => /\\x1b|\\u001b/.test(text)).length;
  assert.ok(plain > 60 && escaped > 60, `${plain} plain, ${escaped} escaped of ${said.length}`);
  assert.is(findObeyed(twins.map(({ text }) => text).join("\n")).length, 0);
});

test("the last pass catches what no message has escaped itself", () => {
  const lines: string[] = [];
  const log = createLog(
    (text) => lines.push(text),
    () => true,
  );
  const error = new TsjailError("usage", hostile, {
    origin: { file: hostile, key: hostile },
    detail: `a${hostile.replaceAll("\n", "")}\nb`,
    hint: `c${hostile.replaceAll("\n", "")}\nd`,
  });
  log.error(formatError(error));
  log.success(hostile);
  log.warn(innocent);
  const text = lines.join("").replaceAll(/\u001b\[3[123]mtsjail:\u001b\[39m/g, "tsjail:");
  assert.equal(findObeyed(text), []);
  // Our own lines and colours are left.
  assert.equal([lines.length, lines[0]?.trimEnd().split("\n").length], [3, 6]);
  assert.match(lines[0] ?? "", /^\u001b\[31mtsjail:/);
  assert.is(text.split("\n")[7], `tsjail: warning: ${innocent}`);
});
