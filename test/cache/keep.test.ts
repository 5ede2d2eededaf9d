// Which plans are kept, and under which words. In: a plan and looks made by hand, and programs of ours that are links.
// Out: a file in the cache, or none. What the looks have to be like: test/facts/.
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type KeepRequest, prepareKeeping } from "../../src/cache/keep.ts";
import { maxBytes } from "../../src/cache/store.ts";
import type { Look } from "../../src/facts/look.ts";
import { maxOperations, type Plan } from "../../src/plan/operations.ts";
import { decodePlan, encodePlan } from "../../src/plan/wire.ts";
import { layerSchema } from "../../src/profile/schema.ts";
import * as assert from "../support/assert.ts";
import { makePlan } from "../support/executor.ts";
import { hostPrograms, makeDirectory, removeDirectory } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { expectCold, expectEnding, makeWorld, settle, warmUp } from "./world.ts";

const test = suite("cache/keep");

interface Place {
  readonly plans: string;
  /** @returns what is there now and was not before */
  keep(plan?: Plan, looks?: readonly Look[], change?: Partial<KeepRequest>): Uint8Array | undefined;
  list(): string[];
}

async function makePlace({ cleanup }: TestContext): Promise<Place> {
  const base = makeDirectory("keep");
  cleanup(() => removeDirectory(base));
  const plans = join(base, "tsjail/plans");
  for (const name of ["cli", "executor"]) writeFileSync(join(base, name), "");
  await settle();
  const request = {
    packageWord: "/p",
    argv: ["-p", "x", "true"],
    words: ["true"],
    environment: { XDG_CACHE_HOME: base },
    cwd: "/",
    self: [process.execPath, "--option", join(base, "cli")],
    executor: join(base, "executor"),
  };
  const list = () => {
    try {
      return readdirSync(plans);
    } catch {
      return [];
    }
  };
  const findInode = (name: string) => statSync(join(plans, name)).ino;
  return {
    plans,
    list,
    keep: (plan = makePlan(), looks = [], change = {}) => {
      const before = new Set(list().map(findInode));
      prepareKeeping(plan, looks, { ...request, ...change })?.();
      const name = list().find((one) => !before.has(findInode(one)));
      return name === undefined ? undefined : readFileSync(join(plans, name));
    },
  };
}

const optionsOf = (bytes: Uint8Array | undefined): readonly string[] | undefined =>
  decodePlan(bytes ?? new Uint8Array()).flatMap((one) =>
    one.op === "fact_invocation" ? [one.options] : [],
  )[0];

test("what is kept is what is started, with its facts before it", async (context) => {
  const { keep, list } = await makePlace(context);
  const plan = makePlan();
  const bytes = keep(plan);
  assert.is(list().length, 1);
  assert.equal(optionsOf(bytes), ["-p", "x"]);
  const isFact = ({ op }: Plan[number]) => op.startsWith("fact_");
  const kept = decodePlan(bytes ?? new Uint8Array());
  assert.equal(
    kept.filter((one) => !isFact(one)),
    decodePlan(encodePlan(plan)),
  );
  assert.ok(kept.some(isFact) && isFact(kept[0] as Plan[number]));
});

test("the words before the command are the options, without the -- between them", async (context) => {
  const { keep } = await makePlace(context);
  const cases: readonly (readonly [string[], string[], string[]])[] = [
    [["true"], ["true"], []],
    [["--", "true"], ["true"], []],
    [["--", "--", "true"], ["--", "true"], []],
    [
      ["run", "-p", "x", "--", "run", "--"],
      ["run", "--"],
      ["run", "-p", "x"],
    ],
    [["-p", "x"], [], ["-p", "x"]],
    [["-p", "x", "--"], [], ["-p", "x"]],
    [[], [], []],
  ];
  for (const [argv, words, options] of cases) {
    assert.equal(optionsOf(keep(undefined, undefined, { argv, words })), options, argv.join(" "));
  }
});

test("a plan that is too large with its facts is started, and not kept", async (context) => {
  const { keep, list } = await makePlace(context);
  const plan = makePlan();
  const fill = (count: number): Plan => {
    const at = plan.findIndex(({ op }) => op === "stage");
    const hides = Array.from(
      { length: count },
      () => ({ op: "directory", origin: "x", target: "/x", mode: 0 }) as const,
    );
    return [...plan.slice(0, at + 1), ...hides, ...plan.slice(at + 1)];
  };
  const full = fill(maxOperations - plan.length);
  assert.is(encodePlan(full).length > 0, true, "as it is it is not too large");
  assert.is(keep(full), undefined);
  assert.equal(list(), []);
  assert.ok(keep(fill(1000)) !== undefined, "the twin");
  assert.is(list().length, 1);
});

test("a plan with a path or a text that no plan can hold is not kept", async (context) => {
  const { keep, list } = await makePlace(context);
  const kind = (path: string): Look => ({ type: "kind", path, kind: "unreadable", follow: false });
  assert.is(keep(undefined, [kind(`/${"x/".repeat(3000)}`)]), undefined);
  assert.is(keep(undefined, [kind("relative")]), undefined);
  assert.is(keep(undefined, [{ type: "link", path: "/l", text: "a\0b" }]), undefined);
  assert.is(keep(undefined, [{ type: "unrepeatable", why: "x" }]), undefined);
  assert.equal(list(), []);
  assert.ok(keep(undefined, [kind("/x")]) !== undefined, "the twin");
});

test("TSJAIL_EXECUTOR makes a plan that is not kept; empty it says nothing", async (context) => {
  const { keep, list, plans } = await makePlace(context);
  const XDG_CACHE_HOME = dirname(dirname(plans));
  assert.is(
    keep(undefined, undefined, { environment: { XDG_CACHE_HOME, TSJAIL_EXECUTOR: "/x" } }),
    undefined,
  );
  assert.equal(list(), []);
  assert.ok(
    keep(undefined, undefined, { environment: { XDG_CACHE_HOME, TSJAIL_EXECUTOR: "" } }) !== undefined,
  );
});

test("a plan larger than all that is kept is not, and leaves the others alone", async (context) => {
  const { keep, list } = await makePlace(context);
  keep();
  const large = makePlan({
    jail: [
      {
        op: "file",
        origin: "x",
        target: "/x",
        content: new Uint8Array(maxBytes),
        mode: 0,
        flags: [],
        set: [],
      },
    ],
  });
  assert.ok(encodePlan(large).length > maxBytes, "it can be started");
  assert.is(keep(large, [], { argv: ["true"] }), undefined);
  assert.is(list().length, 1);
});

const profile = `${hostPrograms}[root]\ntype = "empty"\n`;
const words = ["-p", "./box.toml", "/bin/echo", "hello"];

test("programs of ours that are links are known by what they lead to", { timeLimit: 60 }, async (context) => {
  const executor = `dist/linux-${process.arch}/tsjail`;
  for (const name of ["dist/run.cjs", executor]) {
    const world = makeWorld(context, { "work/box.toml": profile });
    const [path, real] = [world.at(`pkg/${name}`), world.at("farm")];
    renameSync(path, real);
    symlinkSync(real, path);
    expectEnding(await warmUp(world, words), "hello\n", name);
    utimesSync(real, new Date(), new Date());
    expectCold(world.tryWarm(words), name);
  }
});

test("a profile that takes text from procfs is compiled each time", async (context) => {
  const source = `${profile}[[mount]]\ntype = "file"\nsource = "/proc/uptime"\ntarget = "/uptime"\n`;
  const world = makeWorld(context, { "work/box.toml": source, "work/plain.toml": profile });
  mkdirSync(world.at("cache"));
  await settle();
  const read = () => world.start(["-p", "./box.toml", "/bin/cat", "/uptime"]);
  const first = read();
  assert.equal([first.status, first.stderr], [0, ""]);
  await settle();
  assert.is.not(read().stdout, first.stdout);
  assert.equal(world.list(), []);
  assert.is(world.start(["-p", "./plain.toml", "/bin/true"]).status, 0);
  assert.is(world.list().length, 1, "the twin");
});

test("a section that a profile does not have is as one that is empty", async (context) => {
  const sections = Object.entries(layerSchema.entries).filter(
    ([, { type, default: fallback }]) =>
      type === "optional" && !Array.isArray(fallback) && typeof fallback === "object",
  );
  const names = sections.map(([name]) => name).filter((name) => name !== "root");
  assert.ok(names.includes("user") && names.includes("security"));
  const world = makeWorld(context);
  const keep = async (text: string) => {
    world.write("work/box.toml", text);
    expectEnding(await warmUp(world, words), "hello\n", text);
    const { path, plan } = world.readKept();
    unlinkSync(path);
    // But for where it comes from.
    return plan
      .filter(({ op }) => !op.startsWith("fact_") && op !== "explain")
      .map((operation) => ({ ...operation, origin: "" }));
  };
  const written = names.filter((name) => !profile.includes(`[${name}]`)).map((name) => `[${name}]\n`);
  assert.ok(written.length > 5);
  assert.equal(await keep(`${profile}${written.join("")}`), await keep(profile));
  assert.not.equal(await keep(`${profile}[process]\nkill_after = "1s"\n`), await keep(profile), "the twin");
});
