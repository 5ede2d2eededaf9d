// Plans that fail, each at one operation. In: nothing. Out: what is to be changed in a plan, and the failure that the
// explainer then has to be told. Run by fail.test.ts.
import type { Operation, OperationName, Reason, Step } from "../../src/plan/operations.ts";
import { bind, mount, type PlanWish } from "../support/executor.ts";

export const origin = "files.write[2] in dev.toml:14";
/** Numbers of errno(3) as Linux has them. */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  EBADF: 9,
  EACCES: 13,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EINVAL: 22,
  ELOOP: 40,
};
const { ENOENT, EBADF, EACCES, EEXIST, ENODEV, ENOTDIR, EINVAL, ELOOP } = errno;

export interface Failure {
  op: OperationName | undefined;
  step: Step;
  reason: Reason;
  /** Linux's positive number. */
  errno: number;
}
export interface Failing extends Partial<Failure>, PlanWish {
  /** Changes the plan in ways that PlanWish does not know. */
  change?: (plan: Operation[]) => unknown;
  command?: readonly Operation[];
  words?: readonly string[];
}

const insert = (before: OperationName, ...added: readonly Operation[]) => {
  return (plan: Operation[]) =>
    plan.splice(
      plan.findIndex(({ op }) => op === before),
      0,
      ...added,
    );
};

const drop = (name: OperationName) => (plan: Operation[]) =>
  plan.splice(
    plan.findIndex(({ op }) => op === name),
    1,
  );

export const alter =
  <K extends OperationName>(name: K, change: Partial<Extract<Operation, { op: K }>>) =>
  (plan: Operation[]) => {
    const index = plan.findIndex(({ op }) => op === name);
    plan[index] = { ...plan[index], ...change } as Operation;
  };

export const failures: Record<string, Failing> = {
  "a descriptor to pass on that is not open": {
    host: [{ op: "pass_fd", origin, fd: 99 }],
    op: "pass_fd",
    step: "fcntl",
    errno: EBADF,
  },
  "an id map that the kernel does not take": {
    change: alter("uid_map", { map: "nonsense\n" }),
    op: "uid_map",
    step: "write",
    errno: EINVAL,
  },
  "a source that does not exist": {
    jail: [bind("/nowhere/at/all", "/x")],
    op: "bind",
    step: "open_tree",
    errno: ENOENT,
  },
  "a source that is a file where a directory is wanted": {
    jail: [{ ...bind("/etc/passwd", "/x"), flags: ["directory"] } as Operation],
    op: "bind",
    step: "open_tree",
    reason: "wrong_kind",
    errno: 0,
  },
  "a mount point that is missing in the host's own tree": {
    jail: [bind("/usr", "/usr/no/such/place")],
    op: "bind",
    step: "mkdirat",
    reason: "mount_point_missing",
    errno: 0,
  },
  "a directory over a file": {
    jail: [bind("/usr", "/etc/passwd")],
    op: "bind",
    step: "move_mount",
    reason: "wrong_kind",
    errno: 0,
  },
  "a target below a file": {
    jail: [bind("/usr", "/etc/passwd/x")],
    op: "bind",
    step: "openat2",
    errno: ENOTDIR,
  },
  "a device that is another one": {
    jail: [{ op: "device", origin, source: "/dev/null", target: "/dev/x", major: 1, minor: 5 }],
    op: "device",
    step: "fstat",
    reason: "wrong_device",
    errno: 0,
  },
  "a file system that does not exist": {
    jail: [mount("nosuchfs", "/x")],
    op: "mount",
    step: "fsopen",
    errno: ENODEV,
  },
  "a file system with an option it does not know": {
    jail: [mount("tmpfs", "/x", ["nonsense=1"])],
    op: "mount",
    step: "fsconfig",
    errno: EINVAL,
  },
  "a symbolic link where something is already": {
    jail: [{ op: "symlink", origin, target: "/tmp", text: "x" }],
    op: "symlink",
    step: "symlinkat",
    errno: EEXIST,
  },
  "a sysctl that does not exist": {
    jail: [{ op: "sysctl", origin, name: "kernel/nonsense", value: "1" }],
    op: "sysctl",
    step: "openat2",
    errno: ENOENT,
  },
  "a sysctl that would lead out of /proc/sys": {
    jail: [{ op: "sysctl", origin, name: "../../../etc/passwd", value: "1" }],
    op: "sysctl",
    step: "openat2",
    errno: ENOENT,
  },
  "a host name longer than the kernel's": {
    jail: [{ op: "hostname", origin, name: "x".repeat(65) }],
    op: "hostname",
    step: "sethostname",
    errno: EINVAL,
  },
  "a hidden path before there is a stage": {
    change: (plan) => {
      drop("stage")(plan);
      insert("pivot", { op: "hide", origin, target: "/etc", flags: [] })(plan);
    },
    op: "hide",
    step: "open_tree",
    reason: "out_of_order",
    errno: 0,
  },
  "a pivot without a root": {
    change: (plan) => {
      const kept = plan.filter(({ op }) => !jailOnly.has(op));
      plan.splice(0, plan.length, ...kept);
    },
    op: "pivot",
    step: "pivot_root",
    reason: "out_of_order",
    errno: 0,
  },
  "a limit above its own hard one": {
    command: [{ op: "rlimit", origin, resource: "core", soft: 2, hard: 1 }],
    op: "rlimit",
    step: "prlimit",
    errno: EINVAL,
  },
  "a working directory that does not exist": {
    workdir: "/nowhere",
    op: "workdir",
    step: "chdir",
    errno: ENOENT,
  },
  "a working directory that is a link to itself": {
    jail: [{ op: "symlink", origin, target: "/tmp/loop", text: "loop" }],
    workdir: "/tmp/loop",
    op: "workdir",
    step: "chdir",
    errno: ELOOP,
  },
  "a command that does not exist": {
    words: ["no-such-command"],
    op: "command",
    step: "execve",
    errno: ENOENT,
  },
  "a command that is a directory": { words: ["/usr"], op: "command", step: "execve", errno: EACCES },
  "a command below a file": { words: ["/etc/passwd/x"], op: "command", step: "execve", errno: ENOTDIR },
};
const jailOnly = new Set<OperationName>([
  "propagation",
  "stage",
  "root_tmpfs",
  "bind",
  "mount",
  "device",
  "symlink",
  "pty",
  "attributes",
] as const);
