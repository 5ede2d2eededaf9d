// A plan is compiled for the Landlock of a kernel, and compiled anew where that is another one. In: a kept plan, with
// what it says of the kernel changed. Out: a cold start, after which it is right again.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLandlock } from "../../src/facts/landlock.ts";
import type { Plan } from "../../src/plan/operations.ts";
import { decodePlan, encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { expectCold, expectEnding, makeWorld, settle, warmUp } from "./world.ts";

const test = suite("cache/landlock").needs("userns");
const abiOf = (plan: Plan) => plan.flatMap((one) => (one.op === "fact_landlock" ? [one.abi] : []));

test("a plan that was compiled for another ABI is compiled anew", async (context) => {
  const world = makeWorld(context);
  const words = ["-p", "base", "/bin/echo", "up"];
  expectEnding(await warmUp(world, words), "up\n", "first");
  const { path, plan } = world.readKept();
  assert.equal(abiOf(plan), [readLandlock()]);
  const say = (abi: number) =>
    writeFileSync(path, encodePlan(plan.map((one) => (one.op === "fact_landlock" ? { ...one, abi } : one))));
  say(readLandlock());
  expectEnding(world.tryWarm(words), "up\n", "the same");
  say(readLandlock() + 1);
  expectCold(world.tryWarm(words), "another ABI");
  await settle();
  expectEnding(world.start(words), "up\n", "compiled anew");
  const all = world.list().map((name) => decodePlan(readFileSync(join(world.plans, name))));
  assert.equal(all.flatMap(abiOf).sort(), [readLandlock(), readLandlock() + 1]);
  expectEnding(world.tryWarm(words), "up\n", "and kept");
});

test("a plan without Landlock does not depend on it", async (context) => {
  const world = makeWorld(context);
  const words = ["-p", "base", "--set", 'security.landlock="off"', "/bin/echo", "up"];
  expectEnding(await warmUp(world, words), "up\n", "first");
  const { plan } = world.readKept();
  assert.equal(abiOf(plan), []);
  assert.equal(
    plan.filter(({ op }) => op.startsWith("landlock")),
    [],
  );
});
