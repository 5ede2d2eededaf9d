// Many starts at the same time, with nothing kept yet, and a start that is killed while it keeps its plan. In: a world.
// Out: every one of them works, and nothing is left over. In turn: store.test.ts.
// time-limit: 180s
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { hostPrograms } from "../support/jail.ts";
import { pause } from "../support/process.ts";
import { suite } from "../support/suite.ts";
import { expectEnding, makeWorld, settle } from "./world.ts";

const test = suite("cache: together");

const profile = `${hostPrograms}[root]\ntype = "empty"\n`;
const words = ["-p", "./box.toml", "/bin/echo", "hello"];
const isPlan = (name: string) => /^[0-9a-f]{8}-[0-3]$/.test(name);

for (const count of [2, 20]) {
  test(`${count} starts at once find no plan, and all of them work`, { timeLimit: 60 }, async (context) => {
    const world = makeWorld(context, { "work/box.toml": profile });
    await settle();
    const endings = await Promise.all(Array.from({ length: count }, () => world.startAsync(words)));
    for (const [index, ending] of endings.entries()) expectEnding(ending, "hello\n", `start ${index}`);
    const names = world.list();
    assert.ok(names.length > 0 && names.length <= 4 && names.every(isPlan), names.join(" "));
    expectEnding(world.tryWarm(words), "hello\n", "warm afterwards");
  });
}

test("starts of twenty command lines at once are all kept", { timeLimit: 60 }, async (context) => {
  const world = makeWorld(context, { "work/box.toml": profile });
  await settle();
  const lines = Array.from({ length: 20 }, (_, index) => ["--hostname", `box-${index}`, ...words]);
  await Promise.all(lines.map((line) => world.startAsync(line)));
  assert.is(world.list().filter(isPlan).length, 20, world.list().join(" "));
  for (const line of lines) expectEnding(world.tryWarm(line), "hello\n", line.join(" "));
});

test("while plans are replaced all the time, every start is right", { timeLimit: 60 }, async (context) => {
  const world = makeWorld(context, { "work/box.toml": `hostname = "$BOX"\n${profile}` });
  await settle();
  // Another value is another plan in the same slots.
  const start = async (index: number) => {
    for (let turn = 0; turn < 6; turn++) {
      const BOX = `box-${index}-${turn % 2}`;
      const line = ["-p", "./box.toml", "/bin/cat", "/proc/sys/kernel/hostname"];
      expectEnding(await world.startAsync(line, { env: { BOX } }), `${BOX}\n`, BOX);
    }
  };
  const done = await Promise.allSettled(Array.from({ length: 5 }, (_, index) => start(index)));
  assert.equal(
    done.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : [])),
    [],
  );
  assert.ok(world.list().every(isPlan), world.list().join(" "));
});

test.needs("command:strace")(
  "killed while it is keeping its plan, it leaves one file, and the next start works",
  { timeLimit: 60 },
  async (context) => {
    const world = makeWorld(context, { "work/box.toml": profile });
    await settle();
    const through = [
      "strace",
      "-f",
      "-qq",
      "-o",
      "/dev/null",
      "-e",
      "trace=/rename",
      "-e",
      "inject=/rename:signal=KILL",
    ];
    const killed = world.start(["--hostname", "x", ...words], { through });
    assert.is(killed.status, 0, "the jail had started already");
    const left = world.list();
    assert.is(left.filter((name) => /^[0-9a-f]{8}-0\.\d+\.new$/.test(name)).length, 1, left.join(" "));
    assert.is(left.length, 1);
    expectEnding(world.start(["--hostname", "x", ...words]), "hello\n", "the next");
    expectEnding(world.tryWarm(["--hostname", "x", ...words]), "hello\n", "the one after it");
    assert.is(world.list().length, 2, "what was left is younger than an hour");
  },
);

test("half a plan, as a full disk leaves one, is not used", { timeLimit: 60 }, async (context) => {
  const world = makeWorld(context, { "work/box.toml": profile });
  await settle();
  const limited = ["sh", "-c", 'ulimit -f 4; exec "$0" "$@"'];
  const ending = world.start(words, { through: limited });
  assert.equal(world.list(), [], "what could not be written is taken away");
  assert.is.not(ending.status, null);
  await pause(1);
  expectEnding(world.start(words), "hello\n", "without the limit");
  expectEnding(world.tryWarm(words), "hello\n", "warm");
  for (const name of world.list()) {
    writeFileSync(join(world.plans, name), world.readKept().bytes.subarray(0, 2048));
    chmodSync(join(world.plans, name), 0o600);
  }
  assert.is(world.tryWarm(words).status, 125);
  assert.is(spawnSync("true").status, 0);
});
