// The kernel: its system calls, its namespaces and who may create them, Landlock. In: facts of explain/facts.ts, and
// system calls that do nothing with such arguments. Out: rows. Versions are only named, never compared.

import { type Facts, readValue } from "../explain/facts.ts";
import { namespaceKinds } from "../explain/kinds.ts";
import { adviseDisabled, findDisabled, nameLimit } from "../explain/limits.ts";
import { explainRevealing } from "../explain/mounts.ts";
import { listMissing } from "../plan/landlock.ts";
import { bad, good, note, type Row } from "./row.ts";

/** What a system call says to arguments that can't be right. */
export type TryCall = (number: number, ...args: readonly number[]) => { errno: number; result: number };

interface KernelCall {
  readonly name: string;
  /** The same number on x86-64 and arm64, as all since Linux 5.1. */
  readonly number: number;
  /** First version of the kernel that has it. */
  readonly since: string;
  /** Arguments that it refuses with EINVAL, before any other check. */
  readonly args: readonly number[];
  readonly optional?: true;
}

const flags = 0x7fff_ffff;
const calls: readonly KernelCall[] = [
  { name: "open_tree", number: 428, since: "5.2", args: [-1, 0, flags] },
  { name: "move_mount", number: 429, since: "5.2", args: [-1, 0, -1, 0, flags] },
  { name: "fsopen", number: 430, since: "5.2", args: [0, flags] },
  { name: "fsconfig", number: 431, since: "5.2", args: [-1, flags] },
  { name: "fsmount", number: 432, since: "5.2", args: [-1, flags] },
  { name: "pidfd_open", number: 434, since: "5.3", args: [0, flags] },
  // Without it there is clone(2), so its absence is no failure.
  { name: "clone3", number: 435, since: "5.3", args: [0, 0], optional: true },
  { name: "close_range", number: 436, since: "5.9", args: [1, 0, flags] },
  { name: "openat2", number: 437, since: "5.6", args: [-1, 0, 0, 0] },
  { name: "mount_setattr", number: 442, since: "5.12", args: [-1, 0, 0, 0, 0] },
];

const ENOSYS = 38;
const landlockCreateRuleset = 444;
const LANDLOCK_CREATE_RULESET_VERSION = 1;

export function checkCalls(facts: Facts, tryCall: TryCall): Row {
  const version = `Linux ${readValue(facts.kernel) ?? "of an unknown version"}`;
  const missing = calls.filter(({ number, args }) => tryCall(number, ...args).errno === ENOSYS);
  const needed = missing.filter(({ optional }) => optional !== true);
  const list = (some: readonly KernelCall[]) =>
    some.map(({ name, since }) => `${name} (${since})`).join(", ");
  if (needed.length === 0) {
    const without = missing.length === 0 ? "" : `; without ${list(missing)}, which can be done without`;
    return good("kernel", `${version} has the system calls that tsjail needs${without}`);
  }
  const filtered = readValue(facts.process)?.seccomp === "filter";
  return bad(
    "kernel",
    `${version} lacks ${list(needed)}`,
    filtered
      ? "A seccomp filter is around us, which may hide them: see the line on seccomp."
      : "Boot Linux 5.14 or later.",
  );
}

export function checkLandlock(tryCall: TryCall): Row {
  const { errno, result } = tryCall(landlockCreateRuleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
  const abi = errno === 0 ? result : 0;
  const why =
    abi > 0
      ? `ABI ${abi}`
      : errno === ENOSYS
        ? "the kernel has none"
        : "it is switched off, or hidden by a filter";
  const missing = listMissing(abi);
  if (missing.length === 0)
    return good("Landlock", `${why}: files are guarded twice, abstract sockets and signals stay in the jail`);
  const lacks = missing.map(
    ({ what, ...since }) => `${what} (until ABI ${since.abi}, Linux ${since.kernel})`,
  );
  return note(
    "Landlock",
    `${why}; no shipped profile needs more. ${lacks.join("; ")}`,
    abi > 0 ? undefined : "Boot with lsm=landlock,… (a kernel of 5.19 or later).",
  );
}

export function checkNamespaces(facts: Facts): Row[] {
  const subject = "user namespaces";
  const { user } = facts.maxNamespaces;
  if (!user.known) {
    return user.absent
      ? [bad(subject, "the kernel was built without them (CONFIG_USER_NS)", "Boot a kernel that has them.")]
      : [{ subject, outcome: "unknown", why: user.why }];
  }
  const disabled = findDisabled(facts).map((kind) =>
    bad(`${namespaceKinds[kind].title} namespaces`, `${nameLimit(kind)} is 0`, adviseDisabled([kind])),
  );
  const rows: Row[] =
    user.value === 0
      ? disabled
      : [good(subject, `up to ${user.value} (user.max_user_namespaces)`), ...disabled];
  const switched = readValue(facts.unprivilegedUsernsClone);
  const isRoot = readValue(facts.process)?.euid === 0;
  if (switched === false && !isRoot) {
    const fix = adviseSysctl("kernel.unprivileged_userns_clone=1");
    rows.push(
      bad(
        "unprivileged use",
        "kernel.unprivileged_userns_clone is 0: user namespaces are for root only",
        fix,
      ),
    );
  } else {
    const why =
      switched === undefined
        ? "this kernel has no switch for it"
        : `kernel.unprivileged_userns_clone is ${Number(switched)}`;
    rows.push(good("unprivileged use", `permitted: ${why}`));
  }
  return rows;
}

function adviseSysctl(setting: string): string {
  return `sudo sysctl -w ${setting}\necho ${setting} | sudo tee /etc/sysctl.d/90-user-namespaces.conf`;
}

/** What is around this process and might refuse things. The probes decide; these rows say where to look. */
export function checkSurroundings(facts: Facts): Row[] {
  const status = readValue(facts.process);
  if (status === undefined)
    return [{ subject: "seccomp", outcome: "unknown", why: "/proc/self/status can't be read" }];
  const container = facts.container === undefined ? "" : ` (${facts.container})`;
  const count = status.seccompFilters ?? 1;
  const filters = count === 1 ? "one filter is" : `${count} filters are`;
  return [
    status.seccomp === "none"
      ? good("seccomp", "no filter around us")
      : note("seccomp", `${filters} around us${container}; the probes below show what is refused`),
    status.noNewPrivs
      ? note("no_new_privs", "set around us: setuid programs gain nothing here, and tsjail needs none")
      : good("no_new_privs", "not set around us"),
  ];
}

/** Where a fresh /proc is refused, this is why. */
export function checkOvermounts(facts: Facts): Row {
  const mounts = readValue(facts.mounts);
  if (mounts === undefined)
    return { subject: "/proc around us", outcome: "unknown", why: "the mounts can't be read" };
  const obstacle = explainRevealing(mounts, "proc");
  if (obstacle === undefined) return good("/proc around us", "not covered by other mounts");
  return note("/proc around us", `${obstacle}; see the line on a fresh /proc`);
}
