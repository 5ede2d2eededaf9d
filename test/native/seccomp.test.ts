// The operation `seccomp` of the executor, with programs written by hand: what is loaded, what is refused, and where the
// listener of a filter that notifies goes. The policies are tested in test/seccomp, whole jails in test/jail.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Operation } from "../../src/plan/operations.ts";
import { encodeProgram, prependGuards } from "../../src/seccomp/bpf.ts";
import { type Action, answerErrno } from "../../src/seccomp/policy.ts";
import type { Machine } from "../../src/seccomp/syscalls.ts";
import * as assert from "../support/assert.ts";
import { executor, makePlan, runExecutor, scratch, writePlan } from "../support/executor.ts";
import { suite } from "../support/suite.ts";

const test = suite("native/seccomp");
const machine = process.arch as Machine;
const letAll = [{ code: 6, jt: 0, jf: 0, k: 0x7fff_0000 }];

type Seccomp = Extract<Operation, { op: "seccomp" }>;
const load = (filter: Uint8Array, more: Partial<Seccomp> = {}): Operation => ({
  ...{ op: "seccomp", origin: "a test", filter, flags: [], notify_fd: -1 },
  ...more,
});
const answering = (action: Action, ...names: string[]): Uint8Array =>
  encodeProgram(prependGuards(letAll, [{ names, action }], machine));
/** The executor's own line, without the operation and its origin. */
const failed = (why: string) => `failed: ${why}\n`;

test("binds the command", async () => {
  const command = [load(answering(answerErrno("ENOTSUP"), "uname"))];
  const { status, stderr } = await runExecutor(["uname"], { command });
  assert.is(status, 1);
  assert.match(stderr, "Operation not supported");
  assert.is((await runExecutor(["uname"], { command: [load(encodeProgram(letAll))] })).status, 0);
});

test("is loaded last, whatever its place among the command's operations", async () => {
  const filter = answering({ type: "kill_process" }, "chdir", "umask", "setpriority", "sendmsg", "dup3");
  const limit: Operation = { op: "rlimit", origin: "a test", resource: "core", soft: 0, hard: 0 };
  const command: Operation[] = [load(filter), { op: "umask", origin: "a test", mask: 0o22 }, limit];
  const { status, stderr } = await runExecutor(["/probe", "exit", "3"], { command });
  assert.is(stderr, "");
  assert.is(status, 3);
});

test("a command that can't be executed is told of under any filter that lets write through", async () => {
  const command = [load(answering(answerErrno("EPERM"), "sendmsg", "sendto", "openat", "mmap"))];
  const { status, stderr } = await runExecutor(["/no/such/program"], { command });
  assert.is(status, 127);
  assert.match(stderr, failed("execve: errno 2 (ENOENT)"));
});

test("a program of no or half an instruction, or too many, is malformed", async () => {
  for (const length of [0, 4, 7, 12, 4097 * 8]) {
    const { status, stderr } = await runExecutor(["true"], { command: [load(new Uint8Array(length))] });
    assert.is(status, 125, String(length));
    assert.match(stderr, failed("seccomp: malformed"));
  }
});

test("a program that the kernel refuses stops the start", async () => {
  // a jump behind the end; a load past the data; no return
  const wrong = [
    [{ code: 5, jt: 0, jf: 0, k: 9 }, ...letAll],
    [{ code: 0x20, jt: 0, jf: 0, k: 64 }, ...letAll],
    [{ code: 0x20, jt: 0, jf: 0, k: 0 }],
  ];
  for (const program of wrong) {
    const { status, stderr } = await runExecutor(["true"], { command: [load(encodeProgram(program))] });
    assert.is(status, 125);
    assert.match(stderr, failed("seccomp: errno 22 (EINVAL)"));
  }
});

test("without no_new_privs and capabilities there is no filter, and no start", async () => {
  const plan = makePlan({ command: [load(encodeProgram(letAll))] }).filter(({ op }) => op !== "no_new_privs");
  const status = /NoNewPrivs:\s*1/.test(spawnSync("cat", ["/proc/self/status"], { encoding: "utf8" }).stdout);
  const { stderr } = await runExecutor(["true"], { plan });
  if (status) assert.is(stderr, "");
  else assert.match(stderr, failed("seccomp: errno 13 (EACCES)"));
});

/** supervisor.c, compiled: starts the executor and answers for its filter. */
function supervisor(): string {
  const path = join(scratch(), "supervisor");
  if (existsSync(path)) return path;
  const source = join(import.meta.dirname, "supervisor.c");
  const result = spawnSync(process.env.CC || "cc", ["-O1", "-o", path, source], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`supervisor.c: ${result.error ?? result.stderr}`);
  return path;
}

/** The socket is the supervisor's descriptor 5, the plan 4. */
function supervise(filter: Operation, supervision: object, ...command: string[]) {
  const plan = makePlan({ supervise: { tty: "never", ...supervision }, command: [filter] });
  const words = [writePlan(plan), executor(), "--plan-fd", "4", "--", ...command];
  return spawnSync(supervisor(), words, { encoding: "utf8", timeout: 20_000 });
}

for (const flags of [["init", "die_with_parent"], ["die_with_parent"]]) {
  test(`a supervisor answers for a filter that notifies (${flags.join(", ")})`, () => {
    const filter = answering({ type: "notify" }, "getppid", "mknodat", "mknod");
    const operation = load(filter, { flags: ["notify"], notify_fd: 5 });
    const { status, stdout, stderr } = supervise(
      operation,
      { flags },
      "sh",
      "-c",
      "mknod /nowhere/x c 1 3 && echo made",
    );
    assert.is(stderr, "");
    assert.is(stdout, "made\n");
    assert.is(status, 0);
  });
}

test("a listener that nobody takes stops the start", () => {
  const filter = answering({ type: "notify" }, "mknodat", "mknod");
  const closed = supervise(load(filter, { flags: ["notify"], notify_fd: 77 }), {}, "true");
  assert.is(closed.status, 125);
  assert.match(closed.stderr, failed("fcntl: errno 9 (EBADF)"));
});
