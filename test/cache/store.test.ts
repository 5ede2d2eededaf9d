// Files in the directory of plans: slots, what is too much or too old, and places that are not ours. In: a directory.
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { maxBytes, maxPlans, prepareDirectory, storePlan } from "../../src/cache/store.ts";
import * as assert from "../support/assert.ts";
import { makeDirectory, removeDirectory } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("cache/store");

const name = "0123abcd";
const mode = (path: string): number => lstatSync(path).mode & 0o7777;

function makePlace({ cleanup }: TestContext): string {
  const base = makeDirectory("store");
  cleanup(() => removeDirectory(base));
  return base;
}

function makePlans(context: TestContext): string {
  const plans = join(makePlace(context), "tsjail/plans");
  assert.ok(prepareDirectory(plans));
  return plans;
}

/** A file of some age in seconds. */
function makeOld(path: string, seconds: number, bytes = 0): void {
  writeFileSync(path, "");
  truncateSync(path, bytes);
  const time = Date.now() / 1000 - seconds;
  utimesSync(path, time, time);
}

const listSlots = (plans: string): Record<string, string> =>
  Object.fromEntries(readdirSync(plans).map((file) => [file, readFileSync(join(plans, file), "utf8")]));

test("the directory and what is above it are made for their owner alone, whatever the umask", (context) => {
  const base = makePlace(context);
  const before = process.umask(0);
  context.cleanup(() => process.umask(before));
  storePlan(join(base, "cache/tsjail/plans"), name, Buffer.from("plan"));
  for (const path of ["cache", "cache/tsjail", "cache/tsjail/plans"])
    assert.is(mode(join(base, path)), 0o700, path);
  assert.is(mode(join(base, `cache/tsjail/plans/${name}-0`)), 0o600);
});

test("the newest plan is in slot 0, and the fifth oldest is gone", (context) => {
  const plans = makePlans(context);
  for (const text of ["a", "b", "c", "d", "e"]) storePlan(plans, name, Buffer.from(text));
  storePlan(plans, "ffffffff", Buffer.from("other"));
  const slots = { [`${name}-0`]: "e", [`${name}-1`]: "d", [`${name}-2`]: "c", [`${name}-3`]: "b" };
  assert.equal(listSlots(plans), { ...slots, "ffffffff-0": "other" });
});

test("what an interrupted store has left goes after an hour, and nothing else that lies there", (context) => {
  const plans = makePlans(context);
  const keep = ["README", `${name}-0.new`, "0123ABCD-0.7.new", `${name}-9.7.new`, `${name}-0.7.new2`];
  for (const file of keep) makeOld(join(plans, file), 90_000);
  makeOld(join(plans, `${name}-0.71.new`), 3700);
  makeOld(join(plans, `${name}-0.72.new`), 3500);
  storePlan(plans, name, Buffer.from("plan"));
  assert.equal(readdirSync(plans).sort(), [...keep, `${name}-0.72.new`, `${name}-0`].sort());
});

test(`no more than ${maxPlans} plans are kept; the oldest go`, (context) => {
  const plans = makePlans(context);
  for (let index = 0; index < maxPlans + 10; index++) {
    makeOld(join(plans, `${index.toString(16).padStart(8, "0")}-0`), index + 1);
  }
  storePlan(plans, name, Buffer.from("plan"));
  const left = readdirSync(plans);
  assert.is(left.length, maxPlans);
  assert.ok(left.includes(`${name}-0`) && left.includes("00000000-0"));
  assert.ok(left.includes(`${(maxPlans - 2).toString(16).padStart(8, "0")}-0`));
  assert.not.ok(left.includes(`${(maxPlans - 1).toString(16).padStart(8, "0")}-0`));
});

test(`no more than ${maxBytes >> 20} MiB are kept; the oldest go`, (context) => {
  const plans = makePlans(context);
  for (let index = 0; index < 8; index++) makeOld(join(plans, `0000000${index}-0`), index + 1, maxBytes / 8);
  storePlan(plans, name, Buffer.alloc(100));
  assert.equal(readdirSync(plans).sort(), [
    ...Array.from({ length: 7 }, (_, index) => `0000000${index}-0`),
    `${name}-0`,
  ]);
});

test("a plan that alone would be too much is not kept, and takes no other's place", (context) => {
  const plans = makePlans(context);
  storePlan(plans, name, Buffer.from("small"));
  storePlan(plans, "ffffffff", new Uint8Array(maxBytes + 4));
  assert.equal(listSlots(plans), { [`${name}-0`]: "small" });
});

test("what is in the way of the new file is left alone, and the store is given up", (context) => {
  const plans = makePlans(context);
  const fresh = join(plans, `${name}-0.${process.pid}.new`);
  const victim = join(plans, "victim");
  writeFileSync(victim, "precious");
  symlinkSync(victim, fresh);
  storePlan(plans, name, Buffer.from("plan"));
  assert.is(readFileSync(victim, "utf8"), "precious");
  assert.not.ok(existsSync(join(plans, `${name}-0`)));
  storePlan(plans, name, Buffer.from("plan"));
  assert.is(readFileSync(join(plans, `${name}-0`), "utf8"), "plan", "it is out of the way now");
});

test("a directory that others can write to, or that is a link or a file, is not used", (context) => {
  const base = makePlace(context);
  for (const bits of [0o770, 0o720, 0o777, 0o1777]) {
    const plans = join(base, `mode-${bits.toString(8)}`);
    mkdirSync(plans);
    chmodSync(plans, bits);
    assert.not.ok(prepareDirectory(plans));
    storePlan(plans, name, Buffer.from("plan"));
    assert.equal(readdirSync(plans), [], bits.toString(8));
  }
  mkdirSync(join(base, "real"), { mode: 0o700 });
  symlinkSync("real", join(base, "link"));
  writeFileSync(join(base, "file"), "");
  for (const path of ["link", "file", "file/below"]) {
    storePlan(join(base, path), name, Buffer.from("plan"));
    assert.not.ok(prepareDirectory(join(base, path)), path);
  }
  assert.equal(readdirSync(join(base, "real")), []);
  storePlan(join(base, "real"), name, Buffer.from("plan"));
  assert.equal(readdirSync(join(base, "real")), [`${name}-0`], "the twin");
});

test("below a link to a directory of ours it is, as ~/.cache is on some machines", (context) => {
  const base = makePlace(context);
  mkdirSync(join(base, "disk"));
  symlinkSync("disk", join(base, ".cache"));
  storePlan(join(base, ".cache/tsjail/plans"), name, Buffer.from("plan"));
  assert.equal(readdirSync(join(base, "disk/tsjail/plans")), [`${name}-0`]);
});

test.needs("root")("root makes nothing below a directory of another user's", (context) => {
  const base = makePlace(context);
  for (const path of ["home", "home/.cache", "own", "own/.cache"]) mkdirSync(join(base, path));
  chownSync(join(base, "home"), 65534, 65534);
  for (const path of ["home/new/tsjail/plans", "home/.cache/tsjail/plans"]) {
    storePlan(join(base, path), name, Buffer.from("plan"));
    assert.not.ok(prepareDirectory(join(base, path)), path);
  }
  assert.equal(readdirSync(join(base, "home"), { recursive: true }), [".cache"]);
  storePlan(join(base, "own/.cache/tsjail/plans"), name, Buffer.from("plan"));
  assert.equal(readdirSync(join(base, "own/.cache/tsjail/plans")), [`${name}-0`]);
});
