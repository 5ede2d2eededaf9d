// The kernel's limits on namespaces, user.max_*_namespaces (namespaces(7)): who has set one to 0, and why the jail
// can't have its own set to 0. In: facts, failures of `clone` and `sysctl`. Out: rules; next is namespaces.ts.
import type { Plan } from "../plan/operations.ts";
import { unmaskOptions } from "./container.ts";
import { type Facts, readValue } from "./facts.ts";
import { type NamespaceKind, namespaceKinds } from "./kinds.ts";
import { findMount } from "./mounts.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

const allKinds = Object.keys(namespaceKinds) as NamespaceKind[];

/** "user.max_net_namespaces" */
export const nameLimit = (kind: NamespaceKind): string => `user.max_${namespaceKinds[kind].limit}_namespaces`;

/** The kinds that nobody may create here, of all or of some. */
export function findDisabled(facts: Facts, kinds: readonly NamespaceKind[] = allKinds): NamespaceKind[] {
  return kinds.filter((kind) => readValue(facts.maxNamespaces[kind]) === 0);
}

/** "network and time namespaces are switched off …": a sentence without its full stop. */
export function describeDisabled(kinds: readonly NamespaceKind[]): string {
  const titles = kinds.map((kind) => namespaceKinds[kind].title);
  const verb = kinds.length === 1 ? "is" : "are";
  return (
    `${joinWords(titles)} namespaces are switched off on this machine: ` +
    `${joinWords(kinds.map(nameLimit))} ${verb} 0`
  );
}

function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** The settings that allow these kinds, and, where a jail can do without them all, the lines of a profile. */
export function adviseDisabled(kinds: readonly NamespaceKind[]): string {
  const settings = kinds.map((kind) => `${nameLimit(kind)}=15000`);
  const allow = adviseCommands(
    "Allow them, now and after the next boot:",
    `sudo sysctl -w ${settings.join(" ")}`,
    `${settings.length === 1 ? "echo" : "printf '%s\\n'"} ${settings.join(" ")} | sudo tee -a /etc/sysctl.d/90-user-namespaces.conf`,
  );
  const without = kinds.map((kind) => namespaceKinds[kind].without);
  if (without.includes(undefined)) return allow;
  const tables = new Map<string, string[]>();
  for (const [table = "", line = ""] of without.map((each) => each ?? [])) {
    tables.set(table, [...(tables.get(table) ?? []), line]);
  }
  return `${allow}\n${adviseCommands("Or do without, in the profile:", ...[...tables].flat(2))}`;
}

/** The kinds that a plan makes; time_offsets makes one of its own. */
export function listKinds(plan: Plan): NamespaceKind[] {
  return plan.flatMap((operation): readonly NamespaceKind[] => {
    if (operation.op === "clone") return ["user", ...operation.namespaces];
    return operation.op === "time_offsets" ? ["time"] : [];
  });
}

const nesting = "user.max_user_namespaces";

/** Whether the plan keeps the jail from making user namespaces of its own. */
export function forbidsNesting(plan: Plan): boolean {
  return plan.some((operation) => operation.op === "sysctl" && operation.name === nesting);
}

/** Whether /proc/sys around us is a mount of its own, or can't be written. */
export function isSysCovered(facts: Facts): boolean {
  const mount = findMount(readValue(facts.mounts) ?? [], "/proc/sys/user/max_user_namespaces");
  return mount !== undefined && (mount.target !== "/proc" || mount.options.includes("ro"));
}

/** How to start the container around us with its /proc whole. */
export function adviseWhole(facts: Facts): string {
  return adviseCommands(
    "Start the container around tsjail with its /proc whole:",
    unmaskOptions[facts.container ?? "docker"],
    ...(facts.container === undefined ? [unmaskOptions.podman] : []),
  );
}

const isNesting = ({ operation }: Failure): boolean =>
  operation?.op === "sysctl" && operation.name === nesting;

const whyNesting =
  "The jail is to be kept from making user namespaces of its own. That takes a /proc whose sys/ can be written: a " +
  "fresh one it doesn't get here, and ";

const adviseNesting = ({ facts }: Failure): string =>
  `${adviseWhole(facts)}\n${adviseCommands("Or allow them to the jail, in the profile:", "[namespaces]", "nested = true")}`;

export const limitRules: readonly Rule[] = [
  {
    name: "namespaces_disabled",
    ops: ["clone", "time_offsets"],
    errnos: ["ENOSPC", "EUSERS"],
    when: ({ facts, plan }) => findDisabled(facts, listKinds(plan)).length > 0,
    why: ({ facts, plan }) => {
      const sentence = describeDisabled(findDisabled(facts, listKinds(plan)));
      return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
    },
    fix: ({ facts, plan }) => adviseDisabled(findDisabled(facts, listKinds(plan))),
  },
  {
    name: "nesting_readonly",
    ops: ["sysctl"],
    steps: ["fsmount", "openat2"],
    // EXDEV: sys/ is a mount of its own, and none is followed there.
    errnos: ["EPERM", "EXDEV", "EROFS"],
    when: isNesting,
    why: `${whyNesting}the surrounding /proc/sys is read-only, or covered by another mount.`,
    fix: adviseNesting,
  },
  {
    name: "nesting_not_procfs",
    ops: ["sysctl"],
    reasons: ["not_procfs"],
    when: isNesting,
    why: `${whyNesting}what is around it on /proc is no procfs: tsjail writes nothing there, for it may be a trap.`,
    fix: adviseNesting,
  },
];
