// Ubuntu's restriction of user namespaces, and other AppArmor profiles around us: how to tell, what to do.
// In: facts. Out: rules and the text of a profile; the doctor prints the same. Next is explain.ts.
import type { Facts } from "./facts.ts";
import { readValue } from "./facts.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

/** Whether AppArmor takes the capabilities of our new user namespaces away: Ubuntu 23.10 and later. */
export function isRestricted(facts: Facts): boolean {
  if (readValue(facts.apparmorRestrictUserns) !== true) return false;
  // CAP_SYS_ADMIN, bit 21: whoever has it already is not restricted.
  return (((readValue(facts.process)?.effective ?? 0n) >> 21n) & 1n) === 0n;
}

/** The AppArmor profile that confines us, "docker-default (enforce)"; one that only has a name does not. */
export function findConfinement(facts: Facts): string | undefined {
  const label = readValue(facts.apparmorLabel) ?? "";
  return label === "" || /^unconfined$|\((unconfined|complain)\)$/.test(label) ? undefined : label;
}

/** The lines of /etc/apparmor.d/tsjail; apparmor.d(5). */
export function writeProfile(executor: string): readonly string[] {
  return [
    "abi <abi/4.0>,",
    "include <tunables/global>",
    `profile tsjail "${executor}" flags=(unconfined) {`,
    "  userns,",
    "  include if exists <local/tsjail>",
    "}",
  ];
}

/** How to allow tsjail its user namespaces on Ubuntu: narrowly, or for everybody. */
export function adviseRestricted(facts: Facts): string {
  const executor = facts.executor ?? "/path/of/the/executor";
  const where = facts.executor === undefined ? " (`tsjail doctor` prints the executor's path)" : "";
  const lines = writeProfile(executor).map((line) => `'${line.replaceAll("'", "'\\''")}'`);
  return [
    adviseCommands(
      `Allow it to tsjail alone${where}:`,
      `printf '%s\\n' ${lines.join(" ")} | sudo tee /etc/apparmor.d/tsjail`,
      "sudo apparmor_parser -r /etc/apparmor.d/tsjail",
    ),
    adviseCommands(
      "Or allow it to every program on this machine, until the next boot:",
      "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
  ].join("\n");
}

const whyRestricted =
  "This machine's AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1, the default " +
  "of Ubuntu 23.10 and later): an ordinary program may create one, and then has no capabilities in it.";

const refusals = ["EPERM", "EACCES"];

/** Ahead of the rules of these operations: they come first in every jail, so they are where the restriction shows. */
export const restrictionRules: readonly Rule[] = [
  {
    name: "apparmor_restriction",
    ops: [
      "setgroups",
      "uid_map",
      "gid_map",
      "time_offsets",
      "propagation",
      "stage",
      "root_tmpfs",
      "root_bind",
    ],
    errnos: refusals,
    when: ({ facts }) => isRestricted(facts),
    why: whyRestricted,
    fix: ({ facts }) => adviseRestricted(facts),
  },
];

/** Among the rules of `clone`, after those that say more. */
export const restrictedCloneRule: Rule = {
  name: "apparmor_restriction_clone",
  ops: ["clone"],
  errnos: refusals,
  when: ({ facts }) => isRestricted(facts),
  why: whyRestricted,
  fix: ({ facts }) => adviseRestricted(facts),
};

export const confinementRules: readonly Rule[] = [
  {
    name: "apparmor_restriction_later",
    last: true,
    errnos: refusals,
    when: (failure) => isRestricted(failure.facts) && isPrivilegedStep(failure),
    why: whyRestricted,
    fix: ({ facts }) => adviseRestricted(facts),
  },
  {
    name: "apparmor_profile",
    last: true,
    errnos: refusals,
    when: (failure) => findConfinement(failure.facts) !== undefined && isPrivilegedStep(failure),
    why: ({ facts }) =>
      `tsjail runs under the AppArmor profile "${findConfinement(facts)}", which may well forbid this. The kernel's ` +
      "log has a line about each denial.",
    fix: adviseCommands(
      "Look for the denial, then change that profile or start tsjail outside it:",
      "sudo journalctl -k --grep='apparmor=\"DENIED\"' --since=-5min",
      "docker run --security-opt apparmor=unconfined …   # where the profile is Docker's",
    ),
  },
  {
    name: "selinux",
    last: true,
    errnos: ["EACCES"],
    when: (failure) => readValue(failure.facts.selinuxEnforcing) === true && isPrivilegedStep(failure),
    why: "SELinux is enforcing here and may well forbid this. Its audit log has a line about each denial.",
    fix: adviseCommands(
      "Look for the denial:",
      "sudo ausearch -m avc -ts recent",
      "podman run --security-opt label=disable …   # where a container is around tsjail",
    ),
  },
];

/** Steps of the new namespaces' own kind, which the file permissions of the host have no part in. */
function isPrivilegedStep({ report, operation }: Failure): boolean {
  const own = [
    "clone3",
    "unshare",
    "mount_setattr",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "pivot_root",
  ];
  const others = [
    "umount2",
    "sethostname",
    "setdomainname",
    "prctl",
    "capset",
    "setgroups",
    "ioctl",
    "socket",
  ];
  if ([...own, ...others, "open_tree"].includes(report.step)) return true;
  return operation !== undefined && ["uid_map", "gid_map", "setgroups", "sysctl"].includes(operation.op);
}
