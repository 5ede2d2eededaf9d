// A plan that was kept and is not as it was left: whatever is wrong with it, it is passed over, Node compiles, and a new
// one is kept. In: the file of a warm plan, damaged. Where plans are kept, and by whom: place.test.ts.
// time-limit: 180s

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { hashInvocation } from "../../src/cache/place.ts";
import type { Plan } from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { hostPrograms } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { expectCold, expectEnding, makeWorld, type World, warmUp } from "./world.ts";

const test = suite("cache: damage");

const profile = `${hostPrograms}[root]\ntype = "empty"\n`;
const options = ["-p", "./box.toml"];
const words = [...options, "/bin/echo", "hello"];

interface Kept {
  readonly world: World;
  readonly path: string;
  readonly bytes: Buffer;
  readonly plan: Plan;
}

async function keep(context: TestContext): Promise<Kept> {
  const world = makeWorld(context, { "work/box.toml": profile });
  expectEnding(await warmUp(world, words), "hello\n", "warm");
  return { world, ...world.readKept() };
}

test("a byte that has changed is seen, wherever it is", { timeLimit: 120 }, async (context) => {
  const { world, path, bytes } = await keep(context);
  const step = Math.ceil(bytes.length / 350);
  const places = Array.from({ length: bytes.length }, (_, index) => index).filter(
    (index) => index < 32 || index % step === 0 || index >= bytes.length - 4,
  );
  assert.ok(places.length > 300);
  for (const place of places) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8((bytes[place] as number) ^ (1 << (place % 8)), place);
    writeFileSync(path, damaged);
    expectCold(world.tryWarm(words), `byte ${place}`);
  }
  writeFileSync(path, bytes);
  expectEnding(world.tryWarm(words), "hello\n", "put back");
});

test("two words that have changed places are seen", async (context) => {
  const { world, path, bytes } = await keep(context);
  for (let place = 32; place + 8 <= bytes.length; place += 4 * Math.ceil(bytes.length / 400)) {
    const damaged = Buffer.from(bytes);
    bytes.copy(damaged, place, place + 4, place + 8);
    bytes.copy(damaged, place + 4, place, place + 4);
    if (damaged.equals(bytes)) continue;
    writeFileSync(path, damaged);
    expectCold(world.tryWarm(words), `words at ${place}`);
  }
});

/** What becomes of the only kept plan. */
const damages: Readonly<Record<string, (kept: Kept) => unknown>> = {
  "cut in half": ({ path, bytes }) => truncateSync(path, bytes.length >> 1),
  "without its last word": ({ path, bytes }) => truncateSync(path, bytes.length - 4),
  "without its last byte": ({ path, bytes }) => truncateSync(path, bytes.length - 1),
  "only a header": ({ path }) => truncateSync(path, 32),
  empty: ({ path }) => truncateSync(path, 0),
  "longer by a word": ({ path }) => writeFileSync(path, Buffer.alloc(4), { flag: "a" }),
  "longer by a byte": ({ path }) => writeFileSync(path, Buffer.alloc(1), { flag: "a" }),
  "larger than any plan": ({ path }) => truncateSync(path, 65 * 1024 * 1024),
  "all zeros": ({ path, bytes }) => writeFileSync(path, Buffer.alloc(bytes.length)),
  "readable for the group": ({ path }) => chmodSync(path, 0o640),
  "readable for all": ({ path }) => chmodSync(path, 0o604),
  "writable for the group": ({ path }) => chmodSync(path, 0o620),
  "writable for all": ({ path }) => chmodSync(path, 0o602),
  executable: ({ path }) => chmodSync(path, 0o700),
  setuid: ({ path }) => chmodSync(path, 0o4600),
  "without any right": ({ path }) => chmodSync(path, 0),
  "a link to the plan": ({ world, path }) => {
    renameSync(path, world.at("moved"));
    symlinkSync(world.at("moved"), path);
  },
  "a link to nothing": ({ path }) => {
    rmSync(path);
    symlinkSync("nothing", path);
  },
  "a FIFO": ({ path }) => {
    rmSync(path);
    assert.is(spawnSync("mkfifo", ["-m", "600", path]).status, 0);
  },
  "a directory": ({ path }) => {
    rmSync(path);
    mkdirSync(path, { mode: 0o600 });
  },
  "in a slot that there is not": ({ path }) => renameSync(path, path.replace(/-0$/, "-4")),
  "behind a slot that is free": ({ path }) => renameSync(path, path.replace(/-0$/, "-1")),
  "of another plan version": ({ path, plan }) => {
    const bytes = Buffer.from(encodePlan(plan));
    bytes.writeUInt32LE(2, 4);
    writeFileSync(path, withChecksum(bytes));
  },
  "without the command line that it is for": ({ path, plan }) =>
    writeFileSync(path, encodePlan(plan.filter(({ op }) => op !== "fact_invocation"))),
  "with something to be done by JavaScript": ({ path, plan }) =>
    writeFileSync(
      path,
      encodePlan(
        plan.map((one) => (one.op === "supervise" ? { ...one, flags: [...one.flags, "supervisor"] } : one)),
      ),
    ),
};

/** FNV-1a over the 32-bit words but the sixth, as native/wire.c has it. */
function withChecksum(bytes: Buffer): Buffer {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at += 4) {
    if (at !== 20) hash = Math.imul(hash ^ bytes.readInt32LE(at), 0x01000193);
  }
  bytes.writeUInt32LE(hash >>> 0, 20);
  return bytes;
}

test("the checksum that these tests make is the right one", async (context) => {
  const { world, path, bytes } = await keep(context);
  const again = Buffer.from(bytes);
  again.writeUInt32LE(0, 20);
  writeFileSync(path, withChecksum(again));
  assert.ok(again.equals(bytes));
  expectEnding(world.tryWarm(words), "hello\n", "with the checksum of the test");
});

test("a plan that is not as it was left is passed over, and kept anew", {
  timeLimit: 90,
}, async (context) => {
  for (const [what, damage] of Object.entries(damages)) {
    const kept = await keep(context);
    const { world } = kept;
    damage(kept);
    expectCold(world.tryWarm(words), what);
    expectEnding(world.start(words), "hello\n", what);
    expectEnding(world.tryWarm(words), "hello\n", `${what}, afterwards`);
  }
});

test.needs("root")("a plan of another user's is passed over, also by root", async (context) => {
  const { world, path } = await keep(context);
  chownSync(path, 65534, 0);
  expectCold(world.tryWarm(words), "another owner");
  chownSync(path, 0, 65534);
  expectEnding(world.tryWarm(words), "hello\n", "another group");
});

test("a hard link to a plan is the plan", async (context) => {
  const { world, path } = await keep(context);
  linkSync(path, world.at("second"));
  expectEnding(world.tryWarm(words), "hello\n", "two links");
});

test("a damaged plan hides none in a later slot", async (context) => {
  const { world, path, bytes } = await keep(context);
  for (const slot of [1, 2, 3]) {
    copyFileSync(path, path.replace(/-0$/, `-${slot}`));
    for (let before = 0; before < slot; before++)
      writeFileSync(path.replace(/-0$/, `-${before}`), "damaged", { mode: 0o600 });
    expectEnding(world.tryWarm(words), "hello\n", `in slot ${slot}`);
    writeFileSync(path, bytes);
  }
});

test("a plan for one command line is not used for another, whatever it is called", async (context) => {
  const { world, path } = await keep(context);
  const packageWord = world.at("pkg");
  const others = [
    [],
    ["-p"],
    ["--tty", ...options],
    [...options, "--tty"],
    ["-p", "./box.tom"],
    [...options, ""],
  ];
  const name = (more: readonly string[], cwd = world.work) =>
    hashInvocation({ packageWord, options: more, commands: [] }, cwd);
  assert.is(`${name(options)}-0`, basename(path), "the name is made as it is made here");
  for (const other of others) {
    copyFileSync(path, join(world.plans, `${name(other)}-0`));
    expectCold(world.tryWarm([...other, "/bin/echo", "hello"]), JSON.stringify(other));
  }
  copyFileSync(path, join(world.plans, `${name(options, world.path)}-0`));
  expectCold(world.tryWarm(words, { cwd: world.path }), "in another directory");
  const foreign = hashInvocation({ packageWord: world.at("pkg2"), options, commands: [] }, world.work);
  symlinkSync("pkg", world.at("pkg2"));
  copyFileSync(path, join(world.plans, `${foreign}-0`));
  expectCold(world.tryWarm(words, { program: world.at("pkg2/bin/tsjail") }), "of another package");
  assert.ok(readFileSync(path).length > 0);
  expectEnding(world.tryWarm(words), "hello\n", "its own");
});
