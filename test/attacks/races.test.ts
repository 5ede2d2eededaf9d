// time-limit: 300s
// Names that are exchanged with links while a jail is set up, by renameat2(RENAME_EXCHANGE) in a tight loop on the other
// processor. In: roots.ts. Out: nothing outside of the root may have changed, and a jail that starts has its masks. For
// each name there are at least 10,000 exchanges and as many starts as TSJAIL_ATTACK_STARTS says, at each of two paces.
import { spawn } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../../src/plan/operations.ts";
import { decodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { startExecutor } from "../support/executor.ts";
import { jail, mount, sh, snapshot, tsjail } from "../support/jail.ts";
import { type Outcome, watch } from "../support/process.ts";
import { attacks } from "./attack.ts";
import type { Layer } from "./layers.ts";
import { noteResult } from "./results.ts";
import { leaveMarks, makeRoot, type Root } from "./roots.ts";

const title = "set-up, while links are exchanged";
const { test: suite, world } = attacks(title);
const test = suite.needs("userns", "command:cc");

const starts = Number(process.env.TSJAIL_ATTACK_STARTS ?? 25);
const wantedRounds = 10_000;

function note(name: string, layers: readonly Layer[], cve: string): void {
  noteResult(title, { name, layers, words: () => [], cve }, "own", "held");
}

/** Exchanges two names until told to end; then says how often. With a pause, in microseconds, between them. */
async function exchange(one: string, other: string, pause = 0): Promise<() => Promise<number>> {
  const words = ["exchange", one, other, ...(pause > 0 ? [String(pause)] : [])];
  const child = watch(spawn(world().program, words), 300);
  await child.waitFor("ready");
  return async () => {
    child.child.kill("SIGTERM");
    const { stdout } = await child.ended;
    return Number(stdout.split("\n")[1]);
  };
}

/** The plan for a root, without what it depends on: it is carried out while the root changes. */
async function compile(toml: string): Promise<Plan> {
  const [path, profile] = [join(world().directory, "race.plan"), join(world().directory, "race.toml")];
  writeFileSync(profile, toml);
  const env = { ...process.env, ...world().env };
  const { status, stderr } = await watch(spawn(tsjail, ["compile", profile, "-o", path], { env })).ended;
  assert.is(status, 0, stderr);
  return decodePlan(readFileSync(path)).filter(({ op }) => !op.startsWith("fact_"));
}

interface Raced {
  rounds: number;
  started: number;
  ran: number;
}

/** Starts jails until there were enough of them, and of exchanges: a start may fail, and may do nothing else. */
async function race(
  root: Root,
  names: readonly [string, string],
  start: () => Promise<Outcome>,
): Promise<Raced> {
  const [one, other] = names.map((name) => join(root.root, name)) as [string, string];
  const before = snapshot(root.outside);
  const raced: Raced = { rounds: 0, started: 0, ran: 0 };
  for (let turn = 0; turn < 2 || raced.rounds < wantedRounds; turn++) {
    const end = await exchange(one, other, turn % 2 === 0 ? 0 : 300);
    try {
      for (let round = 0; round < starts; round++) {
        const { status, stderr } = await start();
        // 126, too: the way to the command may lead through the link, to itself (ELOOP).
        assert.ok(status !== null && [0, 125, 126, 127].includes(status), `${status}: ${stderr}`);
        raced.started++;
        if (status === 0) raced.ran++;
      }
    } finally {
      raced.rounds += await end();
    }
  }
  assert.equal(snapshot(root.outside), before, "something outside was changed");
  console.log(`  /${names[0]}: ${raced.rounds} exchanges, ${raced.started} starts, ${raced.ran} of them ran`);
  return raced;
}

test("a race that is lost: a set-up by path, while a link is exchanged with a directory", async (context) => {
  const { root, outside } = makeRoot(world().directory, context, "yes");
  symlinkSync(outside, join(root, "link"));
  const end = await exchange(join(root, "dev"), join(root, "link"));
  const twin = spawn(world().program, ["act_by_path", join(root, "dev"), outside]);
  const { stdout } = await watch(twin, 60).ended;
  await end();
  assert.match(stdout, /^escaped: /);
});

for (const name of ["dev", "proc", "sys", "tmp", "etc", "var", "var/lib"]) {
  test(`/${name} of the root is exchanged with a link`, { timeLimit: 120 }, async (context) => {
    const root = makeRoot(world().directory, context, "yes");
    const plan = await compile(root.toml);
    symlinkSync(root.outside, join(root.root, "link"));
    const { started } = await race(root, [name, "link"], () => {
      return watch(startExecutor(sh(leaveMarks), { plan })).ended;
    });
    assert.ok(started >= 2 * starts);
    note("exchange a mount point with a link", ["mounts by descriptor"], "CVE-2026-87766, CVE-2021-30465");
  });
}

test("what a mask could be made of is exchanged with a link", { timeLimit: 120 }, async (context) => {
  const { program } = world();
  const more = mount("bind", { source: program });
  const root = makeRoot(world().directory, context, "yes", more);
  // The root's own /dev, in which whoever made the root has put what they like.
  const plan = await compile(root.toml.replace('[[mount]]\ntype = "dev"\n', ""));
  writeFileSync(join(root.root, "dev/null"), "");
  symlinkSync(join(root.outside, "file"), join(root.root, "dev/link"));
  const { ran } = await race(root, ["dev/null", "dev/link"], async () => {
    const outcome = await watch(startExecutor([program, "read_masked", "/proc/interrupts"], { plan })).ended;
    assert.ok(outcome.status !== 0 || /^held: /.test(outcome.stdout), outcome.stdout);
    return outcome;
  });
  assert.ok(ran >= starts, `only ${ran} started`);
  note("exchange what masks are made of with a link", ["checked descriptors"], "CVE-2025-31133");
});

test("a root is exchanged while its profile is compiled", { timeLimit: 120 }, async (context) => {
  const root = makeRoot(world().directory, context, "yes");
  symlinkSync(root.outside, join(root.root, "link"));
  const { toml } = root;
  let left = 2;
  const { started } = await race(root, ["etc", "link"], async () => {
    // Whole starts take a hundred times as long: a few will do, the other ones are of the plan kept.
    if (left-- > 0)
      return await jail({ toml, env: world().env, options: ["--no-cache"], command: sh(leaveMarks) });
    return await jail({ toml, env: world().env, command: sh(leaveMarks) });
  });
  assert.ok(started >= 2 * starts);
  note(
    "exchange a mount point with a link, from the compilation on",
    ["mounts by descriptor"],
    "CVE-2021-30465",
  );
});
