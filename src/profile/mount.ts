// [[mount]]: one variant per type, its keys, defaults and descriptions. Part of schema.ts.
import * as v from "valibot";
import {
  about,
  choice,
  content,
  flag,
  integer,
  list,
  mode,
  nonEmpty,
  path,
  size,
  table,
  target,
} from "./field.ts";
import { layerMaker } from "./layer-maker.ts";
import { nearestHint } from "./nearest.ts";

/** As many layers as an image has at most, by Docker's limit. */
export const maxLayers = 128;

const attribute = (text: string, fallback: boolean) => v.optional(about(flag(), text), fallback);
const nosuid = () => attribute("Setuid and setgid bits and file capabilities have no effect.", true);
const nodev = () => attribute("Device files can't be opened.", true);
const noexec = () => attribute("Programs can't be executed.", false);
const at = (fallback: string) => v.optional(about(target(), "Where it appears in the jail."), fallback);
const type = <const T extends string>(name: T, description: string) => about(v.literal(name), description);

const bind = v.pipe(
  table({
    type: type("bind", "A file or directory of the host, with everything mounted below it."),
    source: about(path(), "The path on the host.", { example: 'source = "~/.cache/pip"' }),
    target: v.optional(
      about(target(), "Where it appears in the jail.", {
        fallback: "the source",
        example: 'target = "/cache"',
      }),
    ),
    readonly: attribute("Nothing can be written, in all submounts too.", true),
    nosuid: nosuid(),
    nodev: nodev(),
    noexec: noexec(),
    optional: attribute("A source that does not exist is passed over.", false),
    propagation: v.optional(
      about(
        choice(["private", "slave"]),
        'Whether what the host mounts below the source later appears in the jail ("slave") or not ("private").',
      ),
      "private",
    ),
  }),
  v.transform((mount) => ({ ...mount, target: mount.target ?? mount.source })),
  v.check(({ target: where }) => where !== "/", "has the target / (the root itself is described by [root])"),
);

const tmpfs = table({
  type: type("tmpfs", "An empty, writable file system in memory."),
  target: about(target(), "Where it appears in the jail.", { example: 'target = "/scratch"' }),
  size: v.optional(
    about(size(), "The most that it can hold.", {
      fallback: "half of the memory (tmpfs(5)), which all without a size and `inodes` have in common",
      example: 'size = "512M"',
    }),
  ),
  inodes: v.optional(
    about(integer(1, Number.MAX_SAFE_INTEGER), "The most files that it can hold.", {
      fallback: "the kernel's",
      example: "inodes = 10000",
    }),
  ),
  mode: v.optional(about(mode(), "The permissions of its top directory."), "0755"),
  nosuid: nosuid(),
  nodev: nodev(),
  noexec: noexec(),
  readonly: attribute("Nothing can be written, once what the profile puts there is in place.", false),
});

const overlay = v.pipe(
  table({
    type: type(
      "overlay",
      "Directories of the host, one over another, and a layer over them that is written to.",
    ),
    target: about(target(), "Where it appears in the jail.", { example: 'target = "/srv/www"' }),
    lower: about(
      v.pipe(
        list(path()),
        v.minLength(1, "needs a directory"),
        v.maxLength(maxLayers, `can have ${maxLayers} directories at most`),
      ),
      "The directories, the uppermost first. None of them is changed.",
      { example: 'lower = ["~/patched", "~/original"]' },
    ),
    upper: v.optional(
      about(path(), "The directory in which everything is kept that the jail writes.", {
        fallback: "none: it is in memory, and gone with the jail",
        example: 'upper = "~/changes"',
      }),
    ),
    work: v.optional(
      about(path(), "An empty directory on the same file system, which the kernel needs with `upper`.", {
        fallback: "none",
        example: 'work = "~/changes.work"',
      }),
    ),
    overlay: v.optional(
      about(layerMaker(), "What lays them over one another, as `root.overlay` has it.", {
        example: 'overlay = "kernel"',
      }),
      "auto",
    ),
    readonly: attribute("Nothing can be written.", false),
    nosuid: nosuid(),
    nodev: nodev(),
    noexec: noexec(),
  }),
  v.check(({ target: where }) => where !== "/", "has the target / (the root itself is described by [root])"),
  v.check(
    (mount) => (mount.upper === undefined) === (mount.work === undefined),
    "needs both upper and work, or neither",
  ),
);

const file = v.pipe(
  table({
    type: type("file", "A generated file."),
    target: about(target(), "Where it appears in the jail.", { example: 'target = "/etc/motd"' }),
    content: v.optional(
      about(content(), "What is in it. Either this or `source`.", {
        fallback: "from `source`",
        example: 'content = "Welcome to the jail.\\n"',
      }),
    ),
    source: v.optional(
      about(path(), "The file of the host whose content is copied at the start. Either this or `content`.", {
        fallback: "from `content`",
        example: '# or: source = "~/motd"',
      }),
    ),
    mode: v.optional(about(mode(), "Its permissions."), "0444"),
    optional: attribute("A source that does not exist is passed over.", false),
  }),
  v.check(
    (mount) => (mount.content === undefined) !== (mount.source === undefined),
    "needs either content or source, and not both",
  ),
);

const symlink = table({
  type: type("symlink", "A symbolic link."),
  target: about(target(), "Where the link is made.", { example: 'target = "/opt/tool"' }),
  source: about(nonEmpty(), "What the link says; it may be relative, and need not exist.", {
    path: true,
    example: 'source = "/usr/local/tool"',
  }),
});

const proc = table({
  type: type("proc", "A fresh /proc that shows the jail's processes only."),
  target: at("/proc"),
});
const dev = table({
  type: type(
    "dev",
    "A /dev with null, zero, full, random, urandom and tty, its own terminals, shm and mqueue.",
  ),
  target: at("/dev"),
  size: v.optional(
    about(size(), "The most that its shm can hold.", {
      fallback: "half of the memory (tmpfs(5))",
      example: 'size = "64M"',
    }),
  ),
  inodes: v.optional(
    about(integer(1, Number.MAX_SAFE_INTEGER), "The most files that its shm can hold.", {
      fallback: "the kernel's",
      example: "inodes = 10000",
    }),
  ),
});
const sys = table({ type: type("sys", "A read-only /sys."), target: at("/sys") });
const mqueue = table({
  type: type("mqueue", "POSIX message queues of the jail's own."),
  target: at("/dev/mqueue"),
});
const hide = table({
  type: type("hide", "Nothing: an empty file or directory over what is there."),
  target: about(target(), "What is hidden; if nothing is there, nothing is hidden.", {
    example: 'target = "/etc/machine-id"',
  }),
});
const protect = table({
  type: type("protect", "What is there, read-only, where it would be writable otherwise."),
  target: about(target(), "What stays as it is; if nothing is there, nothing is done.", {
    example: 'target = "$PWD/.git/config"',
  }),
});
const none = table({
  type: type("none", "Takes away what an extended profile put at the target."),
  target: about(target(), "The path that is left as it was.", { example: 'target = "/var/tmp"' }),
});

export const mountTypes = [
  "bind",
  "tmpfs",
  "overlay",
  "file",
  "symlink",
  "proc",
  "dev",
  "sys",
  "mqueue",
  "hide",
  "protect",
  "none",
] as const;

const variants = v.variant(
  "type",
  [bind, tmpfs, overlay, file, symlink, proc, dev, sys, mqueue, hide, protect, none],
  ({ input }) => {
    const given = typeof input === "object" && input !== null && "type" in input ? input.type : input;
    if (given === undefined) return `needs a type: one of ${mountTypes.join(", ")}`;
    const hint = nearestHint(typeof given === "string" ? given : undefined, mountTypes);
    return `must be one of ${mountTypes.map((name) => `"${name}"`).join(", ")}${hint}`;
  },
);

const byType = new Map<unknown, v.GenericSchema>(
  variants.options.map((option) => [option.entries.type.literal, option]),
);

/** As `variants`, which by itself would try one after the other: a profile has dozens of mounts. */
export const mountSchema: typeof variants = {
  ...variants,
  "~run"(dataset, config) {
    const { value } = dataset;
    const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
    const schema = byType.get(type) ?? variants;
    return schema["~run"](dataset, config) as ReturnType<(typeof variants)["~run"]>;
  },
};
