// [user], [namespaces], [root] and [security]: what the jail is made of. Part of schema.ts.
import * as v from "valibot";
import {
  about,
  capability,
  choice,
  flag,
  id,
  integer,
  list,
  path,
  record,
  signedDuration,
  size,
  table,
  text,
} from "./field.ts";
import { layerMaker } from "./layer-maker.ts";
import { layerName } from "./layer-name.ts";
import { callAnswer, callName, callPolicy } from "./syscall.ts";

const u32 = 4294967295;

const privateOnly = (what: string) =>
  v.optional(
    about(
      v.literal("private", ({ input }) => `must be "private"${input === "host" ? `: ${what}` : ""}`),
      `Always private: ${what}.`,
    ),
    "private",
  );
const isolation = (description: string) =>
  v.optional(about(choice(["private", "host"]), description), "private");

export const user = () =>
  table({
    uid: v.optional(
      about(id(), 'The user id inside: the caller\'s own ("keep"), 0 ("root"), or a number.', {
        fallback: '`"keep"`; with an image, the user that it names, else `"root"`',
      }),
      "keep",
    ),
    gid: v.optional(
      about(id(), 'The group id inside: the caller\'s own ("keep"), 0 ("root"), or a number.', {
        fallback: '`"keep"`; with an image, the group that belongs to the user there',
      }),
      "keep",
    ),
    map: v.optional(
      about(
        list(
          table({
            kind: v.optional(about(choice(["uid", "gid", "both"]), "Which ids are mapped."), "both"),
            inside: about(integer(0, u32 - 1), "The first id as the jail sees it."),
            outside: about(integer(0, u32 - 1), "The first id as the host sees it."),
            count: about(integer(1, u32), "How many ids in a row."),
          }),
        ),
        "Ranges of ids, instead of the caller's one. Only a privileged caller (root) may map them (user_namespaces(7)).",
        { example: "map = [{ inside = 0, outside = 100000, count = 65536 }]" },
      ),
      [],
    ),
    emulate: v.optional(
      about(
        flag(),
        'Whether what root does with other ids seems to succeed: owners, switched users, devices. Package managers need it where one id is mapped; it needs `uid = "root"`. See [root-emulation.md](root-emulation.md).',
        { fallback: "true for root of an image, else false", example: "emulate = false" },
      ),
    ),
  });

export const namespaces = () =>
  table({
    mount: privateOnly("without its own mounts there is no jail"),
    user: privateOnly("without root the other namespaces can't be made"),
    pid: isolation("Own process ids: processes of the host are neither seen nor signalled."),
    uts: isolation("Own host name."),
    ipc: isolation("Own System V IPC and POSIX message queues."),
    cgroup: isolation("Own view of the cgroup tree."),
    time: isolation("Own monotonic and boot-time clocks."),
    net: v.optional(
      about(
        choice(["private", "host"]),
        "Own network devices. Follows network.mode and must not contradict it.",
        {
          fallback: "follows `network.mode`",
          example: 'net = "private"',
        },
      ),
    ),
    time_offsets: v.optional(
      about(
        table({
          monotonic: v.optional(
            about(signedDuration(), "Added to CLOCK_MONOTONIC.", { example: 'monotonic = "-1h"' }),
            "0s",
          ),
          boottime: v.optional(
            about(signedDuration(), "Added to CLOCK_BOOTTIME.", { example: 'boottime = "10d"' }),
            "0s",
          ),
        }),
        "How far the jail's clocks are from the host's (time_namespaces(7)).",
      ),
      {},
    ),
    nested: v.optional(
      about(
        flag(),
        "Whether programs in the jail may make user namespaces of their own, as other sandboxes do.",
      ),
      false,
    ),
  });

export const root = () =>
  table({
    type: v.optional(
      about(
        choice(["host", "empty", "directory", "image"]),
        'What / is: the host\'s tree, read-only ("host"); nothing but what the profile puts there ("empty"); a directory that holds a whole system ("directory"); or an image ("image", see [images.md](images.md)).',
        { example: 'type = "directory"' },
      ),
      "host",
    ),
    path: v.optional(
      about(path(), 'The directory, for type "directory".', {
        fallback: "none",
        example: 'path = "~/debian"',
      }),
    ),
    image: v.optional(
      about(text(), 'The image, for type "image", by the name that `tsjail image ls` shows.', {
        fallback: "none",
        example: '# image = "debian:12" # with type = "image"',
      }),
    ),
    writable: v.optional(
      about(
        choice(["no", "ephemeral", "persistent", "yes"]),
        'Whether the jail can write to its root: not at all ("no"); to a layer over it that is gone with the jail ("ephemeral") or kept under `name` ("persistent"); or to the directory itself ("yes", for type "directory"). See [overlays.md](overlays.md).',
        { example: 'writable = "persistent"' },
      ),
      "no",
    ),
    name: v.optional(
      about(layerName(), 'The layer that is kept, for writable "persistent".', {
        fallback: "none",
        example: 'name = "work"',
      }),
    ),
    busy: v.optional(
      about(
        choice(["error", "ephemeral"]),
        'What becomes of a start while another jail has the kept layer: it fails ("error"), or sees what is in the layer, and what it writes is gone with it ("ephemeral").',
      ),
      "error",
    ),
    overlay: v.optional(
      about(
        layerMaker(),
        'What makes the layer: the kernel\'s overlayfs ("kernel"), or the program fuse-overlayfs ("fuse"), which can also change what belongs to root over the host\'s tree as a whole; or the one that can do what is asked ("auto"). See [overlays.md](overlays.md#fuse-overlayfs).',
        { example: 'overlay = "fuse"' },
      ),
      "auto",
    ),
    size: v.optional(
      about(size(), "The most that a layer which is thrown away can hold, in memory.", {
        fallback: "half of the memory (tmpfs(5))",
        example: 'size = "1G"',
      }),
    ),
    scratch: v.optional(
      about(
        choice(["memory", "disk"]),
        'Where a layer lies that is thrown away, of the root and of mounts without `upper`: in memory ("memory"), or on disk ("disk"), in a directory of tsjail\'s own that is removed when the jail ends. See [overlays.md](overlays.md#on-disk).',
        { example: '# or: scratch = "disk"' },
      ),
      "memory",
    ),
  });

export const security = () =>
  table({
    capabilities: v.optional(
      about(list(capability()), "Capabilities to keep, over what the jail itself owns (capabilities(7)).", {
        example: 'capabilities = ["net_bind_service"]',
      }),
      [],
    ),
    no_new_privs: v.optional(
      about(flag(), "No program gains rights by being executed: setuid bits have no effect."),
      true,
    ),
    seccomp: v.optional(
      about(
        callPolicy(),
        'Which system calls the command may make: those of ordinary programs ("default"), those of programs that only compute ("strict"), all ("off"), or what a JSON file says in the format of Docker, Podman and the OCI runtime specification. See [seccomp.md](seccomp.md).',
        { example: 'seccomp = "strict"' },
      ),
      "default",
    ),
    landlock: v.optional(
      about(
        choice(["auto", "required", "off"]),
        'Whether Landlock enforces the rules for files a second time, and keeps the command from the host\'s abstract unix sockets: as far as the kernel can ("auto"), or no start ("required"). See [landlock.md](landlock.md).',
      ),
      "auto",
    ),
    syscalls: v.optional(
      about(
        record(callName(), callAnswer()),
        'Answers to single system calls, in place of what `seccomp` says of them: "allow", "deny" (EPERM), "kill", "log" (allowed, and noted in the kernel\'s log), or an errno\'s name.',
        { example: 'syscalls = { perf_event_open = "allow", chmod = "ENOTSUP" }' },
      ),
      {},
    ),
  });
