// A plan in which fuse-overlayfs lays the layers depends on where things are mounted and on that program: what it must
// not get to, and what is executed, is in it. One in which the kernel lays them does not. In: kept plans, and what they
// were compiled from, changed. Out: cold starts.
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Plan } from "../../src/plan/operations.ts";
import { decodePlan, encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { findCommand } from "../support/capability.ts";
import { hostTree } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { expectCold, expectEnding, makeWorld, settle, type World, warmUp } from "./world.ts";

const layers = suite("cache/layers");
const test = layers.needs("userns", "command:fuse-overlayfs");

const words = ["-p", "./box.toml", "/bin/sh", "-c", "echo x >/opt/new && cat /opt/new"];
const box = (more: string) => `${hostTree}writable = "ephemeral"\n${more}[env.set]\nPATH = "/usr/bin:/bin"\n`;
const asked = box('overlay = "fuse"\n');
const emulated = box('[user]\nuid = "root"\ngid = "root"\nemulate = true\n');

function makeBox(context: TestContext, toml: string): World {
  const world = makeWorld(context, {
    "work/box.toml": toml.replace('pass = ["PATH", "HOME"]', 'pass = ["HOME"]'),
  });
  world.environment.TSJAIL_FUSE_OVERLAYFS = world.at("program");
  return world;
}

function install(world: World): void {
  copyFileSync(findCommand("fuse-overlayfs") as string, world.at("program"));
  chmodSync(world.at("program"), 0o755);
}

/** The plan that is kept, with other mounts. */
function changeMounts(world: World, change: (text: Buffer) => Uint8Array): void {
  const { path } = world.readKept();
  const plan: Plan = decodePlan(readFileSync(path)).map((one) =>
    one.op === "fact_mounts" ? { ...one, text: change(Buffer.from(one.text)) } : one,
  );
  assert.is(plan.filter(({ op }) => op === "fact_mounts").length, 1);
  writeFileSync(path, encodePlan(plan));
}

test("it is used again while the mounts are the same, and never where they are others", async (context) => {
  const world = makeBox(context, asked);
  install(world);
  expectEnding(await warmUp(world, words), "x\n", "first");
  changeMounts(world, (text) => text);
  expectEnding(world.tryWarm(words), "x\n", "the same mounts");
  changeMounts(world, (text) =>
    Buffer.concat([text, Buffer.from("99 1 0:99 / /srv/proc rw - proc proc rw\n")]),
  );
  expectCold(world.tryWarm(words), "one that is gone");
});

test("it is not used once the program is another one, or gone", async (context) => {
  const world = makeBox(context, asked);
  install(world);
  expectEnding(await warmUp(world, words), "x\n", "first");
  install(world);
  expectCold(world.tryWarm(words), "a new one");
  await settle();
  expectEnding(await warmUp(world, words), "x\n", "again");
  rmSync(world.at("program"));
  expectCold(world.tryWarm(words), "none");
  const { status, stderr } = world.start(words);
  assert.is(status, 125);
  assert.match(stderr, /fuse-overlayfs is not installed/);
});

// Root's files are root's own in root's jails.
layers.needs(
  "user",
  "userns",
  "command:fuse-overlayfs",
)("what could not be chosen is chosen as soon as it is there", async (context) => {
  const world = makeBox(context, emulated);
  const change = [...words.slice(0, -1), "echo x >/etc/debian_version && cat /etc/debian_version"];
  await settle();
  const before = world.start(change);
  assert.is.not(before.status, 0);
  assert.equal(world.tryWarm(change), before, "kept without it");
  install(world);
  expectCold(world.tryWarm(change), "it is there now");
  await settle();
  expectEnding(await warmUp(world, change), "x\n", "with it");
});

test("a plan in which the kernel lays them depends on neither", async (context) => {
  const world = makeBox(context, box(""));
  expectEnding(await warmUp(world, words), "x\n", "first");
  const { plan } = world.readKept();
  assert.equal(
    plan.filter((one) => one.op === "fact_mounts" || ("path" in one && one.path === world.at("program"))),
    [],
  );
  install(world);
  expectEnding(world.tryWarm(words), "x\n", "it does without");
});
