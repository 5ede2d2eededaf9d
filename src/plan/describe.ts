// Operations in words: what each is about, and its details. Whoever reads a plan sees what the jail shows.
// In: an operation. Out: short pieces of text, escaped; next is text.ts.
import { nameCapabilities } from "./capabilities.ts";
import { escapeText, quoteWord, shorten } from "./escape.ts";
import { readRights, writeRights } from "./landlock.ts";
import type { Operation, OperationName } from "./operations.ts";
import { infinity } from "./operations.ts";

type Named<K extends OperationName> = Extract<Operation, { op: K }>;
/** What it acts on, and how. Empty details are left out. */
type Description = readonly [subject: string, ...details: string[]];
type Describers = { readonly [K in OperationName]: (operation: Named<K>) => Description };

const comma = (names: readonly string[]): string => names.join(",");
const octal = (mode: number): string => mode.toString(8).padStart(4, "0");
const arrow = (source: string, target: string): string =>
  source === target ? quoteWord(target) : `${quoteWord(source)} → ${quoteWord(target)}`;

function describeLayers({ lower, upper, by }: Pick<Named<"overlay">, "lower" | "upper" | "by">): string[] {
  const kept = upper === "" ? "written to a layer that is thrown away" : `written to ${quoteWord(upper)}`;
  return [`over ${lower.map(quoteWord).join(" ")}`, kept, by === "fuse" ? "by fuse-overlayfs" : ""];
}

const describers: Describers = {
  fact_invocation: ({ package: directory, options }) => [[directory, ...options].map(quoteWord).join(" ")],
  fact_caller: ({ uid, gid, capabilities }) => [
    `uid ${uid}, gid ${gid}`,
    `capabilities: ${nameCapabilities(capabilities).join(" ") || "none"}`,
  ],
  fact_machine: ({ release, version, machine }) => [
    [release, version, machine].filter(Boolean).map(escapeText).join(" "),
  ],
  fact_directory: ({ path }) => [quoteWord(path)],
  fact_variable: ({ name, state, value }) => [
    state === "set" ? `${quoteWord(name)}=${quoteWord(value)}` : `${quoteWord(name)} is not set`,
  ],
  fact_file: ({ path, inode, size }) => [quoteWord(path), `inode ${inode}`, formatSize(size)],
  fact_kind: ({ path, kind, flags }) => [quoteWord(path), kind, flags.join(" ")],
  fact_link: ({ path, text }) => [`${quoteWord(path)} → ${quoteWord(text)}`],
  fact_mounts: ({ text }) => [`${formatSize(text.length)} of mountinfo`],
  fact_landlock: ({ abi }) => [`ABI ${abi}`],
  explain: ({ argv }) => [argv.map(quoteWord).join(" ")],
  supervise: (op) => [
    `tty ${op.tty}`,
    op.flags.join(", "),
    op.timeout === 0 ? "no timeout" : `timeout ${formatDuration(op.timeout)}`,
    op.kill_after === 0 ? "" : `kill after ${formatDuration(op.kill_after)}`,
    op.status_fd === -1 ? "" : `status to descriptor ${op.status_fd}`,
  ],
  pass_fd: ({ fd }) => [`descriptor ${fd}`],
  mount_point: ({ root, target, kind }) => [`${quoteWord(root)} + ${quoteWord(target)}`, kind],
  layer: ({ lock, busy }) => [quoteWord(lock), `where it is in use: ${busy}`],
  hold: ({ lock }) => [quoteWord(lock), "shared"],
  scratch_directory: ({ parent }) => [`a new one in ${quoteWord(parent)}`],
  layer_server: ({ program, options, scratch, cover }) => [
    quoteWord(program),
    formatOptions(options),
    `thrown away: ${formatOptions(scratch)}`,
    `nothing to see at: ${cover.map(quoteWord).join(" ")}`,
  ],
  clone: ({ namespaces }) => [`new namespaces: ${["user", ...namespaces].join(" ")}`],
  setgroups: ({ policy }) => [policy],
  uid_map: ({ map }) => [formatIdMap(map)],
  gid_map: ({ map }) => [formatIdMap(map)],
  oom_score_adj: ({ value }) => [String(value)],
  time_offsets: ({ offsets }) => [escapeText(offsets.trim().replaceAll("\n", ", "))],
  propagation: ({ mode }) => [mode],
  stage: () => [""],
  root_tmpfs: ({ options }) => ["/", formatOptions(options)],
  root_bind: ({ source, set }) => [`${quoteWord(source)} → /`, comma(set)],
  scratch: ({ options }) => [formatOptions(options)],
  root_overlay: (op) => ["/", ...describeLayers(op), comma(op.set)],
  overlay: (op) => [quoteWord(op.target), ...describeLayers(op), comma(op.set)],
  bind: (op) => [
    arrow(op.source, op.target),
    comma(op.set),
    op.flags.join(" "),
    op.propagation === "none" ? "" : `propagation ${op.propagation}`,
  ],
  mount: ({ fstype, target, options, flags, set }) => [
    `${quoteWord(fstype)} on ${quoteWord(target)}`,
    comma(set),
    formatOptions(options),
    flags.join(" "),
  ],
  device: ({ source, target, major, minor }) => [arrow(source, target), `character device ${major}:${minor}`],
  directory: ({ target, mode }) => [quoteWord(target), `mode ${octal(mode)}`],
  symlink: ({ target, text }) => [`${quoteWord(target)} → ${quoteWord(text)}`],
  file: ({ target, content, mode, flags, set }) => [
    quoteWord(target),
    comma(set),
    `mode ${octal(mode)}`,
    formatSize(content.length),
    formatContent(content),
    flags.join(" "),
  ],
  hide: ({ target, flags }) => [quoteWord(target), flags.join(" ")],
  readonly: ({ target, flags }) => [quoteWord(target), flags.join(" ")],
  pin: ({ target }) => [quoteWord(target)],
  attributes: ({ target, flags, set }) => [quoteWord(target), comma(set), flags.join(" ")],
  pty: ({ ptmx, console }) => [`${quoteWord(ptmx)} → ${quoteWord(console)}`],
  sysctl: ({ name, value }) => [`${quoteWord(name)} = ${quoteWord(value)}`],
  hostname: ({ name }) => [quoteWord(name)],
  domainname: ({ name }) => [quoteWord(name)],
  loopback: () => ["lo"],
  pivot: () => ["/"],
  ids: ({ uid, gid, groups }) => [`uid ${uid}, gid ${gid}`, `groups: ${groups}`],
  capabilities: ({ keep }) => [nameCapabilities(keep).join(" ") || "none"],
  no_new_privs: () => [""],
  workdir: ({ path }) => [quoteWord(path)],
  umask: ({ mask }) => [octal(mask)],
  nice: ({ value }) => [String(value)],
  rlimit: ({ resource, soft, hard }) => [
    resource,
    soft === hard ? formatLimit(resource, soft) : `soft ${formatLimit(resource, soft)}`,
    soft === hard ? "" : `hard ${formatLimit(resource, hard)}`,
  ],
  environment: ({ list, pass, unset, defaults }) => [
    list.map(quoteWord).join(" ") || "nothing set",
    pass.length === 0 ? "" : `passed: ${pass.map(quoteWord).join(" ")}`,
    unset.length === 0 ? "" : `but: ${unset.map(quoteWord).join(" ")}`,
    defaults.length === 0 ? "" : `else: ${defaults.map(quoteWord).join(" ")}`,
  ],
  landlock: ({ fs, net, scoped }) => [
    fs.length === 0 ? "files as the mounts have them" : "files by the rules below",
    net.length === 0 ? "" : `TCP by port: ${net.join(", ")}`,
    scoped.length === 0 ? "" : `scoped: ${scoped.join(", ")}`,
  ],
  landlock_path: ({ path, rights }) => [quoteWord(path), formatRights(rights)],
  landlock_port: ({ port, rights }) => [String(port), rights.join(" ")],
  emulate: ({ filter, uid, gid }) => [`filter of ${filter.length / 8} instructions`, `from ${uid}:${gid} on`],
  seccomp: ({ filter, flags, notify_fd }) => [
    `filter of ${filter.length / 8} instructions`,
    flags.join(" "),
    notify_fd === -1 ? "" : `listener to descriptor ${notify_fd}`,
  ],
  command: ({ argv }) => [argv.map(quoteWord).join(" ") || "none"],
};

/** What an operation acts on, and its details, each escaped and without line breaks. */
export function describeOperation(operation: Operation): Description {
  // The table is complete by its type; TypeScript can't see that key and argument go together.
  const describe = describers[operation.op] as (operation: Operation) => Description;
  return describe(operation);
}

/** "90 s", "1500 ms". */
export function formatDuration(milliseconds: number | bigint): string {
  const value = BigInt(milliseconds);
  return value % 1000n === 0n ? `${value / 1000n} s` : `${value} ms`;
}

const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

const wholes: readonly (readonly [name: string, rights: readonly string[]])[] = [
  ["read", readRights],
  ["write", writeRights],
];

/** "read execute": a word for what goes together, where all of it is there. */
function formatRights(rights: readonly string[]): string {
  const whole = wholes.filter(([, parts]) => parts.every((part) => rights.includes(part)));
  const left = rights.filter((right) => !whole.some(([, parts]) => parts.includes(right)));
  return [...whole.map(([name]) => name), ...left].join(" ");
}

/** "512 MiB"; exact: what isn't a whole number of a unit is given in a smaller one. */
export function formatSize(bytes: number | bigint): string {
  let value = BigInt(bytes);
  let unit = 0;
  while (value !== 0n && value % 1024n === 0n && unit < units.length - 1) {
    value /= 1024n;
    unit++;
  }
  return `${value} ${value === 1n && unit === 0 ? "byte" : units[unit]}`;
}

const sizeLimits: ReadonlySet<string> = new Set([
  "as",
  "core",
  "data",
  "fsize",
  "memlock",
  "msgqueue",
  "rss",
  "stack",
]);

function formatLimit(resource: string, value: number | bigint): string {
  if (BigInt(value) === infinity) return "unlimited";
  if (resource === "cpu") return `${value} s`;
  if (resource === "rttime") return `${value} µs`;
  return sizeLimits.has(resource) ? formatSize(value) : String(value);
}

/** "size=512 MiB,mode=1777": the options of fsconfig(2). */
function formatOptions(options: readonly string[]): string {
  return options
    .map((option) => {
      const size = /^size=(\d{1,18})$/.exec(option)?.[1];
      return size === undefined ? quoteWord(option) : `size=${formatSize(BigInt(size)).replace(" ", "")}`;
    })
    .join(",");
}

/** "0 is 1000 outside"; "0…65535 are 100000…165535 outside"; see user_namespaces(7). */
function formatIdMap(map: string): string {
  const lines = map.trim().split("\n");
  const ranges = lines.map((line) =>
    /^(\d{1,10}) (\d{1,10}) (\d{1,10})$/.exec(line.trim())?.slice(1).map(Number),
  );
  if (ranges.some((range) => range === undefined)) return escapeText(map);
  return ranges
    .map((range) => {
      const [inside = 0, outside = 0, count = 0] = range ?? [];
      if (count === 1) return `${inside} is ${outside} outside`;
      return `${inside}…${inside + count - 1} are ${outside}…${outside + count - 1} outside`;
    })
    .join(", ");
}

/** The beginning of a file, if it is text. */
function formatContent(content: Uint8Array): string {
  const text = Buffer.from(content.subarray(0, 200)).toString("utf8");
  if (text.includes("\0") || text.includes("\ufffd")) return "binary";
  return text === "" ? "" : `"${shorten(escapeText(text).replaceAll('"', '\\"'), 40)}"`;
}
