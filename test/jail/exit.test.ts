// How a jail ends: the command's exit status, the signal that ended it, and the three statuses of tsjail's own.
// In: the executor on a small plan, and bin/tsjail for a few of each.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { bind, executor, runExecutor, scratch } from "../support/executor.ts";
import { jail } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("exit").needs("userns", "command:cc");

/** Ends nothing: CHLD, CONT, URG and WINCH are ignored by default; STOP, TSTP, TTIN and TTOU stop. */
const harmless: readonly number[] = ["SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH"].map((name) => number(name));
const stopping: readonly number[] = ["SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU"].map((name) => number(name));

function number(name: string): number {
  return constants.signals[name as NodeJS.Signals];
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

/** Several at a time. */
async function forEach<T>(list: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...list];
  const worker = async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one);
  };
  await Promise.all([worker(), worker(), worker()]);
}

test("every exit status from 0 to 255 is passed on", { timeLimit: 90 }, async () => {
  const wrong: string[] = [];
  await forEach(range(0, 255), async (status) => {
    const outcome = await runExecutor(["/probe", "exit", String(status)]);
    if (outcome.status !== status || outcome.stderr !== "")
      wrong.push(`${status}: ${JSON.stringify(outcome)}`);
  });
  assert.equal(wrong, []);
});

test("every signal that ends the command becomes 128 + its number", { timeLimit: 60 }, async () => {
  const wrong: string[] = [];
  const deadly = range(1, 64).filter((one) => !harmless.includes(one) && !stopping.includes(one));
  assert.is(deadly.length, 56);
  await forEach(deadly, async (one) => {
    const outcome = await runExecutor(["/probe", "signal", String(one)]);
    if (outcome.status !== 128 + one) wrong.push(`${one}: ${JSON.stringify(outcome)}`);
  });
  assert.equal(wrong, []);
});

test("a command that does not exist is 127, one that can't be executed is 126", async () => {
  const missing = await runExecutor(["no-such-command"]);
  assert.is(missing.status, 127);
  assert.match(
    missing.stderr,
    /^tsjail: command no-such-command \(command line\) failed: execve: errno 2 \(ENOENT\)\n$/,
  );
  for (const word of ["/no/such/file", ""]) assert.is((await runExecutor([word])).status, 127, word);
  for (const word of ["/etc/passwd", "/usr", "/etc/passwd/x"])
    assert.is((await runExecutor([word])).status, 126, word);
});

test("a script without a first line for it is given to sh, as execvp(3) does", async () => {
  const script = join(scratch(), "script");
  writeFileSync(script, 'echo "$0 $1"; exit 3\n', { mode: 0o755 });
  const outcome = await runExecutor(["/script", "word"], { jail: [bind(script, "/script")] });
  assert.equal([outcome.status, outcome.stdout], [3, "/script word\n"]);
});

test("a start that fails is 125 with one line, and the command does not run", async () => {
  const outcome = await runExecutor(["echo", "ran"], { jail: [bind("/no/such/source", "/x")] });
  assert.equal([outcome.status, outcome.stdout], [125, ""]);
  assert.match(outcome.stderr, /^tsjail: bind \/no\/such\/source -> \/x \(a test\) failed: open_tree: .*\n$/);
});

test("a plan that is damaged, or missing, is 125 and says so", async () => {
  for (const argv of [["--plan-fd", "0"], ["--plan-fd", "77"], ["--plan-fd"], ["--plan-fd", "3", "x"]]) {
    const result = spawnSync(executor(), argv, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    assert.is(result.status, 125, argv.join(" "));
    assert.match(result.stderr, /^tsjail: .*\n$/);
  }
});

test("without an init the command's status and signal are the jail's too", async () => {
  const supervise = { flags: ["die_with_parent"] } as const;
  for (const status of [0, 1, 77, 255]) {
    assert.is((await runExecutor(["/probe", "exit", String(status)], { supervise })).status, status);
  }
  assert.is((await runExecutor(["no-such-command"], { supervise })).status, 127);
  // Pid 1 has no default actions of its own making, so the kernel ends it for a fault: SIGSEGV.
  const outcome = await runExecutor(["sh", "-c", "sh -c 'kill -TERM $$'; exit $?"], { supervise });
  assert.is(outcome.status, 143);
});

test("the status is right for a caller that ignores SIGCHLD", async () => {
  const through = ["bash", "-c", "trap '' CHLD; exec \"$@\"", "bash"];
  for (const flags of [["init"], []] as const) {
    const outcome = await runExecutor(["/probe", "exit", "7"], { supervise: { flags }, through });
    assert.is(outcome.status, 7, `flags: ${flags}`);
  }
});

for (const [what, way] of [
  ["behind Node", ["--no-cache"]],
  ["where a plan was kept", []],
] as const)
  test(`${what} it is the same: statuses, signals, and the three of tsjail's own with their messages`, async () => {
    const run = (command: string[], options: string[] = []) =>
      jail({ profile: "base", options: [...way, ...options], command });
    for (const status of [0, 1, 77, 124, 255]) {
      assert.is((await run(["sh", "-c", `exit ${status}`])).status, status);
    }
    assert.is((await run(["sh", "-c", "kill -KILL $$"])).status, 137);
    const cases = [
      [127, await run(["no-such-command"]), "no-such-command"],
      [126, await run(["/etc/passwd"]), "/etc/passwd"],
      [125, await run(["true"], ["--bind", "/no/such/source"]), "/no/such/source"],
      [125, await run(["true"], ["--no-such-option"]), "--no-such-option"],
    ] as const;
    for (const [status, ending, word] of cases) {
      assert.equal([ending.status, ending.stdout], [status, ""], word);
      assert.match(ending.stderr, word);
      assert.is(ending.stderr.match(/^tsjail: /gm)?.length, 1, ending.stderr);
    }
  });
