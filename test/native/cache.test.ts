// Which words of a command line are ours, as native/cache.c finds it: a warm start does what a cold one does. In: command
// lines of every form. Out: both endings, side by side, and which of them was warm. What a plan depends on beside its
// words: test/cache/.
// time-limit: 240s

import { commands } from "../../src/commands/table.ts";
import { isCold, nowhere, settle } from "../cache/world.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makePlain, startAll } from "./both.ts";

const test = suite("native/cache");

const box = ["-p", "./box.toml"];
const withDefault = ["-p", "./default.toml"];
const repeat = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => ["--env", `V${index}`]).flat();
const subcommands = Object.keys(commands);
const someSubcommands = ["run", "plan", "explain"];

type Line = readonly string[];
/** The last start of these needs no Node. */
const warm: Line[] = [
  [...box, "/bin/echo", "x"],
  [...box, "--", "/bin/echo", "x"],
  [...box, "--net", "none", "/bin/echo", "x"],
  ["--net", "none", ...box, "/bin/echo", "x"],
  ["run", ...box, "/bin/echo", "x"],
  [...box, "run", "/bin/echo", "x"],
  ["run", ...box, "--", "/bin/echo"],
  ...[...someSubcommands, "@work"].map((name) => [...box, "--", name]),
  ...someSubcommands.map((name) => ["run", ...box, "--", name]),
  ["-p./box.toml", "/bin/echo", "x"],
  ["-p=./box.toml", "/bin/echo", "x"],
  ["--profile=./box.toml", "/bin/echo", "x"],
  ["-p", "box", "/bin/echo", "x"],
  withDefault,
  [...withDefault, "--"],
  ["run", ...withDefault],
  [...withDefault, "run"],
  [...withDefault, "run", "--"],
  [...withDefault, "/bin/echo", "another"],
  [...withDefault, "--", "--"],
  [
    ...box,
    "/usr/bin/printf",
    "[%s]",
    "",
    "a b",
    "a\nb",
    "*",
    "'",
    '"',
    "\\",
    "$HOME",
    "ü",
    "-",
    "--",
    "-p",
    "--help",
  ],
  [...box, "/bin/echo", "--", "x"],
  [...box, "--", "/bin/echo", "--", "x"],
  [...box, "--", "--", "x"],
  [...box, "--", "-c"],
  [...box, "--", ""],
  [...box, "--", "-"],
  [...box, "/bin/sh", "-c", "exit 3"],
  [...box, "/bin/sh", "-c", "kill -9 $$"],
  [...box, "/bin/sh", "-c", "echo out; echo err >&2"],
  [...box, "/nothing"],
  [...box, "nothing"],
  [...box, "/usr"],
  [...box, "./box.toml"],
  ["run", ...box, "./box.toml"],
  [...box, "--bind", "/nonexistent/source:/x", "/bin/true"],
  [...box, "--workdir", "/nonexistent", "/bin/true"],
  [...box, "--bind", "./shown:/x y", "/bin/ls", "/x y"],
  [...box, "--env", "EMPTY=", "--env", "LINES=a\nb", "/usr/bin/env"],
  [...box, "--env", "A=--", "/usr/bin/env"],
  [...box, "--env=A=1", "--env", "plan", "/usr/bin/env"],
  [...box, "--timeout", "200ms", "/bin/sleep", "5"],
  [...box, ...repeat(120), "/bin/echo", "x"],
  [...box, "/bin/echo", ...Array.from({ length: 2000 }, (_, index) => `word-${index}`)],
];
/** These need it each time. */
const cold: Line[] = [
  box,
  [...box, "--"],
  ["run", ...box],
  ...subcommands.filter((name) => name !== "init" && name !== "run").map((name) => [...box, name]),
  ...["plan", "explain"].map((name) => ["run", ...box, name]),
  [...box, "--no-cache", "/bin/echo", "x"],
  [...box, "--help"],
  [...box, "--version"],
  [...box, "--help", "/bin/echo"],
  [...box, "-x", "/bin/echo"],
  [...box, "--nothing", "/bin/echo"],
  [...box, "--net", "nothing", "/bin/echo"],
  [...withDefault, "-x"],
  // The profile of an environment comes after them.
  [...box, "@work"],
  [...box, "@work", "/bin/echo"],
  ["@work", "/bin/echo"],
  [...box, ""],
  [...box, "-"],
  ["-p"],
  ["-p", "-x"],
  ["-p", "-"],
  ["-p", ""],
  ["-p", "--", "/bin/echo"],
  ["-"],
  [""],
  [...box, ...repeat(200), "/bin/echo", "x"],
];

test("a warm start ends as a cold one does", { timeLimit: 120 }, async (context) => {
  const world = makePlain(context);
  await settle();
  for (const line of warm) {
    const { reference, last } = startAll(world, line);
    assert.equal(last, reference, JSON.stringify(line).slice(0, 200));
  }
});

test("what only Node can judge is left to it", { timeLimit: 120 }, async (context) => {
  const world = makePlain(context);
  await settle();
  // Plans for every place where the options of those below could seem to end.
  for (const line of [box, ["run", ...box], [], ["run"]]) world.start([...line, "/bin/true"]);
  for (const line of cold) {
    const { last } = startAll(world, line);
    assert.ok(isCold(last), `${JSON.stringify(line).slice(0, 200)}: ${JSON.stringify(last)}`);
  }
});

/** Bytes that no string of Node's has. */
const bytes: Readonly<Record<string, { script: string; isWarm: boolean }>> = {
  "in the command's words": {
    script: `exec "$0" -p ./box.toml /usr/bin/printf '[%s]' "$(printf 'a\\377b')" x "$(printf '\\200')"`,
    isWarm: true,
  },
  "as the command": { script: `exec "$0" -p ./box.toml "$(printf '/\\377')"`, isWarm: true },
  "in an option": {
    script: `exec "$0" -p ./box.toml --env "A=$(printf 'a\\377')" /bin/echo x`,
    isWarm: false,
  },
  "in a variable that is passed on": {
    script: `A=$(printf 'a\\377') exec "$0" -p ./box.toml --env A /usr/bin/printenv A`,
    isWarm: true,
  },
  "in a variable that nothing uses": {
    script: `A=$(printf 'a\\377') exec "$0" -p ./box.toml /bin/echo x`,
    isWarm: true,
  },
  "in a variable that is looked at": {
    script: `SHELL=$(printf 'a\\377') exec "$0" -p ./box.toml /bin/echo x`,
    isWarm: false,
  },
};

test("words and values that are not UTF-8 arrive as they are", { timeLimit: 60 }, async (context) => {
  const world = makePlain(context);
  await settle();
  for (const [what, { script, isWarm }] of Object.entries(bytes)) {
    const dump = `( ${script} ) 2>&1 | sed 's/operation [0-9]* of/operation N of/' | od -c`;
    const start = (PATH: string, XDG_CACHE_HOME: string) =>
      world.start([], {
        through: ["/bin/sh", "-c", `${dump}; : "$@"`],
        env: { XDG_CACHE_HOME, PATH: `${PATH}:/usr/bin:/bin` },
      }).stdout;
    const real = process.execPath.replace(/\/[^/]*$/, "");
    const reference = start(real, "/dev/null/none");
    assert.is(start(real, world.at("cache")), reference, `${what}, first`);
    assert.is(start(real, world.at("cache")), reference, `${what}, second`);
    const through = ["/bin/sh", "-c", script];
    const last = world.start([], { through, env: { PATH: nowhere } });
    assert.is(isCold(last), !isWarm, `${what}: ${JSON.stringify(last)}`);
  }
});
