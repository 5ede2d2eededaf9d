// Why a part of the host's tree can't be shown: its path, its mount point, its kind, and the mounts around it.
// In: failures of `bind` and of its kin. Out: rules; next is settings.ts.
import { quoteShell, quoteWord } from "../plan/escape.ts";
import type { Operation, OperationName } from "../plan/operations.ts";
import { readValue } from "./facts.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

const sourced = ["bind", "device", "root_bind"] as const satisfies readonly OperationName[];
const targeted = [
  ...[
    "bind",
    "mount",
    "device",
    "file",
    "hide",
    "readonly",
    "attributes",
    "overlay",
    "directory",
    "symlink",
    "mount_point",
  ],
] as readonly OperationName[];
const placed: readonly OperationName[] = [...targeted, ...sourced];

/** The path on the host, or in the jail for what has none. */
export function findPath(operation: Operation | undefined): string {
  if (operation === undefined) return "/";
  if ("source" in operation) return operation.source;
  if ("target" in operation) return operation.target;
  return "path" in operation ? operation.path : "/";
}

/** The path in the jail. */
function findTarget(operation: Operation | undefined): string {
  return operation !== undefined && "target" in operation ? operation.target : findPath(operation);
}

/** Which of the two it is about: the source is opened by other calls than the target. */
const pathOf = (failure: Failure): string =>
  isSource(failure) || failure.report.reason !== "errno"
    ? findPath(failure.operation)
    : findTarget(failure.operation);
const quoted = (failure: Failure): string => quoteWord(pathOf(failure));
const shell = (failure: Failure): string => quoteShell(pathOf(failure));
const targetOf = ({ operation }: Failure): string => quoteWord(findTarget(operation));
const isSource = ({ report }: Failure): boolean => ["open", "open_tree"].includes(report.step);
const isOptional = ({ operation }: Failure): boolean =>
  operation !== undefined &&
  "flags" in operation &&
  (operation.flags as readonly string[]).includes("optional");

const mountPointRules: readonly Rule[] = [
  {
    name: "mount_point_missing",
    reasons: ["mount_point_missing"],
    why: (failure) =>
      `The jail has nothing at ${targetOf(failure)} to mount on, and the directory above it belongs to the host: there ` +
      "tsjail makes nothing, since it would stay behind. A mount point can be made only in the jail's own file systems.",
    fix: (failure) =>
      [
        `Choose a target that exists, or one in a tmpfs of the jail's own (/tmp, /run).`,
        "Or put a tmpfs above it in the profile: the host's files there are then shown only where the profile says so.",
        ...(isOptional(failure) || failure.operation?.op === "overlay"
          ? []
          : ["Or write `optional = true` for this mount: it is then passed over."]),
      ].join("\n"),
  },
  {
    name: "wrong_kind",
    reasons: ["wrong_kind"],
    why: (failure) =>
      `One of ${quoted(failure)} and ${targetOf(failure)} is a directory and the other is not; a directory can only be ` +
      "mounted on a directory, and a file on a file.",
    fix: (failure) =>
      adviseCommands(
        "Look at both, and correct the target in the profile:",
        `ls -ld ${shell(failure)} ${quoteShell(findTarget(failure.operation))}`,
      ),
  },
  {
    name: "wrong_device",
    reasons: ["wrong_device"],
    why: (failure) => {
      const { operation } = failure;
      const numbers = operation?.op === "device" ? ` (${operation.major}:${operation.minor})` : "";
      return `${quoted(failure)} on this host is not the character device that its name promises${numbers}; tsjail shows no other.`;
    },
    fix: (failure) =>
      adviseCommands("Look at it; somebody has put something else there:", `ls -l ${shell(failure)}`),
  },
];

const sourceRules: readonly Rule[] = [
  {
    name: "source_missing",
    ops: ["bind", "root_bind"],
    errnos: ["ENOENT"],
    when: isSource,
    why: (failure) => `${quoted(failure)} doesn't exist on this machine.`,
    fix: ({ operation }) =>
      operation?.op === "root_bind"
        ? "Correct `path` in [root] of the profile."
        : "Create it, correct the path, or write `optional = true` for this mount in the profile: it is then passed over.",
  },
  {
    name: "device_missing",
    ops: ["device"],
    errnos: ["ENOENT"],
    why: (failure) => `The host has no ${quoted(failure)}; containers and chroots sometimes lack devices.`,
    fix: (failure) => adviseCommands("Look at what there is:", `ls -l ${shell(failure)} /dev/null`),
  },
  {
    name: "source_denied",
    ops: sourced,
    errnos: ["EACCES"],
    when: (failure) =>
      isSource(failure) && failure.facts.probeFile(findPath(failure.operation)).kind === "denied",
    why: (failure) =>
      `You may not look at ${quoted(failure)}: a directory on the way lacks the x permission for you. A jail never sees ` +
      "more than you do.",
    fix: (failure) => adviseCommands("See which one it is:", `namei -l ${shell(failure)}`),
  },
  {
    name: "symlink_loop",
    ops: placed,
    errnos: ["ELOOP"],
    why: (failure) => {
      const { operation } = failure;
      const nofollow = operation?.op === "bind" && operation.flags.includes("nofollow");
      if (nofollow) return `${quoted(failure)} is a symbolic link, and this mount follows none.`;
      return `The path leads through too many symbolic links (40 at most), or through one that /proc makes up.`;
    },
    fix: (failure) =>
      adviseCommands("See where it leads, and name the real path in the profile:", `namei ${shell(failure)}`),
  },
  {
    name: "not_a_directory",
    ops: placed,
    errnos: ["ENOTDIR"],
    why: (failure) => `A part of ${quoted(failure)} is used as a directory and is none.`,
    fix: (failure) => adviseCommands("See which one it is:", `namei -l ${shell(failure)}`),
  },
  {
    name: "filesystem_dead",
    ops: [...sourced, "hide", "readonly"],
    errnos: ["ENOTCONN", "ESTALE", "EIO", "EHOSTDOWN", "ETIMEDOUT"],
    why: (failure) =>
      `A file system at or below ${quoted(failure)} doesn't answer: a FUSE program or a network server is gone.`,
    fix: (failure) =>
      adviseCommands(
        "Mount it again or unmount it:",
        `findmnt --target ${shell(failure)}`,
        "fusermount3 -u -z MOUNTPOINT",
      ),
  },
];

const kernelRules: readonly Rule[] = [
  {
    name: "locked_submounts",
    ops: ["bind", "root_bind", "readonly"],
    steps: ["open_tree"],
    errnos: ["EINVAL"],
    why: (failure) =>
      `Other file systems are mounted below ${quoted(failure)}. The kernel locks them together when a user namespace ` +
      "copies the tree, so that nobody uncovers what they hide: it must be shown with them, or not at all " +
      "(mount_namespaces(7)). An unbindable mount gives the same error.",
    fix: (failure) =>
      adviseCommands(
        "See what is mounted there, and show a directory below instead:",
        `findmnt -R ${shell(failure)}`,
      ),
  },
  {
    name: "mounts_exhausted",
    ops: [...placed, "propagation", "stage", "root_tmpfs", "pivot", "clone"],
    steps: ["open_tree", "move_mount", "fsmount", "clone3", "unshare"],
    errnos: ["ENOSPC"],
    why: ({ facts }) =>
      `The jail would have more mounts than fs.mount-max allows (${readValue(facts.mountMax) ?? "unknown"}), the host's ` +
      "own counted in.",
    fix: adviseCommands(
      "Count them, then raise the limit or mount less:",
      "wc -l < /proc/self/mountinfo",
      "sudo sysctl -w fs.mount-max=200000",
    ),
  },
  {
    name: "readonly_parent",
    ops: placed,
    errnos: ["EROFS"],
    why: (failure) =>
      `The file system around ${targetOf(failure)} is read-only, so nothing can be made there.`,
    fix: "Choose a target that exists, or one in a tmpfs of the jail's own (/tmp, /run).",
  },
  {
    name: "unmapped_owner",
    ops: placed,
    errnos: ["EOVERFLOW"],
    why: "The kernel makes no file for an id that the jail doesn't map (EOVERFLOW, since Linux 4.8).",
    fix: "Map the id in [user] of the profile, or choose uid and gid that are mapped.",
  },
  {
    name: "target_dangling",
    ops: placed,
    steps: ["openat2", "mkdirat", "mknodat"],
    errnos: ["ENOENT"],
    why: (failure) =>
      `A symbolic link on the way to ${targetOf(failure)} leads to nothing that the jail has.`,
    fix: "Name the real path as the target, or show what the link leads to as well.",
  },
  {
    name: "mount_point_denied",
    ops: targeted,
    steps: ["openat2", "mkdirat", "mknodat", "symlinkat"],
    errnos: ["EACCES", "EPERM"],
    why: (failure) => `You may not look or create anything around ${targetOf(failure)}.`,
    fix: (failure) => adviseCommands("See who may:", `namei -l ${quoteShell(findTarget(failure.operation))}`),
  },
  {
    name: "name_too_long",
    ops: placed,
    errnos: ["ENAMETOOLONG"],
    why: (failure) =>
      `A part of ${quoted(failure)} is longer than the file system allows (255 bytes on most).`,
    fix: "Choose a shorter path.",
  },
];

export const bindRules: readonly Rule[] = [...mountPointRules, ...sourceRules, ...kernelRules];
