// process.timeout: TERM, after kill_after KILL, and 124 as timeout(1) has it. In: the executor on a small plan, and a
// profile.
import * as assert from "../support/assert.ts";
import { runExecutor, startExecutor } from "../support/executor.ts";
import { hostTree, jail } from "../support/jail.ts";
import { findLeft, makeMarker, type Outcome, watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

const test = suite("timeout").needs("userns", "command:cc");

/** Milliseconds from the start to the end, beside how it ended. */
async function measure(work: () => Promise<Outcome>): Promise<Outcome & { took: number }> {
  const begin = performance.now();
  const outcome = await work();
  return { ...outcome, took: performance.now() - begin };
}

const within = (took: number, from: number, to: number): void => {
  assert.ok(took >= from && took < to, `it took ${Math.round(took)} ms, and not ${from} to ${to}`);
};

test("a command that takes too long gets SIGTERM and the jail ends with 124", async () => {
  const marker = makeMarker();
  const script = `trap 'echo got TERM; exit 3' TERM; echo ready; sleep 60 & wait; : ${marker}`;
  const outcome = await measure(() => runExecutor(["sh", "-c", script], { supervise: { timeout: 400 } }));
  assert.equal([outcome.status, outcome.stdout], [124, "ready\ngot TERM\n"]);
  within(outcome.took, 400, 3000);
  assert.equal(findLeft(marker), []);
});

test("its twin that is done in time has its own status", async () => {
  const outcome = await measure(() =>
    runExecutor(["sh", "-c", "sleep 0.1; exit 3"], { supervise: { timeout: 5000 } }),
  );
  assert.is(outcome.status, 3);
  within(outcome.took, 100, 4000);
});

test("a command that is ended by SIGTERM is 124, and so is one that exits with 0 on it", async () => {
  for (const script of ["exec sleep 60", "trap 'exit 0' TERM; sleep 60 & wait"]) {
    assert.is((await runExecutor(["sh", "-c", script], { supervise: { timeout: 200 } })).status, 124, script);
  }
});

test("a command that ignores SIGTERM is killed after kill_after", async () => {
  const marker = makeMarker();
  const script = `trap '' TERM; while :; do sleep 0.05; done; : ${marker}`;
  const supervise = { timeout: 200, kill_after: 500 };
  const outcome = await measure(() => runExecutor(["sh", "-c", script], { supervise }));
  assert.is(outcome.status, 124);
  within(outcome.took, 700, 4000);
  assert.equal(findLeft(marker), []);
});

test("the whole process group of the command hears the SIGTERM, a stopped one too", async () => {
  const script =
    "sh -c 'trap \"echo child; exit\" TERM; sleep 60 & wait' & trap 'wait; echo parent; exit' TERM; wait";
  const outcome = await runExecutor(["sh", "-c", script], { supervise: { timeout: 300 } });
  assert.equal([outcome.status, outcome.stdout], [124, "child\nparent\n"]);
  const stopped = await measure(() =>
    runExecutor(["sh", "-c", "kill -STOP $$"], { supervise: { timeout: 300, kill_after: 9000 } }),
  );
  assert.is(stopped.status, 124);
  within(stopped.took, 300, 3000);
});

test("without an init too, where pid 1 does not hear SIGTERM unless it catches it", async () => {
  const supervise = { flags: [], timeout: 200, kill_after: 300 };
  const deaf = await measure(() => runExecutor(["sleep", "60"], { supervise }));
  assert.is(deaf.status, 124);
  within(deaf.took, 500, 3000);
  const script = "trap 'echo got TERM; exit 0' TERM; while :; do sleep 0.05; done";
  const outcome = await runExecutor(["sh", "-c", script], { supervise: { ...supervise, kill_after: 9000 } });
  assert.equal([outcome.status, outcome.stdout], [124, "got TERM\n"]);
});

test("without a pid namespace too, and nothing is left", async () => {
  const marker = makeMarker();
  const script = `trap '' TERM; (setsid sh -c 'trap "" TERM; sleep 60; : ${marker}' &); while :; do sleep 0.05; done`;
  const outcome = await runExecutor(["sh", "-c", script], {
    namespaces: ["mount", "uts", "ipc", "net", "cgroup"],
    supervise: { timeout: 300, kill_after: 200 },
  });
  assert.is(outcome.status, 124);
  assert.equal(findLeft(marker), []);
});

test("no signal from outside makes it wait longer or takes the timeout away", async () => {
  const child = watch(
    startExecutor(["/probe", "catch", "9"], { supervise: { timeout: 600, kill_after: 100 } }),
  );
  await child.waitFor("ready");
  for (let i = 0; i < 20; i++) child.child.kill("SIGUSR1");
  assert.is((await child.ended).status, 124);
});

test("a profile's timeout and kill_after mean it, in their units", async () => {
  const toml = `${hostTree}\n[process]\ntimeout = "0.3s"\nkill_after = "200ms"\n`;
  const script = "trap '' TERM; while :; do sleep 0.05; done";
  const ending = await jail({ toml, command: ["sh", "-c", script] });
  assert.equal([ending.status, ending.stdout], [124, ""]);
  const twin = await jail({
    toml,
    options: ["--timeout", "20s"],
    command: ["sh", "-c", "sleep 0.6; exit 5"],
  });
  assert.is(twin.status, 5, twin.stderr);
});
