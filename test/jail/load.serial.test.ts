// Many at once: a thousand mounts in one jail, a hundred jails at the same time. Runs alone, since it takes the whole
// machine for a while.
// time-limit: 300s
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import {
  attempt,
  hostTree,
  jail,
  makeDirectory,
  mount,
  type RunningJail,
  removeDirectory,
  sh,
  shout,
  snapshot,
  startJail,
} from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: load");

function makeScratch({ cleanup }: TestContext): string {
  const directory = makeDirectory("load");
  cleanup(() => removeDirectory(directory));
  return directory;
}

test("a thousand mounts are all there, in little time", { timeLimit: 90 }, async (context) => {
  const directory = makeScratch(context);
  const count = 1000;
  for (let index = 0; index < count; index++) writeFileSync(join(directory, String(index)), `${index}\n`);
  const before = snapshot(directory);
  const binds = Array.from({ length: count }, (_, index) =>
    mount("bind", { source: `${directory}/${index}`, target: `/many/${index % 10}/${index}` }),
  );
  const script = `${attempt}cat /many/*/* | wc -l; cat /many/9/999; grep -c ' /many/' /proc/self/mountinfo
    try touch /many/0/0; try touch /many/new`;
  const output = await shout({ toml: hostTree + binds.join(""), command: sh(script), timeout: 60 });
  assert.is(output, `${count}\n999\n${count}\nno\nno\n`);
  assert.equal(snapshot(directory), before);
});

test("a path a thousand characters long, and thirty mounts one upon the other", async () => {
  const names = Array.from({ length: 30 }, (_, index) => `${index}`.padEnd(33, "x"));
  const paths = names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
  const toml = hostTree + paths.map((target) => mount("tmpfs", { target })).join("");
  const deepest = paths.at(-1) ?? "";
  assert.ok(deepest.length > 1000);
  const script = 'touch "$1/new" && ls "$1" && grep -c xxx /proc/self/mountinfo';
  assert.is(await shout({ toml, command: sh(script, deepest) }), "new\n30\n");
});

/** How many processes have the word on their command line. */
function countProcesses(word: string): number {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(word);
    } catch {
      return false;
    }
  }).length;
}

/** Starts them a few at a time, since Node compiles each. */
async function startAll(count: number, start: (index: number) => RunningJail): Promise<RunningJail[]> {
  const started: RunningJail[] = [];
  let next = 0;
  const work = async () => {
    while (next < count) {
      const running = start(next++);
      started.push(running);
      await running.waitFor("up\n");
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  return started;
}

test("a hundred jails are up at the same time, and nothing is left of them", {
  timeLimit: 120,
}, async (context) => {
  const directory = makeScratch(context);
  const before = readFileSync("/proc/self/mountinfo", "utf8");
  const count = 100;
  const word = `tsjail-load-${process.pid}`;
  const path = join(directory, "test.toml");
  writeFileSync(path, `${hostTree}[files]\nwrite = ["${directory}"]\n`);
  const script = 'echo up; read line; echo "$2: $line" >"$3/$2"; exit "$2"';
  const jails = await startAll(count, (index) =>
    startJail({ profile: path, command: sh(script, word, String(index), directory), timeout: 110 }),
  );
  assert.ok(countProcesses(word) >= count);
  for (const [index, { child }] of jails.entries()) child.stdin?.end(`line ${index}\n`);
  const endings = await Promise.all(jails.map(({ ended }) => ended));
  assert.equal(
    endings.map(({ status }) => status).sort((a, b) => Number(a) - Number(b)),
    Array.from({ length: count }, (_, index) => index),
  );
  assert.equal(endings.map(({ stderr }) => stderr).join(""), "");
  assert.is(readdirSync(directory).length, count + 1);
  assert.is(countProcesses(word), 0);
  assert.is(readFileSync("/proc/self/mountinfo", "utf8"), before);
});

test("jails that start and end in quick succession leave nothing", { timeLimit: 60 }, async (context) => {
  const directory = makeScratch(context);
  const before = snapshot(directory);
  const word = `tsjail-quick-${process.pid}`;
  for (let round = 0; round < 5; round++) {
    const endings = await Promise.all(
      [1, 2, 3, 4].map(() => jail({ toml: hostTree, command: sh("sleep 100 & sleep 100 & exit 3", word) })),
    );
    for (const { status } of endings) assert.is(status, 3);
  }
  assert.is(countProcesses(word), 0);
  assert.equal(snapshot(directory), before);
});
