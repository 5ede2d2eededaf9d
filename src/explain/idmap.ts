// Why ids can't be mapped into the jail: the rules of user_namespaces(7), and what the facts add.
// In: failures of `setgroups`, `uid_map` and `gid_map`. Out: rules; next is filesystems.ts.
import { readValue } from "./facts.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

export const idmapRules: readonly Rule[] = [
  {
    name: "map_range",
    ops: ["uid_map", "gid_map"],
    errnos: ["EPERM"],
    when: ({ operation, facts }) =>
      (operation?.op === "uid_map" || operation?.op === "gid_map") &&
      !isSingle(operation.map) &&
      !hasIdCapability(facts, operation.op),
    why:
      "The profile maps more than one id, which the kernel allows only to a caller with CAP_SETUID and CAP_SETGID: " +
      "to root, or to root in a container. An ordinary user may map exactly one, their own.",
    fix: "Take `map` out of [user] in the profile; `uid` and `gid` alone choose what your own id looks like inside.",
  },
  {
    name: "map_outside",
    ops: ["uid_map", "gid_map"],
    errnos: ["EPERM"],
    when: ({ operation }) =>
      (operation?.op === "uid_map" || operation?.op === "gid_map") && !isSingle(operation.map),
    why: ({ facts }) =>
      "One of the ids outside doesn't exist in the user namespace that tsjail runs in, which has " +
      `${formatRanges(readValue(facts.uidMap))}.`,
    fix: adviseCommands("Map only ids from these ranges:", "cat /proc/self/uid_map /proc/self/gid_map"),
  },
  {
    name: "map_groups",
    ops: ["gid_map"],
    errnos: ["EPERM"],
    when: ({ plan }) =>
      !plan.some((operation) => operation.op === "setgroups" && operation.policy === "deny"),
    why: "A caller without privileges may write gid_map only after `deny` was written to setgroups (Linux 3.19).",
    fix: "This is a bug in the plan: please report it with the output of `tsjail plan`.",
  },
  {
    name: "map_root",
    ops: ["uid_map", "gid_map"],
    errnos: ["EPERM"],
    when: ({ facts }) => readValue(facts.process)?.euid === 0 && !hasCapability(facts, 31n),
    why:
      "tsjail runs as user 0 of a user namespace, without the capability CAP_SETFCAP: that of a jail with " +
      "`nested = true`, say. Mapping id 0 of a user namespace into another takes it (user_namespaces(7), Linux 5.12).",
    fix: 'In the profile of the jail around this one, set security.capabilities = ["CAP_SETFCAP"], or another user.uid.',
  },
  {
    name: "map_setgroups",
    ops: ["setgroups"],
    errnos: ["EPERM"],
    when: ({ facts }) => readValue(facts.setgroups) === "deny",
    why: "The user namespace around tsjail denies setgroups(2), and so must every one below it.",
    fix: "Take `map` out of [user] in the profile.",
  },
  {
    name: "map_refused",
    last: true,
    ops: ["setgroups", "uid_map", "gid_map"],
    errnos: ["EPERM", "EACCES"],
    why:
      "The kernel lets a process map its own id, so something forbids it here: a security module, a /proc that " +
      "belongs to another pid namespace or is mounted read-only, or a program around tsjail that made it undumpable.",
    fix: adviseCommands(
      "See what the machine permits, and what the kernel has noted:",
      "tsjail doctor",
      "sudo dmesg | tail",
    ),
  },
  {
    name: "map_readonly",
    ops: ["setgroups", "uid_map", "gid_map", "sysctl", "oom_score_adj"],
    errnos: ["EROFS"],
    why: "/proc is mounted read-only around tsjail.",
    fix: "Start the container around tsjail with a writable /proc.",
  },
  {
    name: "map_malformed",
    ops: ["uid_map", "gid_map"],
    errnos: ["EINVAL"],
    why: "The map is not valid: ranges overlap, exceed 2^32, or there are more than 340 of them (user_namespaces(7)).",
    fix: "Correct `map` in [user] of the profile: inside and outside ranges must not overlap.",
  },
  {
    name: "map_vanished",
    ops: ["setgroups", "uid_map", "gid_map"],
    errnos: ["ENOENT", "ESRCH"],
    why: "The jail's init was gone, or /proc shows another pid namespace than the one tsjail runs in.",
    fix: "Start tsjail where /proc is mounted for its own pid namespace (mount -t proc proc /proc).",
  },
];

function isSingle(map: string): boolean {
  return /^\s*\d+ \d+ 1\s*$/.test(map);
}

function hasIdCapability(facts: Failure["facts"], map: "uid_map" | "gid_map"): boolean {
  return hasCapability(facts, map === "uid_map" ? 7n : 6n);
}

function hasCapability(facts: Failure["facts"], capability: bigint): boolean {
  return (((readValue(facts.process)?.effective ?? 0n) >> capability) & 1n) === 1n;
}

function formatRanges(ranges: readonly { inside: number; count: number }[] | undefined): string {
  if (ranges === undefined || ranges.length === 0) return "unknown ids";
  return ranges
    .map(({ inside, count }) => (count === 1 ? `${inside}` : `${inside}…${inside + count - 1}`))
    .join(", ");
}
