// A machine, a jail and failures of it that nobody had: what docs/errors.md shows and the tests of src/explain check.
// In: a row of samples.ts. Out: the arguments of explain(); next is document-errors.ts.
import { constants } from "node:os";
import { numberErrno } from "../explain/errno.ts";
import { type Facts, known, unknown } from "../explain/facts.ts";
import type { FileFact } from "../explain/files.ts";
import { phaseNumber } from "../plan/check.ts";
import type { Operation, OperationName, Plan, Step } from "../plan/operations.ts";
import { reasons } from "../plan/operations.ts";
import type { Report } from "../plan/report.ts";

export interface Sample {
  /** The explanation that it leads to. */
  readonly name: string;
  /** The operation that fails; a name stands for the one of `operationSamples`. */
  readonly operation: OperationName | Operation | undefined;
  readonly step: Step;
  /** An errno's name, or a reason's; of a dead init also a signal's. */
  readonly cause: string;
  readonly facts?: Partial<Facts> | undefined;
  /** Further operations, in place of those of the same name. */
  readonly others?: readonly Operation[] | undefined;
}

const program = (mode: number, interpreter?: string, by: "script" | "elf" = "elf"): FileFact => ({
  kind: "file",
  mode,
  format: interpreter === undefined ? "unknown" : by,
  interpreter: interpreter === undefined ? undefined : { path: interpreter, by },
  machine: interpreter !== undefined && by === "elf" ? "x64" : undefined,
});

/** What the machine has; whatever isn't here is missing. */
export const hostFiles: Readonly<Record<string, FileFact>> = {
  "/": { kind: "directory" },
  ...directories("/usr", "/usr/bin", "/usr/lib", "/opt", "/opt/tool", "/opt/tool/bin", "/opt/nix", "/home"),
  ...directories("/home/ada", "/home/ada/.ssh", "/home/ada/bin", "/home/ada/work", "/mnt", "/mnt/data"),
  "/bin": { kind: "symlink", target: "usr/bin" },
  "/usr/bin/bash": program(0o755, "/usr/lib/ld.so"),
  "/usr/bin/plain": program(0o644),
  "/usr/bin/other": { kind: "file", mode: 0o755, format: "elf", interpreter: undefined, machine: "riscv64" },
  "/usr/bin/script": program(0o755, "/opt/nix/python3", "script"),
  "/usr/bin/foreign": program(0o755, "/lib/ld-musl-x86_64.so.1"),
  "/usr/bin/windows": program(0o755, "/bin/bash\r", "script"),
  "/usr/bin/text": program(0o755),
  "/usr/lib/ld.so": program(0o755),
  "/opt/nix/python3": program(0o755, "/usr/lib/ld.so"),
  "/opt/tool/bin/tool": program(0o755, "/usr/lib/ld.so"),
  "/home/ada/bin/mine": program(0o755, "/usr/lib/ld.so"),
  "/mnt/data/run": program(0o755, "/usr/lib/ld.so"),
};

function directories(...paths: readonly string[]): Record<string, FileFact> {
  return Object.fromEntries(paths.map((path) => [path, { kind: "directory" } as const]));
}

const mount = (target: string, fstype: string, options = ["rw"]) => ({ target, root: "/", fstype, options });

export const hostMounts = [
  mount("/", "ext4"),
  mount("/proc", "proc"),
  mount("/sys", "sysfs"),
  mount("/mnt", "ext4"),
];
export const user = {
  ...{ uid: 1000, euid: 1000, gid: 1000, egid: 1000, noNewPrivs: false },
  ...{ seccomp: "none" as const, seccompFilters: 0, effective: 0n, bounding: 0x1ffffffffffn },
};

const most = known(63_000);
export const allowing: Facts["maxNamespaces"] = {
  ...{ user: most, mount: most, pid: most, net: most, ipc: most, uts: most, cgroup: most, time: most },
};

/** A machine that permits everything. */
export const hostFacts: Facts = {
  kernel: known("6.8.0-31-generic"),
  distribution: known({ id: "debian", version: "13", name: "Debian GNU/Linux 13" }),
  process: known(user),
  uidMap: known([{ inside: 0, outside: 0, count: 4_294_967_295 }]),
  setgroups: known("allow"),
  maxNamespaces: allowing,
  unprivilegedUsernsClone: unknown("there is no such file", true),
  apparmorRestrictUserns: unknown("there is no such file", true),
  apparmorLabel: unknown("AppArmor is not in use", true),
  selinuxEnforcing: unknown("there is no such file", true),
  mountMax: known(100_000),
  mounts: known(hostMounts),
  chroot: known(false),
  container: undefined,
  path: "/home/ada/bin:/opt/tool/bin:/usr/bin",
  cwd: "/home/ada/work",
  machine: "x64",
  executor: "/usr/lib/node_modules/@tsjail/linux-x64/tsjail",
  probeFile: (path) => hostFiles[path] ?? { kind: "missing" },
  readHolder: () => known(4711),
};

const bind = (source: string, target: string, origin: string): Operation => ({
  ...{ op: "bind", origin, source, target, flags: ["recursive"], set: ["ro", "nosuid"], propagation: "none" },
});

/** One of each that can fail, as a profile might ask for it. */
export const operationSamples: readonly Operation[] = [
  {
    op: "supervise",
    origin: "default",
    flags: ["init"],
    tty: "auto",
    timeout: 0,
    kill_after: 5000,
    status_fd: -1,
  },
  { op: "pass_fd", origin: "command line", fd: 3 },
  { op: "clone", origin: "default", namespaces: ["mount", "cgroup", "uts", "ipc", "pid", "net"] },
  { op: "setgroups", origin: "default", policy: "deny" },
  { op: "uid_map", origin: "user.uid in dev.toml:3", map: "1000 1000 1\n" },
  { op: "gid_map", origin: "user.gid in dev.toml:4", map: "1000 1000 1\n" },
  { op: "oom_score_adj", origin: "process.oom_score_adj in dev.toml:40", value: -500 },
  { op: "time_offsets", origin: "namespaces.time_offsets in dev.toml:8", offsets: "boottime -604800 0\n" },
  { op: "propagation", origin: "default", mode: "private" },
  { op: "stage", origin: "default" },
  { op: "root_tmpfs", origin: "root.type in dev.toml:10", options: ["mode=0755"] },
  bind("/usr", "/usr", "root.type in dev.toml:10"),
  { op: "symlink", origin: "root.type in dev.toml:10", target: "/bin", text: "usr/bin" },
  bind("/home/ada", "/home/ada", "files.read[0] in dev.toml:14"),
  { op: "hide", origin: "files.hide[0] in dev.toml:15", target: "/home/ada/bin", flags: [] },
  { ...bind("/mnt/data", "/mnt/data", "mount[0] in dev.toml:20"), set: ["nosuid", "noexec"] } as Operation,
  { op: "device", origin: "default", source: "/dev/full", target: "/dev/full", major: 1, minor: 7 },
  { op: "pty", origin: "process.tty in dev.toml:41", ptmx: "/dev/pts/ptmx", console: "/dev/console" },
  { op: "sysctl", origin: "default", name: "net.ipv4.ping_group_range", value: "0 0" },
  { op: "hostname", origin: "hostname in dev.toml:2", name: "tsjail" },
  { op: "loopback", origin: "network.mode in dev.toml:25" },
  { op: "pivot", origin: "default" },
  { op: "capabilities", origin: "default", keep: 0 },
  { op: "ids", origin: "user.uid in dev.toml:3", uid: 1000, gid: 1000, groups: "keep" },
  { op: "workdir", origin: "workdir in dev.toml:5", path: "/home/ada/work" },
  { op: "nice", origin: "process.nice in dev.toml:42", value: -5 },
  {
    op: "rlimit",
    origin: "rlimits.nofile in dev.toml:50",
    resource: "nofile",
    soft: 1_048_576,
    hard: 1_048_576,
  },
  {
    op: "environment",
    origin: "env in dev.toml:30",
    list: ["TERM=linux"],
    pass: ["LANG"],
    unset: [],
    defaults: ["PATH=/usr/local/bin:/usr/bin"],
  },
  {
    op: "landlock",
    origin: "security.landlock in dev.toml:61",
    ...{ fs: ["execute"], net: [], scoped: [], readable: [], writable: [] },
  },
  { op: "emulate", origin: "user.emulate in dev.toml:12", filter: new Uint8Array(8), uid: 0, gid: 0 },
  {
    op: "seccomp",
    origin: "security.seccomp in dev.toml:60",
    filter: new Uint8Array(8),
    flags: [],
    notify_fd: -1,
  },
  { op: "command", origin: "command line", argv: ["bash"] },
];

/** The plan, report and facts of a sample. */
export function makeFailure(sample: Sample): { plan: Plan; report: Report; facts: Facts } {
  const { operation, others = [] } = sample;
  const failing = typeof operation === "object" ? [operation] : [];
  const added = [...others, ...failing];
  const replaced = new Set(
    added.filter(({ op }) => !["bind", "mount", "hide"].includes(op)).map(({ op }) => op),
  );
  const kept = operationSamples.filter(({ op }) => !replaced.has(op));
  const plan = [...kept, ...added].sort((a, b) => phaseNumber(a.op) - phaseNumber(b.op));
  const index = plan.findIndex(
    (each) => each === operation || (typeof operation === "string" && each.op === operation),
  );
  if (operation !== undefined && index < 0) throw new Error(`no operation for the sample ${sample.name}`);
  const signal = constants.signals[sample.cause as NodeJS.Signals] as number | undefined;
  const reason = signal === undefined ? reasons.find((each) => each === sample.cause) : "init_died";
  const report: Report = {
    op: index,
    step: sample.step,
    reason: reason ?? "errno",
    errno: signal ?? (reason === undefined ? numberErrno(sample.cause) : 0),
    planFd: 3,
    command: undefined,
    executor: undefined,
  };
  return { plan, report, facts: { ...hostFacts, ...sample.facts } };
}
