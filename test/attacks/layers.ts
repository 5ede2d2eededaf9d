// What may stop an attack, and how each of it is taken out of a plan, so that the others are seen to hold alone. In: a
// plan. Out: the same without one layer. Those that are how the executor works can't be taken out: `fixed`. Next:
// attack.ts.
import { readLandlock } from "../../src/facts/landlock.ts";
import type { Operation, OperationName, Plan } from "../../src/plan/operations.ts";

type Of<K extends OperationName> = Extract<Operation, { op: K }>;
type Namespace = Of<"clone">["namespaces"][number];
type Switch = (plan: Plan) => Plan;

const origin = "an attack with a layer switched off";
const everyCapability = (1n << 41n) - 1n;

const without =
  (...names: string[]): Switch =>
  (plan) =>
    plan.filter(({ op }) => !names.includes(op));

const dropNamespace =
  (name: Namespace): Switch =>
  (plan) =>
    plan.map((each) =>
      each.op === "clone" ? { ...each, namespaces: each.namespaces.filter((one) => one !== name) } : each,
    );

const dropMount =
  (fstype: string): Switch =>
  (plan) =>
    plan.filter((each) => each.op !== "mount" || each.fstype !== fstype);

/** Whoever has no pid namespace of their own can't mount a procfs either. */
function dropPids(plan: Plan): Plan {
  return dropNamespace("pid")(plan).map((each) => {
    if (each.op !== "mount" || each.fstype !== "proc") return each;
    const { target, set } = each;
    return { op: "bind", origin, source: "/proc", target, flags: ["recursive"], set, propagation: "private" };
  });
}

const dropAttribute =
  (...names: ("ro" | "nosuid" | "nodev" | "noexec")[]): Switch =>
  (plan) =>
    plan.map((each): Operation => {
      if (!("set" in each)) return each;
      const set = each.set.filter((name) => !(names as string[]).includes(name));
      return { ...each, set } as Operation;
    });

/** The host's tree with all that is mounted in it, as it is; procfs alone is the jail's. */
function showAll(plan: Plan): Plan {
  const mounts: OperationName[] = [
    ...(["root_tmpfs", "bind", "device", "directory", "symlink", "file", "hide", "readonly", "pin"] as const),
    "attributes",
    "pty",
    "root_bind",
  ];
  const kept = plan.filter(
    (each) => !mounts.includes(each.op) && (each.op !== "mount" || each.fstype === "proc"),
  );
  const at = kept.findIndex(({ op }) => op === "stage") + 1;
  return kept.toSpliced(at, 0, { op: "root_bind", origin, source: "/", set: [] });
}

/** Of procfs and sysfs. */
function dropMasks(plan: Plan): Plan {
  return plan.filter(
    (each) => !((each.op === "hide" || each.op === "readonly") && /^\/(proc|sys)\//.test(each.target)),
  );
}

function dropCovers(plan: Plan): Plan {
  return dropMasks(plan).filter(({ op }) => op !== "hide" && op !== "pin");
}

const dropLandlock: Switch = (plan) => plan.filter(({ op }) => !op.startsWith("landlock"));

export const switches = {
  "pid namespace": dropPids,
  // Without the namespace its file system can't be mounted.
  "ipc namespace": (plan: Plan) => dropNamespace("ipc")(dropMount("mqueue")(plan)),
  "network namespace": (plan: Plan) =>
    dropNamespace("net")(dropMount("sysfs")(without("loopback")(plan))).filter(
      (each) => !("target" in each && each.target.startsWith("/sys/")),
    ),
  "uts namespace": dropNamespace("uts"),
  "cgroup namespace": dropNamespace("cgroup"),
  capabilities: (plan: Plan): Plan =>
    plan.map((each) => (each.op === "capabilities" ? { ...each, keep: everyCapability } : each)),
  // Without it and without privilege no filter can be loaded (seccomp(2)).
  no_new_privs: (plan: Plan): Plan => plan.filter(({ op }) => op !== "no_new_privs" && op !== "seccomp"),
  "user.max_user_namespaces": (plan: Plan): Plan =>
    plan.filter((each) => each.op !== "sysctl" || each.name !== "user.max_user_namespaces"),
  nosuid: dropAttribute("nosuid"),
  nodev: dropAttribute("nodev"),
  "read-only mounts": (plan: Plan) => dropAttribute("ro")(plan).filter(({ op }) => op !== "readonly"),
  "masks of /proc and /sys": dropMasks,
  "hidden paths": dropCovers,
  "what is shown": showAll,
  "a pty of its own": (plan: Plan): Plan =>
    plan.map((each) => (each.op === "supervise" ? { ...each, tty: "never" } : each)),
  seccomp: without("seccomp"),
  landlock: dropLandlock,
  "landlock's scopes": dropLandlock,
  rlimits: without("rlimit"),
  "an environment of its own": (plan: Plan): Plan =>
    plan.map((each) => (each.op === "environment" ? { ...each, pass: ["*"], unset: [] } : each)),
  "limits of tmpfs": (plan: Plan): Plan =>
    plan.map((each) =>
      each.op === "mount"
        ? { ...each, options: each.options.filter((one) => !/^(size|nr_inodes)=/.test(one)) }
        : each,
    ),
} satisfies Record<string, Switch>;

/** How the executor works, or the kernel: nothing in a plan says it. */
export const fixed = {
  "user namespace": "capabilities inside mean nothing outside; one id is mapped",
  "locked mounts": "mounts that come from a more privileged namespace keep their flags (mount_namespaces(7))",
  "bounding set": "no program gives a capability that is not in it",
  "own procfs": "what the host has mounted below its /proc is not in the jail's",
  pivot_root: "the host's tree is unmounted, so there is nothing above the root",
  close_range: "descriptors are closed by number range",
  "own session": "setsid(2): a process group and a terminal of the jail's own",
  "init not dumpable": "pid 1 can't be traced, and its links in procfs can't be followed",
  "pid 1": "init gets no signal from inside that it has not asked for (pid_namespaces(7))",
  "mounts by descriptor": "destinations are resolved below the new root with openat2(2)",
  "checked descriptors": "what was opened is compared with what was meant",
  "own session keyring": "the caller's keys are not possessed",
  "no calls for keys": "add_key, keyctl and request_key answer ENOSYS, without the filter too",
  "path resolution": "a directory that is no longer below its mount has no parent (Linux 4.3)",
  "kernel limits": "what the kernel keeps back for the host",
  "kill on death": "init dies with the monitor, everything else with init",
  trust: "a profile that is found is used only as it was when it was trusted",
  "own directories": "what tsjail keeps is hidden, and can't be renamed",
  "escaped output": "control characters in names are printed as escapes",
} as const;

export type Layer = keyof typeof switches | keyof typeof fixed;

export const isSwitch = (layer: Layer): layer is keyof typeof switches => layer in switches;

/** The least ABI of Landlock (landlock(7)) that the kernel needs for it. */
const leastAbi: Partial<Record<Layer, number>> = { landlock: 2, "landlock's scopes": 6 };

/** False for a layer that this kernel does not have. */
export const isThere = (layer: Layer): boolean => readLandlock() >= (leastAbi[layer] ?? 0);

/** The plan with these layers taken out. Namespaces go first: other layers look at mounts, which depend on them. */
export function switchOff(plan: Plan, layers: readonly Layer[]): Plan {
  return layers.filter(isSwitch).reduce((rest, layer) => switches[layer](rest), plan);
}
