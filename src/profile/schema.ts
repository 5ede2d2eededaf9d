// The profile: one schema, the only source of the type, the checks, `tsjail schema` and docs/profile.md. An object
// of plain values comes in (from TOML, variables already replaced, or from a caller of the library), a Profile goes
// out, or all that is wrong with it. The kinds of value are in field.ts and limit.ts, the other tables in isolation.ts,
// execution.ts and mount.ts. Next: check.ts.
import * as v from "valibot";
import { maxVolumes } from "../plan/operations.ts";
import { env, process, rlimits } from "./execution.ts";
import {
  about,
  choice,
  concat,
  hostname,
  integer,
  ip,
  list,
  nonEmpty,
  oneOrSeveral,
  path,
  record,
  table,
  target,
  text,
} from "./field.ts";
import { namespaces, root, security, user } from "./isolation.ts";
import { mountSchema } from "./mount.ts";
import { section } from "./section.ts";
import { volumeSchema } from "./volume.ts";

const paths = (description: string, example: string) =>
  v.optional(about(list(target()), description, { ...concat, example }), []);

const files = () =>
  table({
    read: paths(
      "Paths of the host that can be read, with everything below them.",
      'read = ["~/.gitconfig", "/opt/tool"]',
    ),
    write: paths("Paths of the host that can be read and written.", 'write = ["$PWD"]'),
    hide: paths(
      "Paths that are empty in the jail. One that does not exist is passed over.",
      'hide = ["~/.ssh"]',
    ),
    protect: paths(
      "Paths that stay as they are: read-only wherever the jail could write them. One that does not exist is passed over.",
      'protect = ["$PWD/.git/hooks"]',
    ),
    tmpfs: paths("Paths that are empty and writable in the jail, and gone with it.", 'tmpfs = ["/var/tmp"]'),
  });

const network = () =>
  table({
    mode: v.optional(
      about(
        choice(["none", "host"]),
        'A network of its own with nothing but the loopback device ("none"), or the host\'s.',
        { example: 'mode = "host"' },
      ),
      "none",
    ),
    bind: v.optional(
      about(
        list(integer(0, 65535)),
        "TCP ports that the jail can serve on, with the host's network; 0 is a free one that the kernel chooses. Needs Landlock.",
        { fallback: "all", example: "bind = [8080]" },
      ),
    ),
    connect: v.optional(
      about(
        list(integer(1, 65535)),
        "TCP ports that the jail can connect to, with the host's network, on any machine. Needs Landlock.",
        { fallback: "all", example: "connect = [443]" },
      ),
    ),
    hosts: v.optional(
      about(
        record(
          v.pipe(v.string(), v.regex(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/, "is not a host name")),
          oneOrSeveral(ip(), "IP address, or list of them"),
        ),
        "Names and addresses for the jail's /etc/hosts.",
        { example: 'hosts = { "db.test" = "127.0.0.1" }' },
      ),
      {},
    ),
    dns: v.optional(
      about(list(ip()), "Name servers for the jail's /etc/resolv.conf; none leaves the file as it is.", {
        example: 'dns = ["9.9.9.9"]',
      }),
      [],
    ),
    search: v.optional(
      about(list(hostname()), "Search domains for the jail's /etc/resolv.conf.", {
        example: 'search = ["example.org"]',
      }),
      [],
    ),
  });

const entries = {
  extends: v.optional(
    about(
      oneOrSeveral(nonEmpty(), "string, or list of strings"),
      "Profiles that this one builds on: the name of a shipped one, or a path relative to this file.",
      { path: true, fallback: "none", example: 'extends = ["dev", "./common.toml"]' },
    ),
    [],
  ),
  description: v.optional(
    about(text(), "What the profile is for, in one line.", {
      literal: true,
      fallback: "none",
      example: 'description = "Build the manual"',
    }),
  ),
  command: v.optional(
    about(list(text()), "What runs when the command line names no command.", {
      example: 'command = ["bash", "-l"]',
    }),
    [],
  ),
  hostname: v.optional(about(hostname(), "The host name inside; needs a private uts namespace."), "tsjail"),
  domainname: v.optional(
    about(hostname(), "The NIS domain name inside.", { fallback: "none", example: 'domainname = "example"' }),
  ),
  workdir: v.optional(
    about(path(), "Where the command starts.", {
      fallback: "the caller's directory if the jail shows it, else the home directory, else /",
      example: 'workdir = "$PWD"',
    }),
  ),
  user: section("user", user, "Who the command is."),
  namespaces: section("namespaces", namespaces, "What the jail has of its own."),
  root: section("root", root, "What / is."),
  files: section("files", files, "Paths, by what the jail may do with them. Their order has no meaning."),
  mount: v.optional(
    about(
      list(mountSchema),
      "One mount each, where [files] can't say enough. Their order has no meaning.",
      concat,
    ),
    [],
  ),
  volume: v.optional(
    about(
      v.pipe(
        list(volumeSchema),
        v.check(
          (volumes) => new Set(volumes.map(({ name }) => name)).size <= maxVolumes,
          `can name ${maxVolumes} volumes at most`,
        ),
      ),
      "Directories that are kept when the jail ends, and that jails can share. See [volumes.md](volumes.md).",
      concat,
    ),
    [],
  ),
  network: section("network", network, "What the jail can reach."),
  env: section("env", env, "The command's environment: pass, then unset, then set."),
  process: section("process", process, "How the command runs and ends."),
  rlimits: section(
    "rlimits",
    rlimits,
    "Resource limits per process (getrlimit(2)): one value for both limits, or { soft, hard }.",
  ),
  security: section("security", security, "What the command may do beyond an ordinary user's rights."),
};

/** One file's part of a profile: everything but what keys must say together. */
export const layerSchema = table(entries);

type Layer = v.InferOutput<typeof layerSchema>;

/** What keys must say together: the key, when it is at fault, and the message that follows the key. */
type Contradiction = readonly [
  key: string,
  isAtFault: (profile: Layer) => boolean,
  describe: (profile: Layer) => string,
];
const contradictions: readonly Contradiction[] = [
  [
    "root.type",
    ({ root: { type, path } }) => type === "directory" && path === undefined,
    () => 'is "directory", so root.path must say which',
  ],
  [
    "root.type",
    ({ root: { type, image } }) => type === "image" && image === undefined,
    () => 'is "image", so root.image must say which',
  ],
  [
    "root.image",
    ({ root: { type, image } }) => type !== "image" && image !== undefined,
    ({ root: { type } }) => `needs root.type = "image", which is "${type}"`,
  ],
  [
    "root.path",
    ({ root: { type, path } }) => type !== "directory" && path !== undefined,
    ({ root: { type } }) => `needs root.type = "directory", which is "${type}"`,
  ],
  [
    "root.writable",
    ({ root: { type, writable } }) => type !== "directory" && writable === "yes",
    ({ root: { type } }) => `= "yes" needs root.type = "directory", which is "${type}"`,
  ],
  [
    "root.writable",
    ({ root: { type, writable } }) => type === "empty" && writable !== "no",
    ({ root: { writable } }) => `= "${writable}" needs something to write over, and root.type is "empty"`,
  ],
  [
    "root.writable",
    ({ root: { writable, name } }) => writable === "persistent" && name === undefined,
    () => 'is "persistent", so root.name must say which layer is kept',
  ],
  [
    "root.name",
    ({ root: { writable, name } }) => writable !== "persistent" && name !== undefined,
    ({ root: { writable } }) => `needs root.writable = "persistent", which is "${writable}"`,
  ],
  [
    "root.busy",
    ({ root: { writable, busy } }) => writable !== "persistent" && busy !== "error",
    ({ root: { writable } }) => `needs root.writable = "persistent", which is "${writable}"`,
  ],
  [
    "root.size",
    ({ root: { size, scratch } }) => size !== undefined && scratch === "disk",
    () =>
      'needs root.scratch = "memory", which is "disk": what lies on disk is bounded by the file system there',
  ],
  [
    "root.scratch",
    ({ root: { scratch }, user: { map } }) => scratch === "disk" && map.length > 0,
    () =>
      "= \"disk\" and user.map can't both be said: the directory on disk is yours, and the ids that are mapped can't enter it",
  ],
  [
    "namespaces.net",
    ({ namespaces: { net }, network }) => net !== undefined && (net === "host") !== (network.mode === "host"),
    ({ namespaces: { net }, network }) =>
      `is "${net}" and contradicts network.mode, which is "${network.mode}"`,
  ],
  [
    "namespaces.time_offsets",
    ({ namespaces: { time, time_offsets } }) =>
      time === "host" && (time_offsets.monotonic !== 0 || time_offsets.boottime !== 0),
    () => 'needs namespaces.time = "private", which is "host"',
  ],
  [
    "security.no_new_privs",
    ({ security: { no_new_privs, seccomp, capabilities } }) =>
      !no_new_privs && seccomp !== "off" && !capabilities.includes("CAP_SYS_ADMIN"),
    () =>
      '= false needs security.seccomp = "off": without it the kernel takes a filter of system calls only from CAP_SYS_ADMIN',
  ],
  [
    "user.emulate",
    ({ user, security: { no_new_privs, capabilities } }) =>
      user.emulate === true && !no_new_privs && !capabilities.includes("CAP_SYS_ADMIN"),
    () => "needs security.no_new_privs, which is false: it is done by a filter of system calls",
  ],
  [
    "user.emulate",
    ({ user, rlimits }) => user.emulate === true && rlimits.locks !== undefined,
    () => "and rlimits.locks can't both be said: that limit, which limits nothing, is how ids are remembered",
  ],
  [
    "security.syscalls",
    ({ security: { seccomp, syscalls } }) => seccomp === "off" && Object.keys(syscalls).length > 0,
    () => 'needs security.seccomp, which is "off"',
  ],
  ...(["bind", "connect"] as const).flatMap((name): Contradiction[] => [
    [
      `network.${name}`,
      ({ network }) => network[name] !== undefined && network.mode !== "host",
      ({ network }) => `needs network.mode = "host", which is "${network.mode}"`,
    ],
    [
      `network.${name}`,
      ({ network, security }) => network[name] !== undefined && security.landlock === "off",
      () => 'needs security.landlock, which is "off"',
    ],
    [
      `network.${name}`,
      ({ network, security }) => network[name] !== undefined && security.seccomp === "off",
      () => 'needs security.seccomp, which is "off": Landlock knows nothing of multipath TCP',
    ],
  ]),
  [
    "security.landlock",
    // With CAP_SYS_ADMIN, which landlock_restrict_self(2) takes as well, there are no rules for files.
    ({ security }) => security.landlock === "required" && !security.no_new_privs,
    () => '= "required" needs security.no_new_privs, which is false',
  ],
  [
    "domainname",
    ({ namespaces, domainname }) => namespaces.uts === "host" && domainname !== undefined,
    () => 'needs namespaces.uts = "private", which is "host"',
  ],
];

/** A whole profile. Input: all keys optional. Output: defaults filled in, sizes in bytes, durations in ms. */
export const profileSchema = v.pipe(
  layerSchema,
  v.rawCheck<Layer>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const [key, isAtFault, describe] of contradictions) {
      if (isAtFault(dataset.value)) addIssue({ message: describe(dataset.value), path: toIssuePath(key) });
    }
  }),
);

function toIssuePath(key: string): [v.IssuePathItem, ...v.IssuePathItem[]] {
  const items = key.split(".").map((name) => ({
    type: "object" as const,
    origin: "value" as const,
    input: {},
    key: name,
    value: undefined,
  }));
  return items as [v.IssuePathItem, ...v.IssuePathItem[]];
}

/** A profile as it is written: what a TOML file holds and what a library's caller passes. */
export type ProfileInput = v.InferInput<typeof profileSchema>;
/** A profile that has passed all checks. Sizes are bytes, durations milliseconds, modes numbers. */
export type Profile = v.InferOutput<typeof profileSchema>;
export type Mount = Profile["mount"][number];
export type Volume = Profile["volume"][number];
export type MountType = Mount["type"];
export type IdMap = Profile["user"]["map"][number];
