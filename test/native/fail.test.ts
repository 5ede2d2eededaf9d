// How a start that failed is told. In: plans that fail at one operation or another, and an explainer that writes down
// its arguments. Out: the right operation, step, reason and errno, and nothing left. src/explain/ makes words of them.
import { chmodSync, closeSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Operation,
  type Plan,
  type Reason,
  reasons,
  type Step,
  steps,
} from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { bind, executor, makePlan, scratch } from "../support/executor.ts";
import { findLeft } from "../support/process.ts";
import { suite } from "../support/suite.ts";
import { alter, errno, type Failing, type Failure, failures, origin } from "./failures.ts";
import { openBytes, type Run, runBytes, runWords } from "./run.ts";

const all = suite("native/fail");
const test = all.needs("userns");

/** A program that writes its arguments to a file, each with a NUL behind it, and ends with 42. */
function writeExplainer(): { program: string; read(): string[]; plan: string } {
  const [program, told, plan] = ["explain", "told", "plan"].map((name) => join(scratch(), name)) as [
    string,
    string,
    string,
  ];
  const script = `printf '%s\\0' "$@" >'${told}'
while [ "$1" != --plan-fd ]; do shift; done
cat <"/proc/self/fd/$2" >'${plan}'
echo explained >&2
exit 42`;
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  rmSync(told, { force: true });
  return { program, plan, read: () => readFileSync(told, "utf8").split("\0").slice(0, -1) };
}

function makeFailing({ change, ...wish }: Failing, explain: readonly string[]): Plan {
  const plan = [...makePlan({ ...wish, explain })];
  change?.(plan);
  return plan;
}

/** Runs a plan that has to fail, and gives what the explainer was told. */
function explain(failing: Failing): { run: Run; failure: Failure; told: string[] } {
  const explainer = writeExplainer();
  const plan = makeFailing(failing, [explainer.program, "explain", "a b"]);
  const bytes = encodePlan(plan);
  const run = runBytes(bytes, failing.words ?? ["true"]);
  assert.equal([run.status, run.signal, run.stdout, run.stderr], [42, null, "", "explained\n"]);
  assert.equal(findLeft("no such marker", run.pid), []);
  const told = explainer.read();
  const options = told.slice(2, 12);
  assert.equal(told.slice(0, 2), ["explain", "a b"]);
  assert.equal(
    options.filter((_, index) => index % 2 === 0),
    ["--plan-fd", "--op", "--step", "--reason", "--errno"],
  );
  const [, op, step, reason, errno] = options.filter((_, index) => index % 2 === 1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  assert.ok(readFileSync(explainer.plan).equals(bytes), "the plan on its descriptor");
  const failure = { op: plan[op]?.op, step: steps[step] as Step, reason: reasons[reason] as Reason, errno };
  return { run, failure, told };
}

for (const [what, failing] of Object.entries(failures)) {
  test(`tells the explainer of ${what}`, () => {
    const { op, step, reason = "errno", errno } = failing;
    assert.equal(explain(failing).failure, { op, step, reason, errno } as Failure);
  });
}

test("tells which of many equal operations failed", () => {
  const jail = [bind("/usr", "/a"), bind("/usr", "/b"), bind("/nowhere", "/c"), bind("/usr", "/d")];
  const { told } = explain({ jail });
  const plan = makePlan({ jail });
  const index = plan.findIndex((one) => one.op === "bind" && one.source === "/nowhere");
  assert.is(told[5], String(index));
});

all.needs("user", "userns")("tells of an id that is not the caller's", () => {
  const { failure } = explain({ change: alter("uid_map", { map: "0 0 1\n" }) });
  assert.equal(failure, { op: "uid_map", step: "write", reason: "errno", errno: errno.EPERM });
});

test("hands the command's words on, byte for byte, and none where there are none", () => {
  const words = ["/no such", "--", "", "a b", "*", "\n", "ü", "--op", "7"];
  assert.equal(explain({ words }).told.slice(12), ["--", ...words]);
  const explainer = writeExplainer();
  const plan = makePlan({ workdir: "/nowhere", explain: [explainer.program] });
  assert.is(runBytes(encodePlan(plan)).status, 42);
  assert.is(explainer.read().length, 10);
});

test("says when there is no command", () => {
  const explainer = writeExplainer();
  const run = runBytes(encodePlan(makePlan({ explain: [explainer.program] })));
  assert.is(run.status, 42);
  const [, op, , step, , reason] = explainer.read().slice(2);
  const index = makePlan().findIndex(({ op }) => op === "command");
  assert.equal([op, step, reason].map(Number), [
    index,
    steps.indexOf("execve"),
    reasons.indexOf("no_command"),
  ]);
  assert.match(runBytes(encodePlan(makePlan())).stderr, /^tsjail: command \(a test\) failed: .*\n$/);
});

test("runs the plan's own command where the words name none", () => {
  const change = alter("command", { argv: ["sh", "-c", "exit 6"] });
  assert.is(runBytes(encodePlan(makeFailing({ change }, []))).status, 6);
  assert.is(runBytes(encodePlan(makeFailing({ change }, [])), ["sh", "-c", "exit 7"]).status, 7);
});

test("leaves the explainer the caller's environment, directory and descriptors", () => {
  const program = join(scratch(), "look");
  const marker = join(scratch(), "seen");
  writeFileSync(
    program,
    `#!/bin/sh\n{ pwd; echo "$A_TEST"; cat; echo "$(ulimit -n)"; } >'${marker}'\nexit 125\n`,
  );
  chmodSync(program, 0o755);
  const { fd } = openBytes(encodePlan(makePlan({ workdir: "/nowhere", explain: [program] })));
  const script = `echo input | { ulimit -n 77; exec "$0" --plan-fd 3 -- true; }`;
  const run = runWords(["-c", script, executor()], {
    program: "/bin/sh",
    stdio: ["ignore", "pipe", "pipe", fd],
    env: { ...process.env, A_TEST: "a value" },
    cwd: "/usr",
  });
  closeSync(fd);
  assert.is(`${run.status} ${run.stderr}`, "125 ");
  assert.is(readFileSync(marker, "utf8"), "/usr\na value\ninput\n77\n");
});

test("ends with 127, 126 or 125 by itself where there is no explainer", () => {
  const statusOf = (plan: Plan, words: readonly string[]) => runBytes(encodePlan(plan), words).status;
  assert.is(statusOf(makePlan(), ["no-such-command"]), 127);
  assert.is(statusOf(makePlan(), ["/no/such/command"]), 127);
  assert.is(statusOf(makePlan(), ["/etc/passwd"]), 126);
  assert.is(statusOf(makePlan(), ["/"]), 126);
  assert.is(statusOf(makePlan({ jail: [bind("/nowhere", "/x")] }), ["true"]), 125);
  assert.is(statusOf(makePlan(), ["sh", "-c", "exit 125"]), 125);
});

test("has undone everything on the host when the explainer runs", () => {
  const root = join(scratch(), "root");
  const seen = join(scratch(), "left");
  const program = join(scratch(), "list");
  mkdirSync(root);
  writeFileSync(program, `#!/bin/sh\nls -A '${root}' >'${seen}'\nexit 42\n`);
  chmodSync(program, 0o755);
  const host: Operation[] = [
    { op: "mount_point", origin, root, target: "/made", kind: "directory" },
    { op: "mount_point", origin, root, target: "/made/too", kind: "file" },
  ];
  const plan = makePlan({ host, workdir: "/nowhere", explain: [program] });
  assert.is(runBytes(encodePlan(plan), ["true"]).status, 42);
  assert.is(readFileSync(seen, "utf8"), "");
  assert.equal(readdirSync(root), []);
  // The twin: while a jail runs they are there.
  const shown = makePlan({ host, jail: [bind(root, "/shown")] });
  assert.is(
    runBytes(encodePlan(shown), ["ls", "-A", "/shown", "/shown/made"]).stdout,
    "/shown:\nmade\n\n/shown/made:\ntoo\n",
  );
  assert.equal(readdirSync(root), []);
});
