// time-limit: 300s
// Attacks that want rights: capabilities, other ids, keys, files that change the machine. In: programs/privileges.c.
// The driver is attack.ts.
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, copyFileSync, existsSync, openSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attacks } from "./attack.ts";
import type { World } from "./world.ts";

const attack = attacks("privileges");

attack({
  name: "make a user namespace by unshare",
  layers: ["user.max_user_namespaces", "seccomp"],
  words: () => ["new_user_namespace"],
});

attack({
  name: "make a user namespace by clone3 or clone",
  layers: ["user.max_user_namespaces", "seccomp"],
  words: () => ["clone_user_namespace"],
});

attack({
  name: "join the namespaces of a process of the host",
  layers: ["pid namespace", "user namespace", "seccomp"],
  words: ({ victim }) => ["join_namespaces", victim.words[0] as string],
  // From a namespace beside it, into that of a process that this user could trace.
  twin: {
    needs: ["root"],
    through: () => ["unshare", "-m"],
  },
});

attack({
  name: "take capabilities back",
  layers: ["capabilities"],
  words: () => ["regain"],
  twin: { through: () => ["unshare", "-Ur"] },
});

attack({
  name: "keep the caller's inheritable and ambient capabilities",
  cve: "CVE-2022-29162",
  layers: ["capabilities"],
  needs: ["root", "command:setpriv"],
  words: () => ["list_capabilities"],
  through: () => ["setpriv", "--inh-caps", "+net_raw,+sys_admin", "--ambient-caps", "+net_raw,+sys_admin"],
});

const su = ["/usr/bin/su", "/bin/su"].find(
  (path) => existsSync(path) && (statSync(path).mode & 0o4000) !== 0,
);
const noSu = () => (su === undefined ? "su is not here, or not set-user-ID" : undefined);

attack({
  name: "run a set-user-ID program of root's",
  layers: ["no_new_privs", "nosuid", "user namespace"],
  needs: ["user", noSu],
  words: () => ["run_setuid", su ?? "", "root"],
});

/** Where the attacks are: a /tmp of its own has such options on some systems. */
function whyInert(option: "nosuid" | "nodev"): string | undefined {
  const { stdout } = spawnSync("findmnt", ["-no", "OPTIONS", "-T", tmpdir()], { encoding: "utf8" });
  return stdout?.trim().split(",").includes(option) ? `${tmpdir()} is ${option}` : undefined;
}

const suid = ({ shown }: World) => join(shown, "suid");

attack({
  name: "run a set-user-ID program of another user's",
  layers: ["no_new_privs", "nosuid", "user namespace"],
  needs: ["root"],
  prepare: (world) => {
    copyFileSync(world.program, suid(world));
    spawnSync("chown", ["65534", suid(world)]);
    chmodSync(suid(world), 0o4755);
  },
  refused: () => whyInert("nosuid"),
  words: (world) => ["run_setuid", suid(world), "moved_directory", "/"],
});

const armed = ({ shown }: World) => join(shown, "armed");

attack({
  name: "run a program with file capabilities",
  layers: ["no_new_privs", "nosuid", "bounding set"],
  needs: ["root", "command:setcap"],
  prepare: (world) => {
    copyFileSync(world.program, armed(world));
    chmodSync(armed(world), 0o755);
    const { status, stderr } = spawnSync("setcap", ["cap_net_raw,cap_sys_admin+ep", armed(world)]);
    if (status !== 0) throw new Error(`setcap: ${stderr}`);
  },
  refused: () => whyInert("nosuid"),
  words: (world) => ["run_words", armed(world), "hold_capabilities"],
  // Root that is not: the capabilities come from the file.
  twin: { through: () => ["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps", "-all"] },
});

const key = `tsjail-attack-${process.pid}`;
const withKey =
  (place: "user" | "session") =>
  ({ program }: World) => [program, "with_key", place, key];

attack({
  name: "read a key of the caller's session",
  layers: ["own session keyring", "no calls for keys", "seccomp"],
  through: withKey("session"),
  words: () => ["read_session_key", key],
  twin: { through: withKey("session") },
});

attack({
  name: "read the user's keys outside, by the number of their keyring",
  layers: ["no calls for keys", "seccomp"],
  through: withKey("user"),
  words: () => ["read_key", "%", key],
  // Asked after each run: the key is the user's, and would stay.
  harm: ({ program }) => {
    spawnSync(program, ["drop_keys", key]);
    return false;
  },
  twin: { through: withKey("user") },
});

/** Of those that are there, the ones that root may write: the twin has to succeed. */
const settings = [
  "/proc/sys/kernel/core_pattern",
  "/proc/sys/kernel/modprobe",
  "/proc/sys/kernel/hotplug",
  "/proc/sys/kernel/poweroff_cmd",
  "/proc/sys/kernel/panic",
  "/proc/sys/vm/drop_caches",
  "/proc/sys/fs/binfmt_misc/register",
  "/proc/sys/fs/suid_dumpable",
  "/proc/sysrq-trigger",
  "/proc/irq/default_smp_affinity",
];
const kernelObjects = [
  "/sys/kernel/uevent_helper",
  "/sys/kernel/mm/transparent_hugepage/enabled",
  "/sys/power/state",
  "/sys/kernel/profiling",
  "/sys/module/printk/parameters/time",
];

for (const path of settings.filter((each) => existsSync(each))) {
  attack({
    name: `write to ${path}`,
    row: "write to settings of the kernel's: core_pattern, modprobe, binfmt_misc, sysrq, …",
    // Root of a user namespace is still root of the host to the permission check of /proc/sys. What is mounted below
    // the host's /proc is not in the jail's.
    layers: path.includes("binfmt_misc") ? ["read-only mounts", "own procfs"] : ["read-only mounts"],
    needs: ["root"],
    words: () => ["open_writable", path],
  });
}
for (const path of kernelObjects.filter((each) => existsSync(each))) {
  attack({
    name: `write to ${path}`,
    row: "write to files below /sys: uevent_helper, power, parameters of modules, …",
    layers: ["read-only mounts", "landlock"],
    needs: ["root"],
    words: () => ["open_writable", path],
  });
}

attack({
  name: "find anything below /sys that can be written",
  layers: ["read-only mounts", "landlock"],
  needs: ["root"],
  words: () => ["find_writable", "/sys"],
});

attack({
  name: "find a cgroup that can be written",
  layers: ["what is shown", "landlock"],
  needs: ["root"],
  words: () => ["find_writable", "/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory"],
});

attack({
  name: "mount cgroups of one's own, with a release agent",
  cve: "CVE-2022-0492",
  layers: ["capabilities", "seccomp", "landlock"],
  words: () => ["mount_cgroups"],
  twin: { through: () => ["unshare", "-UrmC"] },
});

/** Root may be without CAP_SYS_RAWIO. */
function whyUnreadable(path: string): string | undefined {
  try {
    closeSync(openSync(path, "r"));
    return undefined;
  } catch (error) {
    return process.getuid?.() === 0 ? (error as NodeJS.ErrnoException).code : undefined;
  }
}

for (const path of [
  "/proc/kcore",
  "/proc/timer_list",
  "/proc/keys",
  "/proc/interrupts",
  "/proc/sched_debug",
]) {
  if (!existsSync(path)) continue;
  attack({
    name: `read ${path}`,
    row: "read what /proc shows of the machine: kcore, timer_list, interrupts, keys, …",
    refused: () => whyUnreadable(path),
    layers:
      path === "/proc/kcore" ? ["masks of /proc and /sys", "user namespace"] : ["masks of /proc and /sys"],
    needs: path === "/proc/kcore" || path === "/proc/timer_list" ? ["root"] : [],
    words: () => ["open_readable", path],
  });
}

attack({
  name: "read the addresses of the kernel's symbols",
  layers: ["user namespace"],
  needs: ["root", () => (existsSync("/proc/kallsyms") ? undefined : "there is no /proc/kallsyms")],
  words: () => ["read_symbols"],
});

attack({
  name: "read the kernel's log",
  layers: ["user namespace"],
  needs: ["root"],
  words: () => ["read_kernel_log"],
});

attack({
  name: "make a device file and open it",
  layers: ["capabilities", "user namespace"],
  needs: ["root"],
  // The kernel's log: disks may be refused to root too, in a virtual machine.
  words: () => ["make_device", "1", "11"],
  refused: () => whyInert("nodev"),
});
