// The mounts around us, and the kernel's rule for a fresh procfs or sysfs in a user namespace ("mount too
// revealing"). In: /proc/self/mountinfo. Out: mounts, and what stands in the way; next is facts.ts.
import { dirname } from "node:path";

export interface Mount {
  readonly target: string;
  /** The directory of the file system that is mounted; "/" for all of it. */
  readonly root: string;
  readonly fstype: string;
  /** Of this mount: "ro", "nosuid", "noexec" … */
  readonly options: readonly string[];
}

/** @param text /proc/PID/mountinfo, proc_pid_mountinfo(5) */
export function parseMounts(text: string): Mount[] {
  return text
    .split("\n")
    .map((line) => line.split(" "))
    .filter((words) => words.length >= 9 && words.includes("-"))
    .map((words) => ({
      root: decodeOctal(words[3] ?? ""),
      target: decodeOctal(words[4] ?? ""),
      options: (words[5] ?? "").split(","),
      fstype: words[words.indexOf("-", 6) + 1] ?? "",
    }));
}

/** Blanks and backslashes are written as three octal digits. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The mount that a path is on: the last of those that are nearest to it. */
export function findMount(mounts: readonly Mount[], path: string): Mount | undefined {
  const covers = ({ target }: Mount) => target === "/" || path === target || path.startsWith(`${target}/`);
  let found: Mount | undefined;
  for (const mount of mounts.filter(covers)) {
    if (found === undefined || mount.target.length >= found.target.length) found = mount;
  }
  return found;
}

// Directories that are always empty without a mount, so that a mount on them hides nothing (is_empty_dir_inode of
// the kernel's fs/libfs.c; made with proc_create_mount_point and sysfs_create_mount_point).
const emptyDirectories: readonly RegExp[] = [
  /^\/proc\/(sys\/)?fs\/(binfmt_misc|nfsd)$/,
  /^\/proc\/openprom$/,
  /^\/sys\/fs\/(cgroup|bpf|pstore|selinux|smackfs|resctrl|fuse\/connections|ext4)$/,
  /^\/sys\/kernel\/(debug|tracing|security|config)$/,
  /^\/sys\/firmware\/efi\/efivars$/,
  /^\/sys\/hypervisor\/s390$/,
];

/** Mounts that hide parts of /proc or /sys, from top to bottom. */
export function findOvermounts(mounts: readonly Mount[], top: "/proc" | "/sys"): readonly string[] {
  const below = mounts.map(({ target }) => target).filter((target) => target.startsWith(`${top}/`));
  // What is mounted further below those lies on their mounts, and hides nothing of ours either.
  const isHarmless = (target: string): boolean =>
    target !== top &&
    (emptyDirectories.some((pattern) => pattern.test(target)) || isHarmless(dirname(target)));
  const hiding = below.filter((target) => !isHarmless(target));
  return [...new Set(hiding)].sort();
}

/** Why the kernel refuses a fresh procfs or sysfs here (mnt_already_visible in fs/namespace.c), or undefined. */
export function explainRevealing(mounts: readonly Mount[], fstype: "proc" | "sysfs"): string | undefined {
  const top = fstype === "proc" ? "/proc" : "/sys";
  const whole = mounts.filter((mount) => mount.fstype === fstype && mount.root === "/");
  if (whole.length === 0) return `no ${fstype} is mounted here in full`;
  // One whole mount anywhere is enough for the kernel; at another place than the usual one it can't be judged here.
  if (!whole.some(({ target }) => target === top)) return undefined;
  const hidden = findOvermounts(mounts, top);
  if (hidden.length > 0) {
    const more = hidden.length > 6 ? `, and ${hidden.length - 6} more` : "";
    return `parts of ${top} are covered by other mounts: ${hidden.slice(0, 6).join(", ")}${more}`;
  }
  return undefined;
}
