// The kinds of namespaces, with the kernel's limit on each and the profile's way to do without. In: nothing.
// Out: one table; next are facts.ts, which reads the limits, and limits.ts, which judges by them.
import type { namespaceFlags } from "../plan/operations.ts";

export type NamespaceKind = keyof typeof namespaceFlags | "user";

interface Kind {
  /** The middle of user.max_*_namespaces. */
  readonly limit: string;
  readonly title: string;
  /** How a profile does without; undefined where every jail has one. */
  readonly without?: readonly [table: string, line: string];
}

const host = (name: string) => ["[namespaces]", `${name} = "host"`] as const;

/** Every kind of namespace that a jail has of its own. */
export const namespaceKinds: Readonly<Record<NamespaceKind, Kind>> = {
  user: { limit: "user", title: "user" },
  mount: { limit: "mnt", title: "mount" },
  pid: { limit: "pid", title: "pid" },
  net: { limit: "net", title: "network", without: ["[network]", 'mode = "host"'] },
  ipc: { limit: "ipc", title: "ipc", without: host("ipc") },
  uts: { limit: "uts", title: "uts", without: host("uts") },
  cgroup: { limit: "cgroup", title: "cgroup", without: host("cgroup") },
  time: { limit: "time", title: "time", without: host("time") },
};
