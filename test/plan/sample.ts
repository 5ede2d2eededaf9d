// A small, whole plan that several tests start from.
// In: nothing, or the operations to be in it as well. Out: a Plan; next is wire.test.ts.

import { phaseNumber } from "../../src/plan/check.ts";
import type { Operation, Plan } from "../../src/plan/operations.ts";

/** What no plan can do without, with the defaults of the shipped profiles. */
export const smallest: Plan = [
  {
    op: "supervise",
    origin: "default",
    flags: ["init", "die_with_parent"],
    tty: "auto",
    timeout: 0,
    kill_after: 5000,
    status_fd: -1,
  },
  { op: "clone", origin: "default", namespaces: ["mount", "uts", "ipc", "pid", "net"] },
  { op: "uid_map", origin: "user.uid in dev.toml:4", map: "1000 1000 1\n" },
  { op: "gid_map", origin: "default", map: "1000 1000 1\n" },
  { op: "pivot", origin: "default" },
  { op: "capabilities", origin: "default", keep: 0 },
  { op: "workdir", origin: "workdir in dev.toml:2", path: "/home/ada" },
  {
    op: "environment",
    origin: "env in dev.toml:9",
    list: ["HOME=/home/ada"],
    pass: ["LANG", "LC_*"],
    unset: [],
    defaults: ["PATH=/usr/local/bin:/usr/bin"],
  },
  { op: "command", origin: "command in dev.toml:3", argv: ["bash", "-l"] },
];

/** The smallest plan with these operations put where their phases want them, in place of others where only one can be. */
export function planWith(...extra: readonly Operation[]): Plan {
  const replaced = new Set(extra.map(({ op }) => op));
  const kept = smallest.filter(({ op }) => !replaced.has(op));
  // Within a phase the added ones come first: `pivot` ends what can be done to the tree.
  return [...extra, ...kept].sort((a, b) => phaseNumber(a.op) - phaseNumber(b.op));
}
