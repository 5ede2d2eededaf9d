// Whatever a plan was compiled from is changed, one thing at a time, and the plan is not used again; and whatever it
// was not compiled from is changed, and it is. In: the tables of changes.ts. Which file is the profile: search.test.ts.
// time-limit: 300s
import { linkSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { command, makeBox, options, seen, unseen } from "./changes.ts";
import { expectCold, settle, type World, warmUp } from "./world.ts";

const test = suite("cache: inputs");

async function prepare(context: TestContext): Promise<World> {
  const world = makeBox(context);
  const warm = await warmUp(world, [...options, ...command]);
  assert.equal(warm, { status: 0, stdout: "good day\ndata\na token\n", stderr: "" });
  return world;
}

test("every input of a plan that is changed is seen", { timeLimit: 240 }, async (context) => {
  for (const one of seen) {
    const world = await prepare(context);
    one.change(world);
    const words = [...(one.options ?? options), ...command];
    expectCold(world.tryWarm(words, one.wish?.(world)), one.what);
  }
});

test("what is no input of a plan leaves it in use", { timeLimit: 60 }, async (context) => {
  for (const one of unseen) {
    const world = await prepare(context);
    one.change(world);
    const ending = world.tryWarm([...options, ...(one.command ?? command)], one.wish?.(world));
    const said = one.command === undefined ? "good day\ndata\na token\n" : "hello\n";
    assert.equal(ending, { status: 0, stdout: said, stderr: "" }, `${one.what}: ${ending.stderr}`);
  }
});

test("the values of variables that are passed on are those of each start", async (context) => {
  const world = await prepare(context);
  const say = (env: Record<string, string | undefined>) =>
    world.tryWarm([...options, "/usr/bin/env"], { env }).stdout.match(/^WORD_.*$/gm);
  assert.equal(say({}), ["WORD_ONE=a token"]);
  assert.equal(say({ WORD_ONE: "two", WORD_TWO: "" }), ["WORD_ONE=two", "WORD_TWO="]);
  assert.equal(say({ WORD_ONE: undefined }), null);
  assert.not.ok(world.readKept().bytes.includes("a token"), "no passed value lies on the disk");
});

test("after every change the next start compiles anew, and the one after it is warm again", async (context) => {
  const world = await prepare(context);
  world.write("home/motd", "good eve\n");
  await settle();
  const words = [...options, ...command];
  assert.is(world.start(words).stdout, "good eve\ndata\na token\n");
  assert.is(world.tryWarm(words).stdout, "good eve\ndata\na token\n");
  assert.is(world.list().length, 2, "the old one is in the next slot");
});

test("a hard link to a file that was read is a change of it: its change time says so", async (context) => {
  const world = await prepare(context);
  linkSync(world.at("work/box.toml"), world.at("second"));
  expectCold(world.tryWarm([...options, ...command]), "a link more");
});
