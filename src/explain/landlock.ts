// Why the command can't be restricted by Landlock. In: failures of its three system calls. Out: rules; next is
// executor.ts.
import { adviseUnfiltered, describeAround } from "./container.ts";
import { readValue } from "./facts.ts";
import type { Failure, Rule } from "./rule.ts";

const ops = ["landlock", "landlock_path", "landlock_port"] as const;
const steps = ["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"] as const;
const isFiltered = ({ facts }: Failure): boolean => readValue(facts.process)?.seccomp === "filter";
const without = 'Or do without it, in the profile: landlock = "off" in [security]';

export const landlockRules: readonly Rule[] = [
  {
    name: "landlock_filtered",
    ops,
    steps,
    errnos: ["ENOSYS", "EPERM"],
    when: isFiltered,
    why: ({ facts }) =>
      `A seccomp filter around tsjail${describeAround(facts.container)} has nobody restrict themselves: it refuses ` +
      "Landlock's system calls.",
    fix: ({ facts }) => `${adviseUnfiltered(facts.container)}\n${without}`,
  },
  {
    name: "landlock_privilege",
    ops,
    steps: ["landlock_restrict_self"],
    errnos: ["EPERM"],
    why: "Without no_new_privs only a process with CAP_SYS_ADMIN can restrict itself (landlock(7)).",
    fix: 'Write no_new_privs = true in [security] of the profile, or landlock = "off".',
  },
  {
    name: "landlock_depth",
    ops,
    steps: ["landlock_restrict_self"],
    errnos: ["E2BIG"],
    why: "There are 16 restrictions by Landlock around each other already, and no more are possible (landlock(7)).",
    fix: `Start fewer jails inside each other.\n${without}`,
  },
  {
    name: "landlock_missing",
    ops,
    steps,
    errnos: ["ENOSYS", "EOPNOTSUPP", "EINVAL", "E2BIG", "ENOMSG"],
    code: "host_unsupported",
    why: "This kernel has no Landlock, or an older one than the plan was compiled for.",
    fix: `See what it has: tsjail doctor\n${without}`,
  },
];
