// One failure for every explanation that src/explain has. In: the rules. Out: rows; next is document-errors.ts, which
// shows what is said about each; a test sees to it that there is one for every rule, and that it leads there.
import { type Facts, known } from "../explain/facts.ts";
import type { Operation, OperationName, Step } from "../plan/operations.ts";
import { allowing, hostMounts, type Sample, user } from "./sample.ts";

type Row = readonly [
  name: string,
  operation: OperationName | Operation | undefined,
  step: Step,
  cause: string,
  facts?: Partial<Facts>,
  others?: readonly Operation[],
];

const filtered: Partial<Facts> = { process: known({ ...user, seccomp: "filter", seccompFilters: 1 }) };
const root: Partial<Facts> = { process: known({ ...user, effective: 0x1ffffffffffn }) };
const ubuntu: Partial<Facts> = { apparmorRestrictUserns: known(true), apparmorLabel: known("unconfined") };
const docker: Partial<Facts> = { ...filtered, container: "docker" };
const masked = ["/proc/kcore", "/proc/sys", "/proc/acpi"].map((target) => ({
  ...{ target, root: "/", fstype: "tmpfs", options: ["ro"] },
}));

const bind = (source: string, target = source, more: object = {}): Operation =>
  ({
    ...{
      op: "bind",
      origin: "mount[1] in dev.toml:22",
      source,
      target,
      flags: [],
      set: ["ro"],
      propagation: "none",
    },
    ...more,
  }) as Operation;
const mount = (fstype: string, target: string): Operation => ({
  ...{ op: "mount", origin: "mount[2] in dev.toml:24", fstype, target, options: [], flags: [], set: [] },
});
const clone = (...namespaces: string[]): Operation =>
  ({ op: "clone", origin: "namespaces in dev.toml:7", namespaces }) as unknown as Operation;
const command = (...argv: string[]): Operation => ({ op: "command", origin: "command line", argv });
const range: Operation = { op: "uid_map", origin: "user.map[0] in dev.toml:3", map: "0 100000 65536\n" };
const data = bind("/srv/data", "/data");
const nesting: Operation = {
  ...{ op: "sysctl", origin: "default", name: "user.max_user_namespaces", value: "0" },
};
const layer: Operation = {
  ...{ op: "layer", origin: "root.name in dev.toml:12", busy: "error" },
  lock: "/home/ada/.local/share/tsjail/layers/work/lock",
};
const onDisk: Operation = {
  ...{ op: "scratch_directory", origin: "root.scratch in dev.toml:13" },
  parent: "/home/ada/.local/share/tsjail/scratch",
};
const thrownAway = { op: "scratch", origin: "root.scratch in dev.toml:13", options: [] } as Operation;
const image: Operation = {
  ...{ op: "hold", origin: "root.image in dev.toml:2" },
  lock: `/home/ada/.local/share/tsjail/store/uses/${"0123456789abcdef".repeat(4)}`,
};
const volume: Operation = {
  ...{ op: "hold", origin: "volume[0] in dev.toml:12" },
  lock: "/home/ada/.local/share/tsjail/volumes/cache/lock",
};
const overlay = (...lower: string[]): Operation => ({
  ...{ op: "overlay", origin: "mount[3] in dev.toml:28", lower, target: "/srv/www", set: [] },
  upper: "/home/ada/changes",
  work: "/home/ada/changes.work",
  by: "kernel",
});
const served = { ...overlay("/srv/data"), by: "fuse" } as Operation;
const layerServer: Operation = {
  ...{ op: "layer_server", origin: "mount[3] in dev.toml:28", program: "/usr/bin/fuse-overlayfs" },
  ...{ options: ["squash_to_uid=0", "squash_to_gid=0"], scratch: ["mode=0700"], cover: ["/proc"] },
};
const setgroups: Operation = { op: "setgroups", origin: "user.map[0] in dev.toml:3", policy: "allow" };

const host: readonly Row[] = [
  ["setuid", undefined, "none", "setuid"],
  ["malformed", undefined, "plan", "malformed"],
  ["no_command", "command", "execve", "no_command"],
  ["arguments", undefined, "arguments", "EINVAL"],
  ["init_filtered", undefined, "wait", "SIGSYS", filtered],
  ["init_killed", undefined, "wait", "SIGKILL"],
  ["init_crashed", undefined, "wait", "SIGSEGV"],
  ["init_died", undefined, "wait", "init_died"],
  ["out_of_order", data, "openat2", "out_of_order"],
  ["not_procfs", "uid_map", "fstatfs", "not_procfs"],
  ["kernel_too_old", data, "mount_setattr", "ENOSYS", { kernel: known("5.10.0-28-amd64") }],
  ["call_filtered", data, "open_tree", "ENOSYS", docker],
  ["call_missing", data, "open_tree", "ENOSYS"],
  ["openat2_filtered", data, "openat2", "EPERM", { ...filtered, container: "systemd-nspawn" }],
  [
    "mount_call_filtered",
    "propagation",
    "mount_setattr",
    "EPERM",
    { ...filtered, container: "systemd-nspawn" },
  ],
  ["userns_disabled", "clone", "clone3", "ENOSPC", { maxNamespaces: { ...allowing, user: known(0) } }],
  ["userns_clone_disabled", "clone", "clone3", "EPERM", { unprivilegedUsernsClone: known(false) }],
  ["userns_chroot", "clone", "clone3", "EPERM", { chroot: known(true) }],
  ["userns_seccomp", "clone", "clone3", "EPERM", filtered],
  ["userns_unmapped", "clone", "clone3", "EPERM", { process: known({ ...user, euid: 65534 }) }],
  ["userns_refused", "clone", "clone3", "EPERM"],
  [
    "namespaces_disabled",
    "clone",
    "clone3",
    "ENOSPC",
    { maxNamespaces: { ...allowing, net: known(0), time: known(0) } },
  ],
  ["nesting_readonly", nesting, "openat2", "EXDEV", docker],
  ["nesting_not_procfs", nesting, "fstatfs", "not_procfs"],
  ["namespaces_exhausted", "clone", "clone3", "ENOSPC"],
  ["processes_exhausted", "clone", "clone3", "EAGAIN"],
  ["namespace_unsupported", "clone", "clone3", "EINVAL"],
  ["out_of_memory", "clone", "clone3", "ENOMEM"],
  ["clock_range", "time_offsets", "write", "ERANGE"],
  ["clock_late", "time_offsets", "write", "EACCES"],
  ["clock_missing", "time_offsets", "open", "ENOENT"],
  ["map_range", range, "write", "EPERM"],
  [
    "map_outside",
    range,
    "write",
    "EPERM",
    { ...root, uidMap: known([{ inside: 0, outside: 1000, count: 1 }]) },
  ],
  ["map_groups", "gid_map", "write", "EPERM", {}, [setgroups]],
  ["map_root", "uid_map", "write", "EPERM", { process: known({ ...user, euid: 0 }) }],
  ["map_setgroups", setgroups, "write", "EPERM", { setgroups: known("deny") }],
  ["map_refused", "uid_map", "open", "EACCES"],
  ["map_readonly", "uid_map", "open", "EROFS"],
  ["map_malformed", { ...range, map: "0 1 5\n3 9 5\n" } as Operation, "write", "EINVAL", root],
  ["map_vanished", "uid_map", "open", "ENOENT"],
  ["apparmor_restriction", "uid_map", "write", "EPERM", ubuntu],
  ["apparmor_restriction_clone", "clone", "clone3", "EACCES", ubuntu],
  ["apparmor_restriction_later", "loopback", "ioctl", "EPERM", ubuntu],
  [
    "apparmor_profile",
    "propagation",
    "mount_setattr",
    "EACCES",
    { apparmorLabel: known("docker-default (enforce)") },
  ],
  ["selinux", "root_tmpfs", "fsmount", "EACCES", { selinuxEnforcing: known(true) }],
];

const tree: readonly Row[] = [
  ["namespace_not_owned", mount("sysfs", "/sys"), "fsopen", "EPERM", {}, [clone("mount", "pid", "ipc")]],
  [
    "proc_too_revealing",
    mount("proc", "/proc"),
    "fsmount",
    "EPERM",
    { ...docker, mounts: known([...hostMounts, ...masked]) },
    [nesting],
  ],
  ["sysfs_too_revealing", mount("sysfs", "/sys"), "fsmount", "EPERM"],
  ["layer_busy", layer, "flock", "EAGAIN"],
  ["layer_gone", layer, "open", "ENOENT"],
  ["layer_closed", layer, "open", "EACCES"],
  ["image_gone", image, "open", "ENOENT"],
  ["volume_gone", volume, "open", "ENOENT"],
  ["volume_busy", volume, "flock", "EAGAIN"],
  ["volume_closed", volume, "open", "EACCES"],
  ["scratch_full", onDisk, "mkdirat", "ENOSPC"],
  ["layer_unwritable", overlay("/srv/data"), "mount", "EROFS"],
  [
    "scratch_unwritable",
    { ...overlay("/srv/data"), upper: "", work: "" } as Operation,
    "mount",
    "EROFS",
    {},
    [onDisk],
  ],
  ["scratch_foreign", onDisk, "fstat", "EPERM"],
  ["scratch_readonly", onDisk, "mkdirat", "EROFS"],
  ["scratch_denied", onDisk, "mkdirat", "EACCES"],
  ["scratch_place", onDisk, "mkdirat", "ENOTDIR"],
  ["scratch_lock", onDisk, "flock", "EBADF"],
  ["scratch_moved", thrownAway, "openat2", "ENOENT", {}, [onDisk]],
  [
    "scratch_unfit",
    { ...overlay("/srv/data"), upper: "", work: "" } as Operation,
    "mount",
    "EINVAL",
    {},
    [onDisk],
  ],
  [
    "overlay_submounts",
    overlay("/srv/data"),
    "mount",
    "EINVAL",
    { mounts: known([{ target: "/srv/data/disk", root: "/", fstype: "ext4", options: ["rw"] }]) },
  ],
  ["server_ended", served, "wait", "server_ended", {}, [layerServer]],
  ["server_not_executable", layerServer, "execve", "ENOENT"],
  ["fuse_missing", served, "open", "ENOENT"],
  ["fuse_closed", served, "open", "EACCES"],
  ["fuse_refused", served, "fsconfig", "EPERM"],
  ["server_other_maker", served, "mkdirat", "other_maker"],
  [
    "overlay_other_maker",
    overlay("/srv/data"),
    "mount",
    "EINVAL",
    { probeFile: () => ({ kind: "directory" }) },
  ],
  ["overlay_missing", overlay("/srv/data"), "openat2", "ENOENT"],
  ["overlay_denied", overlay("/srv/data"), "openat2", "EACCES"],
  ["overlay_refused", overlay("/srv/data"), "mount", "EPERM"],
  ["overlay_unknown", overlay("/srv/data"), "mount", "ENODEV"],
  ["overlay_invalid", overlay("/srv/data"), "mount", "EINVAL"],
  ["overlay_loop", overlay("/srv", "/srv/data"), "mount", "ELOOP"],
  ["overlay_many", overlay("/srv/data"), "mount", "E2BIG"],
  [
    "scratch_option",
    { op: "scratch", origin: "root.size in dev.toml:13", options: [] },
    "fsconfig",
    "EINVAL",
  ],
  ["filesystem_refused", mount("ext4", "/data"), "fsopen", "EPERM"],
  ["filesystem_unknown", mount("mqueue", "/dev/mqueue"), "fsopen", "ENODEV"],
  ["tmpfs_option", mount("tmpfs", "/tmp"), "fsconfig", "EINVAL"],
  ["devpts_option", mount("devpts", "/dev/pts"), "fsconfig", "EINVAL"],
  ["filesystem_option", mount("proc", "/proc"), "fsconfig", "EINVAL"],
  ["tmpfs_full", data, "mkdirat", "ENOSPC"],
  ["mount_point_missing", bind("/srv/data", "/usr/data"), "mkdirat", "mount_point_missing"],
  ["wrong_kind", bind("/srv/data", "/etc/hosts"), "move_mount", "wrong_kind"],
  ["wrong_device", "device", "fstat", "wrong_device"],
  ["source_missing", data, "open_tree", "ENOENT"],
  ["device_missing", "device", "open", "ENOENT"],
  ["source_denied", data, "open_tree", "EACCES", { probeFile: () => ({ kind: "denied", why: "EACCES" }) }],
  ["symlink_loop", bind("/srv/data", "/data", { flags: ["nofollow"] }), "open_tree", "ELOOP"],
  ["not_a_directory", bind("/etc/hosts/x"), "open_tree", "ENOTDIR"],
  ["filesystem_dead", bind("/home/ada/remote"), "open_tree", "ENOTCONN"],
  ["locked_submounts", bind("/srv"), "open_tree", "EINVAL"],
  ["mounts_exhausted", data, "open_tree", "ENOSPC"],
  ["readonly_parent", data, "mkdirat", "EROFS"],
  ["unmapped_owner", data, "mkdirat", "EOVERFLOW"],
  ["target_dangling", bind("/srv/data", "/var/run/data"), "mkdirat", "ENOENT"],
  ["mount_point_denied", data, "mkdirat", "EACCES"],
  ["name_too_long", bind("/srv/a-name-of-more-than-255-bytes"), "open_tree", "ENAMETOOLONG"],
  [
    "pivot_initramfs",
    "pivot",
    "pivot_root",
    "EINVAL",
    { mounts: known([{ target: "/", root: "/", fstype: "rootfs", options: ["rw"] }]) },
  ],
  ["pivot_refused", "pivot", "pivot_root", "EINVAL"],
  ["workdir_missing", "workdir", "chdir", "ENOENT", {}, [{ ...mount("tmpfs", "/home/ada") }]],
  ["workdir_kind", "workdir", "chdir", "ENOTDIR"],
  ["workdir_denied", "workdir", "chdir", "EACCES"],
  ["workdir_outside", "workdir", "getcwd", "outside_root"],
];

const settings: readonly Row[] = [
  ["rlimit_raised", "rlimit", "prlimit", "EPERM"],
  ["rlimit_order", "rlimit", "prlimit", "EINVAL"],
  ["nice_lowered", "nice", "setpriority", "EACCES"],
  ["oom_lowered", "oom_score_adj", "write", "EACCES"],
  ["oom_range", "oom_score_adj", "write", "EINVAL"],
  ["hostname_host", "hostname", "sethostname", "EPERM"],
  ["hostname_length", "hostname", "sethostname", "EINVAL"],
  ["loopback_refused", "loopback", "ioctl", "EPERM"],
  ["loopback_missing", "loopback", "ioctl", "ENODEV"],
  ["sysctl_missing", "sysctl", "openat2", "ENOENT"],
  ["sysctl_denied", "sysctl", "openat2", "EACCES"],
  ["sysctl_value", "sysctl", "write", "EINVAL"],
  ["id_unmapped", "ids", "setresuid", "EINVAL"],
  ["groups_denied", "ids", "setgroups", "EPERM"],
  ["credentials_left", "capabilities", "capset", "credentials"],
  ["landlock_filtered", "landlock", "landlock_create_ruleset", "EPERM", docker],
  ["landlock_privilege", "landlock", "landlock_restrict_self", "EPERM"],
  ["landlock_depth", "landlock", "landlock_restrict_self", "E2BIG"],
  ["landlock_missing", "landlock", "landlock_create_ruleset", "EOPNOTSUPP"],
  ["seccomp_filtered", "seccomp", "seccomp", "EPERM", docker],
  ["seccomp_missing", "seccomp", "seccomp", "EINVAL"],
  ["seccomp_privilege", "seccomp", "seccomp", "EACCES"],
  ["seccomp_memory", "seccomp", "seccomp", "ENOMEM"],
  ["seccomp_listener", "seccomp", "seccomp", "EBUSY"],
  ["seccomp_supervisor", "seccomp", "sendmsg", "EPIPE"],
  ["capability_refused", "capabilities", "capset", "EPERM"],
  ["pty_exhausted", "pty", "openat2", "ENOSPC"],
  ["pty_missing", "pty", "openat2", "ENOENT"],
  ["pty_absent", "supervise", "none", "no_pty"],
  ["descriptor_closed", "pass_fd", "fcntl", "EBADF"],
  ["descriptors_exhausted", data, "open_tree", "EMFILE"],
  ["unknown", data, "open_tree", "EBADF"],
];

const execution: readonly Row[] = [
  ["command_missing", command("nope"), "execve", "ENOENT"],
  ["command_not_shown", command("mine"), "execve", "ENOENT"],
  ["command_outside_path", command("tool"), "execve", "ENOENT", {}, [bind("/opt")]],
  ["interpreter_missing", command("script"), "execve", "ENOENT"],
  ["command_mode", command("plain"), "execve", "EACCES"],
  ["command_noexec", command("/mnt/data/run"), "execve", "EACCES"],
  ["command_denied", command("bash"), "execve", "EACCES"],
  ["command_format", command("other"), "execve", "ENOEXEC"],
  ["command_too_long", command("bash"), "execve", "E2BIG"],
  ["command_loop", command("bash"), "execve", "ELOOP"],
  ["command_busy", command("bash"), "execve", "ETXTBSY"],
  ["command_memory", command("bash"), "execve", "ENOMEM"],
  ["command_loader", command("bash"), "execve", "ELIBBAD"],
];

const toSample = ([name, operation, step, cause, facts, others]: Row): Sample => ({
  ...{ name, operation, step, cause, facts, others },
});

export interface SampleChapter {
  readonly title: string;
  readonly samples: readonly Sample[];
}

export const chapters: readonly SampleChapter[] = [
  { title: "The machine, its namespaces and the executor", samples: host.map(toSample) },
  { title: "What the jail shows", samples: tree.map(toSample) },
  { title: "Settings, ids and the terminal", samples: settings.map(toSample) },
  { title: "The command", samples: execution.map(toSample) },
];
