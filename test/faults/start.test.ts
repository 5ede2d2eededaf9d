// time-limit: 600s
// Each system call of a start fails once. In: the executor on small plans, strace, the tables of errno.ts. Out: every
// time exit 125, one message and nothing left; or, where the table allows it, the very jail that was asked for.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLandlock } from "../../src/facts/landlock.ts";
import { portAbi, readRights } from "../../src/plan/landlock.ts";
import type { Operation, Plan } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { bind, makePlan, probe, runExecutor, type StartWish, scratch } from "../support/executor.ts";
import { compileBurner, isPlain, recordCalls, type SystemCall, startInjected } from "../support/inject.ts";
import { findLeft, type Outcome, pause } from "../support/process.ts";
import { skip, suite } from "../support/suite.ts";
import { openTerminal } from "../support/terminal.ts";
import { isHarmless, isLate, isUnfailing, pickErrno } from "./errno.ts";
import { normalize } from "./view.ts";

const test = suite("faults").needs("userns", "command:cc", "command:strace", "command:setsid");

const origin = "a test";
const command = ["/probe", "view"];
/** What `probe view` ends with, so that no other status is taken for it. */
const ownStatus = 7;
const show: Operation = bind(compileBurner(), "/burn", ["ro"]);

interface Setting {
  wish: StartWish;
  /** On a terminal of its own each; otherwise with pipes. */
  terminal?: boolean;
  choose?: (call: SystemCall) => boolean;
  /** Looked at after each start; what is not as it was, if anything. */
  inspect?: () => string | undefined;
}

/** Fails the calls of a start in turn; the answer is what is wrong with how it went, a line each. */
async function failEach(setting: Setting): Promise<string[]> {
  if (!isPlain()) skip("the sanitized executor makes calls of its own");
  const twin = await onTerminal(setting, (wish) => runExecutor(command, wish));
  assert.equal([twin.status, twin.stderr], [ownStatus, ""]);
  let recorded: SystemCall[] = [];
  await onTerminal(setting, async (wish) => {
    recorded = await recordCalls(command, wish);
    return twin;
  });
  const calls = recorded.filter((call) => !isUnfailing(call) && (setting.choose?.(call) ?? true));
  assert.ok(calls.length > 0, "there are calls to fail");
  for (const { name } of calls) pickErrno(name); // before anything is started: it throws
  const problems: string[] = [];
  const expected = normalize(twin.stdout);
  const worker = async () => {
    for (let call = calls.shift(); call !== undefined; call = calls.shift()) {
      const problem = (await judge(call, expected, setting)) ?? setting.inspect?.();
      if (problem !== undefined)
        problems.push(`${call.role}, ${call.name} ${call.at}: ${problem} (${call.text})`);
    }
  };
  await Promise.all(Array.from({ length: setting.inspect ? 1 : 3 }, worker));
  return problems;
}

/** Where there is a terminal it stands for the outcome's stdout, and has to be left as it was. */
async function onTerminal(setting: Setting, run: (wish: StartWish) => Promise<Outcome>): Promise<Outcome> {
  if (!setting.terminal) return run(setting.wish);
  const terminal = openTerminal();
  const modes = terminal.modes();
  try {
    const stdio = [terminal.slave, terminal.slave, "pipe" as const];
    const outcome = await run({ ...setting.wish, stdio, through: ["setsid", "--ctty"], detached: false });
    await pause(10);
    const stderr =
      terminal.modes() === modes ? outcome.stderr : `${outcome.stderr}THE TERMINAL HAS OTHER MODES`;
    return { ...outcome, stdout: terminal.text(), stderr };
  } finally {
    terminal.close();
  }
}

async function judge(call: SystemCall, expected: string, setting: Setting): Promise<string | undefined> {
  let group: number | undefined;
  try {
    const outcome = await onTerminal(setting, (wish) => {
      const running = startInjected(call, pickErrno(call.name), command, { detached: true, ...wish });
      group = running.child.pid;
      return running.ended;
    });
    const left = findLeft("/no marker/", group);
    return left.length > 0 ? `left behind ${JSON.stringify(left)}` : compare(call, expected, outcome);
  } catch (error) {
    for (const { pid } of findLeft("/probe view", group)) process.kill(pid, "SIGKILL");
    return `it hung: ${(error as Error).message.slice(0, 60)}`;
  }
}

function compare(
  call: SystemCall,
  expected: string,
  { status, stdout, stderr }: Outcome,
): string | undefined {
  const view = normalize(stdout);
  const known = new Set(expected.split("\n"));
  const news = view.split("\n").filter((line) => !known.has(line));
  if (status === 125 || (status === 126 && call.name === "execve")) {
    // The last line may be half a one.
    if (stdout !== "" && (!isLate(call) || news.length > 1))
      return `${status}, and the command ran: ${stderr}`;
    return /^tsjail: [^\n]+\n$/.test(stderr)
      ? undefined
      : `${status} with the message ${JSON.stringify(stderr)}`;
  }
  if (view !== expected) return `${status}, in another jail: ${news.join(" | ").slice(0, 300)} ${stderr}`;
  if (status !== ownStatus || stderr !== "") return `${status}, with ${JSON.stringify(stderr)}`;
  return isHarmless(call) ? undefined : "the failure was passed over";
}

/** Every operation that makePlan leaves out and an ordinary user may have. */
const everything: StartWish = {
  jail: [
    { op: "directory", origin, target: "/made/directory", mode: 0o700 },
    { op: "symlink", origin, target: "/made/link", text: "directory" },
    {
      op: "file",
      origin,
      target: "/etc/hostname",
      content: Buffer.from("jail\n"),
      mode: 0o444,
      flags: [],
      set: ["ro"],
    },
    { op: "hide", origin, target: "/usr/include", flags: [] },
    { op: "hide", origin, target: "/etc/shadow", flags: [] },
    { op: "sysctl", origin, name: "user/max_user_namespaces", value: "0" },
    { op: "readonly", origin, target: "/proc/sys", flags: [] },
    { op: "hostname", origin, name: "jail" },
    { op: "domainname", origin, name: "example" },
    show,
  ],
  command: [
    { op: "umask", origin, mask: 0o27 },
    { op: "nice", origin, value: 3 },
    { op: "rlimit", origin, resource: "nofile", soft: 100, hard: 200 },
    ...restrict(),
  ],
};

/** Everything that is read and executed still is; the file is a second try, without the rights of directories. */
function restrict(): Operation[] {
  const abi = readLandlock();
  if (abi < portAbi) return [];
  const rights = ["execute", ...readRights] as const;
  return [
    { op: "landlock", origin, fs: rights, net: ["bind_tcp"], scoped: [], readable: rights, writable: rights },
    { op: "landlock_path", origin, path: "/", rights },
    { op: "landlock_path", origin, path: "/etc/hostname", rights },
    { op: "landlock_port", origin, port: 80, rights: ["bind_tcp"] },
  ];
}

/** Forty capabilities are dropped and checked, twice each: some of them stand for all. */
const isOneOfMany = ({ name, text, at }: SystemCall): boolean => {
  return (
    name === "prctl" &&
    /CAPBSET|IS_SET/.test(text) &&
    at % 16 !== 0 &&
    !/CAP_CHOWN|SYS_ADMIN|EINVAL/.test(text)
  );
};

test("each call fails once: one error, or the jail that was asked for", { timeLimit: 200 }, async () => {
  const before = readFileSync("/proc/self/mountinfo", "utf8");
  probe(); // it is compiled into the directory that is looked at
  const files = readdirSync(scratch()).sort();
  assert.equal(await failEach({ wish: everything, choose: (call) => !isOneOfMany(call) }), []);
  assert.is(readFileSync("/proc/self/mountinfo", "utf8"), before);
  assert.equal(readdirSync(scratch()).sort(), files);
});

test("the same without an init, and with pass_fd, a status descriptor and LISTEN_PID", {
  timeLimit: 200,
}, async () => {
  const wish: StartWish = {
    jail: [show],
    host: [{ op: "pass_fd", origin, fd: 3 }],
    supervise: { flags: ["listen_fds"], status_fd: 4 },
    stdio: ["ignore", "pipe", "pipe", "ignore", "ignore"].map((one, fd) => (fd > 2 ? "pipe" : one)) as never,
  };
  const early =
    /^(fsopen|fsconfig|fsmount|open_tree|move_mount|mkdirat|mknodat|symlinkat|openat2|mount_setattr)$/;
  assert.equal(await failEach({ wish, choose: (call) => !isOneOfMany(call) && !early.test(call.name) }), []);
});

test("the same without a pid namespace", { timeLimit: 200 }, async () => {
  const namespaces = ["mount", "uts", "ipc", "net", "cgroup"] as const;
  const late = /^(prctl|openat|clone|setsid|sendmsg|signalfd4|execve|close_range|chdir)$/;
  const wish: StartWish = { jail: [show], namespaces };
  assert.equal(await failEach({ wish, choose: (call) => !isOneOfMany(call) && late.test(call.name) }), []);
});

test("the same on a terminal, which is as it was afterwards", { timeLimit: 200 }, async () => {
  const names = /^(ioctl|fstatfs|dup3|setpgid|setsid|sendmsg|recvmsg|openat|clone|execve|pivot_root)$/;
  assert.equal(
    await failEach({ wish: { jail: [show] }, terminal: true, choose: ({ name }) => names.test(name) }),
    [],
  );
});

/** A directory that is the jail's root, in which two mount points are missing. */
function makeRoot(): { root: string; plan: Plan } {
  const root = join(scratch(), "root");
  mkdirSync(root);
  for (const name of ["usr", "etc", "proc", "tmp", "dev", "old"]) mkdirSync(join(root, name));
  for (const name of ["probe", "burn"]) writeFileSync(join(root, name), "");
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    if (existsSync(`/${name}`)) symlinkSync(`usr/${name}`, join(root, name));
  }
  const points = [
    { op: "mount_point", origin, root, target: "/new", kind: "directory" },
    { op: "mount_point", origin, root, target: "/old/file", kind: "file" },
    { op: "mount_point", origin, root, target: "/usr", kind: "directory" },
  ] as const;
  const jail = [show, bind("/etc", "/new", ["ro"]), bind("/etc/passwd", "/old/file", ["ro"])];
  const plan = makePlan({ host: points, jail })
    .filter(({ op }) => op !== "symlink" && op !== "pty")
    .filter((operation) => !("target" in operation && operation.op === "symlink"))
    .map((operation): Operation => {
      return operation.op === "root_tmpfs"
        ? { op: "root_bind", origin, source: root, set: ["nodev"] }
        : operation;
    });
  return { root, plan };
}

test("mount points that were made on the host are taken away, whatever fails", {
  timeLimit: 200,
}, async () => {
  const { root, plan } = makeRoot();
  const list = () => readdirSync(root, { recursive: true, encoding: "utf8" }).sort().join(" ");
  const before = list();
  const names =
    /^(openat|openat2|mkdirat|mknodat|clone3|write|socketpair|pivot_root|open_tree|clone|execve|sendmsg)$/;
  const problems = await failEach({
    wish: { plan },
    choose: ({ name }) => names.test(name),
    inspect: () => (list() === before ? undefined : `the host has ${list()}`),
  });
  assert.equal(problems, []);
});

test("a failure that is no single call: the disk of the stage is full, a process limit is reached", async () => {
  const content = Buffer.alloc(1000);
  const jail: Operation[] = [
    { op: "mount", origin, fstype: "tmpfs", target: "/small", options: ["nr_inodes=1"], flags: [], set: [] },
    { op: "file", origin, target: "/small/file", content, mode: 0o444, flags: [], set: [] },
  ];
  const full = await runExecutor(["true"], { jail });
  assert.equal([full.status, full.stdout], [125, ""]);
  assert.match(full.stderr, /^tsjail: .*errno 28 \(ENOSPC\)\n$/);
});
