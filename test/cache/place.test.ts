// Where plans are kept, where they can't be, and --no-cache: a start works all the same. In: homes and variables of all
// kinds. Out: what is in which directory afterwards.
// time-limit: 120s
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory, planDirectory } from "../../src/cache/place.ts";
import * as assert from "../support/assert.ts";
import { hostPrograms, snapshot } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { expectCold, expectEnding, makeWorld, type StartWish, settle, type World, warmUp } from "./world.ts";

const test = suite("cache/place");

const profile = `${hostPrograms}[root]\ntype = "empty"\n`;
const words = ["-p", "./box.toml", "/bin/echo", "hello"];
const makePlain = (context: TestContext): World => makeWorld(context, { "work/box.toml": profile });

test("the directory follows the XDG Base Directory Specification", () => {
  const cases: readonly (readonly [Record<string, string>, string | undefined])[] = [
    [{ HOME: "/h" }, "/h/.cache/tsjail/plans"],
    [{ HOME: "/h", XDG_CACHE_HOME: "/c" }, "/c/tsjail/plans"],
    [{ XDG_CACHE_HOME: "/c" }, "/c/tsjail/plans"],
    [{ HOME: "/h", XDG_CACHE_HOME: "" }, "/h/.cache/tsjail/plans"],
    [{ HOME: "/h", XDG_CACHE_HOME: "c" }, "/h/.cache/tsjail/plans"],
    [{ HOME: "h", XDG_CACHE_HOME: "./c" }, undefined],
    [{ HOME: "" }, undefined],
    [{}, undefined],
    [{ HOME: "/a/../h" }, "/a/../h/.cache/tsjail/plans"],
    [{ HOME: "/\uFFFD" }, undefined],
  ];
  for (const [environment, path] of cases)
    assert.is(planDirectory(environment), path, JSON.stringify(environment));
  assert.is(cacheDirectory({ HOME: "/h" }), "/h/.cache/tsjail");
});

/** Starts without anything being kept, and twice, so that a second one could find it. */
function expectNothingKept(world: World, wish: StartWish, what: string): void {
  for (let turn = 0; turn < 2; turn++) expectEnding(world.start(words, wish), "hello\n", what);
  expectCold(world.tryWarm(words, wish), what);
  assert.equal(world.list(), [], what);
}

const everywhereElse: Readonly<Record<string, NonNullable<StartWish["env"]>>> = {
  "no home": { HOME: undefined, XDG_CACHE_HOME: undefined },
  "a relative home": { HOME: "home", XDG_CACHE_HOME: undefined },
  "a home that is missing": { HOME: "/nonexistent", XDG_CACHE_HOME: undefined },
  "an empty home": { HOME: "", XDG_CACHE_HOME: "" },
  "a file": { XDG_CACHE_HOME: "/etc/passwd" },
  "a place where nothing can be made": { XDG_CACHE_HOME: "/proc/nothing" },
  "a path that is too long for the kernel": { XDG_CACHE_HOME: `/${"x/".repeat(4000)}` },
};

test("without a place to keep plans everything works", { timeLimit: 60 }, async (context) => {
  const world = makePlain(context);
  await settle();
  for (const [what, env] of Object.entries(everywhereElse)) {
    expectNothingKept(world, { env }, what);
  }
  assert.equal(readdirSync(world.work), ["box.toml"]);
  assert.not.ok(existsSync("/nonexistent"));
  const deep = join(world.path, "d".repeat(250), "d".repeat(250), "d".repeat(250), "d".repeat(250));
  mkdirSync(deep, { recursive: true });
  const env = { XDG_CACHE_HOME: deep };
  for (let turn = 0; turn < 2; turn++) expectEnding(world.start(words, { env }), "hello\n", "a long path");
  expectCold(world.tryWarm(words, { env }), "a long path");
});

test("a relative XDG_CACHE_HOME is none: the plan is kept in the home", async (context) => {
  const world = makePlain(context);
  world.environment.XDG_CACHE_HOME = "cache";
  await warmUp(world, words);
  assert.is(readdirSync(world.at("home/.cache/tsjail/plans")).length, 1);
  assert.equal(readdirSync(world.work), ["box.toml"]);
});

test("a home that is not UTF-8 is no place, and no other directory is made in its stead", async (context) => {
  const world = makePlain(context);
  mkdirSync(Buffer.from(`${world.path}/h\xff`, "latin1"));
  const through = [
    "/bin/sh",
    "-c",
    `unset XDG_CACHE_HOME; HOME=$(printf '%s/h\\377' "$BASE"); export HOME; exec "$0" "$@"`,
  ];
  await settle();
  expectNothingKept(world, { through }, "not UTF-8");
  const names = readdirSync(world.path, { encoding: "latin1" }).filter((name) => name.startsWith("h"));
  assert.equal(names.sort(), ["home", "h\xff"]);
  assert.equal(readdirSync(Buffer.from(`${world.path}/h\xff`, "latin1")), []);
});

test("a path with .. behind a link is the one that the kernel finds", async (context) => {
  const world = makePlain(context);
  mkdirSync(world.at("far/away"), { recursive: true });
  symlinkSync("far/away", world.at("near"));
  world.environment.XDG_CACHE_HOME = `${world.path}/near/../c`;
  await warmUp(world, words);
  assert.ok(existsSync(world.at("far/c/tsjail/plans")));
  assert.not.ok(existsSync(world.at("c")));
});

test("--no-cache reads nothing and keeps nothing, wherever it stands", async (context) => {
  const world = makePlain(context);
  await settle();
  for (const line of [
    ["--no-cache", ...words],
    ["-p", "./box.toml", "--no-cache", "/bin/echo", "hello"],
    ["run", "--no-cache", ...words],
  ]) {
    for (let turn = 0; turn < 2; turn++) expectEnding(world.start(line), "hello\n", line.join(" "));
    expectCold(world.tryWarm(line), line.join(" "));
  }
  assert.equal(world.list(), []);
  await warmUp(world, words);
  const before = snapshot(world.plans);
  expectEnding(world.start(["--no-cache", ...words]), "hello\n", "beside a kept one");
  expectCold(world.tryWarm(["--no-cache", ...words]), "beside a kept one");
  assert.equal(snapshot(world.plans), before);
  expectEnding(
    world.tryWarm(["-p", "./box.toml", "/bin/echo", "--no-cache"]),
    "--no-cache\n",
    "a word of the command's",
  );
});

test.needs("user")(
  "a cache that can't be written is none, and one that can't be read neither",
  async (context) => {
    const world = makePlain(context);
    await settle();
    for (const mode of [0o500, 0o300, 0]) {
      mkdirSync(world.at("cache"), { recursive: true });
      chmodSync(world.at("cache"), mode);
      for (let turn = 0; turn < 2; turn++) expectEnding(world.start(words), "hello\n", mode.toString(8));
      chmodSync(world.at("cache"), 0o700);
    }
    await warmUp(world, words);
    chmodSync(world.plans, 0o500);
    expectEnding(world.tryWarm(words), "hello\n", "a kept one is still read");
    expectEnding(world.start(["--net", "none", ...words]), "hello\n", "another is not kept");
    chmodSync(world.plans, 0o700);
    assert.is(world.list().length, 1);
  },
);

test("plans in a directory that others can write to are not made", async (context) => {
  const world = makePlain(context);
  mkdirSync(world.plans, { recursive: true });
  chmodSync(world.plans, 0o777);
  await settle();
  expectNothingKept(world, {}, "writable for all");
  chmodSync(world.plans, 0o755);
  await warmUp(world, words);
});

test.needs("root")(
  "root writes nothing into another user's home, and uses nothing from there",
  async (context) => {
    const world = makePlain(context);
    await warmUp(world, words);
    world.environment.XDG_CACHE_HOME = undefined;
    for (const cache of ["none", "empty", "full"]) {
      const home = world.at(`home-${cache}`);
      mkdirSync(home);
      if (cache !== "none") mkdirSync(join(home, ".cache"));
      if (cache === "full")
        cpSync(world.at("cache/tsjail"), join(home, ".cache/tsjail"), { recursive: true });
      if (cache !== "none") chownSync(join(home, ".cache"), 65534, 65534);
      chownSync(home, 65534, 65534);
      const before = snapshot(home);
      const env = { HOME: home };
      for (let turn = 0; turn < 2; turn++) expectEnding(world.start(words, { env }), "hello\n", cache);
      expectCold(world.tryWarm(words, { env }), cache);
      assert.equal(snapshot(home), before, cache);
    }
  },
);

test.needs("root")(
  "a plan of root's in another user's home is not used: that user decides which one lies there",
  async (context) => {
    const world = makePlain(context);
    world.environment.XDG_CACHE_HOME = undefined;
    await warmUp(world, words);
    chownSync(world.at("home"), 65534, 65534);
    expectCold(world.tryWarm(words), "the home has another owner now");
    chownSync(world.at("home"), 0, 0);
    expectEnding(world.tryWarm(words), "hello\n", "the twin");
  },
);
