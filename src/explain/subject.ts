// What a failed operation was meant to do, in words: the first half of every message.
// In: an operation. Out: "show /srv/data in the jail"; next is explain.ts.
import { basename, dirname } from "node:path";
import { isImageLock } from "../image/place.ts";
import { quoteWord } from "../plan/escape.ts";
import type { Operation, OperationName } from "../plan/operations.ts";

type Named<K extends OperationName> = Extract<Operation, { op: K }>;
type Subjects = { readonly [K in OperationName]: (operation: Named<K>) => string };

const show = (source: string, target: string): string =>
  source === target
    ? `show ${quoteWord(target)} in the jail`
    : `show ${quoteWord(source)} at ${quoteWord(target)} in the jail`;

const nameLayers = (lower: readonly string[]): string =>
  lower.length > 3 ? `${lower.length} layers` : lower.map(quoteWord).join(" and ");

const filesystems: Readonly<Record<string, string>> = {
  proc: "a fresh procfs",
  sysfs: "a fresh sysfs",
  tmpfs: "a tmpfs",
  devpts: "a private devpts",
  mqueue: "a fresh mqueue file system",
};

const subjects: Subjects = {
  fact_invocation: () => "find the plan that was kept",
  fact_caller: () => "compare the caller",
  fact_machine: () => "compare the machine",
  fact_directory: () => "compare the current directory",
  fact_variable: ({ name }) => `compare $${name}`,
  fact_file: ({ path }) => `compare ${quoteWord(path)}`,
  fact_kind: ({ path }) => `compare ${quoteWord(path)}`,
  fact_link: ({ path }) => `compare ${quoteWord(path)}`,
  fact_mounts: () => "compare where things are mounted",
  fact_landlock: () => "compare the ABI of Landlock",
  explain: () => "prepare the jail",
  supervise: () => "prepare to look after the jail",
  pass_fd: ({ fd }) => `pass descriptor ${fd} on to the command`,
  mount_point: ({ root, target }) => `make the mount point ${quoteWord(target)} in ${quoteWord(root)}`,
  hold: ({ lock }) =>
    isImageLock(lock) ? "use the image" : `use the volume ${quoteWord(basename(dirname(lock)))}`,
  layer: ({ lock }) => `use the kept layer ${quoteWord(dirname(lock))}`,
  scratch_directory: ({ parent }) =>
    `make room on disk for a layer that is thrown away, in ${quoteWord(parent)}`,
  layer_server: ({ program }) => `start ${quoteWord(program)}`,
  clone: () => "create the jail's namespaces",
  setgroups: () => "settle the jail's supplementary groups",
  uid_map: () => "map user ids into the jail",
  gid_map: () => "map group ids into the jail",
  oom_score_adj: ({ value }) => `set oom_score_adj to ${value}`,
  time_offsets: () => "set the jail's clocks",
  propagation: () => "cut the jail's mounts off from the host's",
  stage: () => "make the jail's staging tmpfs",
  root_tmpfs: () => "make the jail's root",
  root_bind: ({ source }) => `use ${quoteWord(source)} as the jail's root`,
  scratch: () => "make room for a layer that is thrown away",
  root_overlay: ({ lower }) => `lay ${nameLayers(lower)} over one another as the jail's root`,
  overlay: ({ lower, target }) => `put a layer over ${nameLayers(lower)} at ${quoteWord(target)} in the jail`,
  bind: ({ source, target }) => show(source, target),
  mount: ({ fstype, target }) =>
    `mount ${filesystems[fstype] ?? `a file system of type ${quoteWord(fstype)}`} on ${quoteWord(target)} in the jail`,
  device: ({ source, target }) => show(source, target),
  directory: ({ target }) => `make the directory ${quoteWord(target)} in the jail`,
  symlink: ({ target }) => `make the symbolic link ${quoteWord(target)} in the jail`,
  file: ({ target }) => `put the file ${quoteWord(target)} into the jail`,
  hide: ({ target }) => `hide ${quoteWord(target)} in the jail`,
  readonly: ({ target }) => `make ${quoteWord(target)} read-only in the jail`,
  pin: ({ target }) => `hold ${quoteWord(target)} in its place in the jail`,
  attributes: ({ target }) => `change the mount on ${quoteWord(target)} in the jail`,
  pty: () => "open the jail's terminal",
  sysctl: ({ name, value }) => `set ${quoteWord(name)} to ${quoteWord(value)}`,
  hostname: ({ name }) => `set the jail's host name to ${quoteWord(name)}`,
  domainname: ({ name }) => `set the jail's domain name to ${quoteWord(name)}`,
  loopback: () => "bring up the jail's loopback interface",
  pivot: () => "enter the jail's root",
  ids: ({ uid, gid }) => `become user ${uid} and group ${gid} in the jail`,
  capabilities: () => "give up capabilities",
  no_new_privs: () => "set no_new_privs",
  workdir: ({ path }) => `enter the working directory ${quoteWord(path)}`,
  umask: () => "set the umask",
  nice: ({ value }) => `set the nice value to ${value}`,
  rlimit: ({ resource }) => `set the limit ${resource}`,
  environment: () => "set the command's environment",
  landlock: () => "restrict the command by Landlock",
  landlock_path: ({ path }) => `give the command its rights to ${quoteWord(path)}`,
  landlock_port: ({ port }) => `give the command its rights to TCP port ${port}`,
  emulate: () => "load the filter for root emulation",
  seccomp: () => "load the filter of system calls",
  command: () => "execute the command",
};

/** The rest of a sentence that begins with "Can't". */
export function nameSubject(operation: Operation | undefined): string {
  if (operation === undefined) return "start the jail";
  return (subjects[operation.op] as (operation: Operation) => string)(operation);
}
