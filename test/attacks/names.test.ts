// time-limit: 300s
// Attacks on the terminal by what tsjail says: profiles and directories with names and texts that a terminal would obey.
// In: a directory full of them. Out: no command prints one of them as it is.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { attacks } from "./attack.ts";
import { makeRepository, runIn } from "./repository.ts";
import { noteResult } from "./results.ts";

const title = "names and texts";
const { test: suite, world } = attacks(title);
const test = suite.needs("userns", "command:cc");

// Sets the title, clears the screen, turns letters red; C1 forms of the same; a line of its own; text from right to left.
const hostile = "e\u001b]0;owned\u0007\u001b[2J\u001b[31m\u009b31m\r\ntsjail: all is well\u202e\u0008x";
const inName = hostile.replace("/", "");

/** Whatever makes a terminal do something. Line feeds are counted apart. */
function findControls(text: string): string[] {
  return text.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gu) ?? [];
}

test("names with control characters are shown as escapes by every command", {
  timeLimit: 120,
}, async (context) => {
  const directory = makeRepository(world(), context, inName);
  const sane = 'extends = "base"\n';
  const toml = (value: string) => JSON.stringify(value).replaceAll("\u007f", "\\u007F");
  const contents: Record<string, string> = {
    "tsjail.toml": sane,
    [`${inName}.toml`]: sane,
    "description.toml": `${sane}description = ${toml(hostile)}\n`,
    "key.toml": `${sane}[files]\n${toml(hostile)} = 1\n`,
    "value.toml": `${sane}hostname = ${toml(hostile)}\n`,
    "missing.toml": `${sane}[[mount]]\ntype = "bind"\nsource = ${toml(`/none/${hostile}`)}\n`,
    "extends.toml": `extends = ${toml(hostile)}\n`,
    "command.toml": `${sane}command = [${toml(hostile)}]\n`,
    "env.toml": `${sane}[env.set]\nX = ${toml(hostile.replace("\u0000", ""))}\n`,
    "syntax.toml": `${sane}# ${inName.replaceAll("\n", "")}\nx = = ${inName.replaceAll("\n", "")}\n`,
  };
  for (const [name, text] of Object.entries(contents)) writeFileSync(join(directory, name), text);
  const obeyed: (readonly string[])[] = [];
  const tries: string[][] = [
    ["true"],
    ["trust"],
    ["check"],
    ["cache", "list"],
    [hostile],
    ["-p", hostile, "true"],
  ];
  for (const name of Object.keys(contents)) {
    tries.push(["check", `./${name}`], ["plan", "-p", `./${name}`, "true"], ["-p", `./${name}`]);
  }
  tries.push(
    ["--bind", `./${inName}`, "true"],
    ["--set", `${hostile}=1`, "true"],
    ["--workdir", `/${inName}`, "true"],
  );
  tries.push(
    ["--env", hostile, "true"],
    ["compile", "base", "-o", `./none/${inName}`],
    ["--root", `./${inName}`, "true"],
  );
  for (const words of tries) {
    const { stdout, stderr, status } = await runIn(world(), directory, words);
    const text = stdout + stderr;
    if (findControls(text).length === 0 && !/^tsjail: all is well/m.test(text)) continue;
    obeyed.push([...words, String(status), text]);
  }
  const verdict = obeyed.length === 0 ? "held" : "escaped";
  const name = "control the terminal by names and texts that are shown";
  noteResult(title, { name, layers: ["escaped output"], words: () => [] }, "own", verdict);
  assert.equal(obeyed, []);
  const twin = spawnSync("ls", ["--show-control-chars", join(directory, "..")], { encoding: "utf8" });
  assert.ok(findControls(twin.stdout).length > 0, "the twin");
});
