// Why layers can't be laid over one another, and why a kept one, a volume, or a place on disk can't be had. In: failures
// of `layer`, `hold`, `scratch_directory`, `scratch` and the overlays. Out: rules; next is filesystems.ts.
import { dirname } from "node:path";
import { isBelow } from "../compile/path.ts";
import { isImageLock } from "../image/place.ts";
import { quoteShell, quoteWord } from "../plan/escape.ts";
import { readValue } from "./facts.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

const overlays = ["root_overlay", "overlay"] as const;

const lowerOf = ({ operation }: Failure): readonly string[] =>
  operation?.op === "overlay" || operation?.op === "root_overlay" ? operation.lower : [];
const upperOf = ({ operation }: Failure): string =>
  operation?.op === "overlay" || operation?.op === "root_overlay" ? operation.upper : "";
const workOf = ({ operation }: Failure): string =>
  operation?.op === "overlay" || operation?.op === "root_overlay" ? operation.work : "";
/** What the executor leaves where fuse-overlayfs has written (native/server.c), and overlayfs refuses. */
const wasServed = (failure: Failure): boolean =>
  failure.facts.probeFile(`${workOf(failure)}/work/incompat/fuse-overlayfs`).kind === "directory";
/** Where layers lie on disk that are thrown away; undefined where they don't. */
function scratchOf({ plan }: Failure): string | undefined {
  const found = plan.find(({ op }) => op === "scratch_directory");
  return found?.op === "scratch_directory" ? found.parent : undefined;
}
const quoteScratch = (failure: Failure): string => quoteWord(scratchOf(failure) ?? "");
const inMemory = ["[root]", 'scratch = "memory"'] as const;
const lockOf = ({ operation }: Failure): string =>
  operation?.op === "layer" || operation?.op === "hold" ? operation.lock : "";

/** What is mounted below a layer. */
function findSubmounts(failure: Failure): string[] {
  const mounts = readValue(failure.facts.mounts) ?? [];
  const below = ({ target }: { target: string }) => lowerOf(failure).some((lower) => isBelow(target, lower));
  return [...new Set(mounts.filter(below).map(({ target }) => target))];
}

export const overlayRules: readonly Rule[] = [
  {
    name: "layer_busy",
    ops: ["layer"],
    steps: ["flock"],
    errnos: ["EAGAIN"],
    why: (failure) => {
      const pid = readValue(failure.facts.readHolder(lockOf(failure)));
      const who = pid === undefined ? "Another jail" : `The jail of process ${pid}`;
      return `${who} is writing to this layer, and two at once would damage it.`;
    },
    fix: adviseCommands(
      "End that jail first; or, in the profile, look at the layer and throw away what is written meanwhile:",
      "[root]",
      'busy = "ephemeral"',
    ),
  },
  {
    name: "layer_gone",
    ops: ["layer"],
    steps: ["open"],
    errnos: ["ENOENT"],
    why: "It was removed just now, after this start had seen it.",
    fix: "Start again: a layer that is missing is made anew.",
  },
  {
    name: "layer_closed",
    ops: ["layer"],
    why: (failure) => `Its lock can't be opened or written: ${quoteWord(lockOf(failure))}.`,
    fix: (failure) => adviseCommands("Look at it:", `ls -la ${quoteShell(dirname(lockOf(failure)))}`),
  },
  {
    name: "image_gone",
    ops: ["hold"],
    steps: ["open", "flock"],
    errnos: ["ENOENT", "EAGAIN"],
    when: (failure) => isImageLock(lockOf(failure)),
    why: "It was removed just now, after this start had seen it, or is being removed.",
    fix: "Bring it in again: tsjail image import FILE, or tsjail image pull NAME",
  },
  {
    name: "volume_gone",
    ops: ["hold"],
    steps: ["open"],
    errnos: ["ENOENT"],
    why: "It was removed just now, after this start had seen it.",
    fix: "Start again: a volume that is missing is made anew.",
  },
  {
    name: "volume_busy",
    ops: ["hold"],
    steps: ["flock"],
    errnos: ["EAGAIN"],
    why: "It is being removed just now.",
    fix: "Start again in a moment: a volume that is missing is made anew.",
  },
  {
    name: "volume_closed",
    ops: ["hold"],
    why: (failure) => `Its lock can't be had: ${quoteWord(lockOf(failure))}.`,
    fix: (failure) => adviseCommands("Look at it:", `ls -la ${quoteShell(dirname(lockOf(failure)))}`),
  },
  {
    name: "scratch_full",
    ops: ["scratch_directory", "scratch", ...overlays],
    errnos: ["ENOSPC", "EDQUOT"],
    when: (failure) => scratchOf(failure) !== undefined && upperOf(failure) === "",
    why: (failure) => `The file system of ${quoteScratch(failure)} is full, or your quota there is used up.`,
    fix: (failure) =>
      adviseCommands(
        "Make room there, set XDG_DATA_HOME to another file system, or write to memory, in the profile:",
        `df -h ${quoteShell(dirname(scratchOf(failure) ?? "/"))}`,
        ...inMemory,
      ),
  },
  {
    name: "scratch_unwritable",
    ops: overlays,
    steps: ["mount"],
    errnos: ["EROFS"],
    when: (failure) => scratchOf(failure) !== undefined,
    why: (failure) =>
      `The kernel couldn't make a work directory for the layer in ${quoteScratch(failure)}, and so would let nothing be ` +
      "written: that file system is full, or read-only by now.",
    fix: (failure) =>
      adviseCommands(
        "Make room there, set XDG_DATA_HOME to another file system, or write to memory, in the profile:",
        `df -hi ${quoteShell(dirname(scratchOf(failure) ?? "/"))}`,
        ...inMemory,
      ),
  },
  {
    name: "scratch_foreign",
    ops: ["scratch_directory"],
    steps: ["fstat"],
    errnos: ["EPERM"],
    why: (failure) =>
      `${quoteScratch(failure)} is another user's, or others may write to it: they could put a directory of theirs in the place of the jail's.`,
    fix: (failure) =>
      adviseCommands(
        "Look at it; if it is yours, take the others' rights away:",
        `ls -ld ${quoteShell(scratchOf(failure) ?? "/")}`,
        `chmod 700 ${quoteShell(scratchOf(failure) ?? "/")}`,
      ),
  },
  {
    name: "layer_unwritable",
    ops: overlays,
    steps: ["mount"],
    errnos: ["EROFS"],
    when: (failure) => upperOf(failure) !== "",
    why: (failure) =>
      `The kernel couldn't make a work directory for the layer ${quoteWord(upperOf(failure))}, and so would let nothing ` +
      "be written: that file system is full, or read-only.",
    fix: (failure) => adviseCommands("Make room there:", `df -hi ${quoteShell(upperOf(failure))}`),
  },
  {
    name: "scratch_readonly",
    ops: ["scratch_directory"],
    errnos: ["EROFS"],
    why: (failure) => `${quoteScratch(failure)} is on a file system that is read-only.`,
    fix: adviseCommands("Set XDG_DATA_HOME to another one, or write to memory, in the profile:", ...inMemory),
  },
  {
    name: "scratch_denied",
    ops: ["scratch_directory"],
    errnos: ["EACCES", "EPERM"],
    why: (failure) => `You may not make ${quoteScratch(failure)}, or not write to it.`,
    fix: (failure) =>
      adviseCommands(
        "Look at the way there; set XDG_DATA_HOME to a directory of yours, or write to memory, in the profile:",
        `namei -l ${quoteShell(scratchOf(failure) ?? "/")}`,
        ...inMemory,
      ),
  },
  {
    name: "scratch_place",
    ops: ["scratch_directory"],
    steps: ["open", "mkdirat"],
    errnos: ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"],
    why: (failure) =>
      `A part of ${quoteScratch(failure)} is no directory, leads nowhere, or its name is too long.`,
    fix: (failure) =>
      adviseCommands(
        "Look at the way there, or set XDG_DATA_HOME to a directory of yours:",
        `namei -l ${quoteShell(scratchOf(failure) ?? "/")}`,
      ),
  },
  {
    name: "scratch_lock",
    ops: ["scratch_directory"],
    steps: ["flock"],
    why: (failure) =>
      `The file system of ${quoteScratch(failure)} has no locks for directories (flock(2)), as some network file systems have none.`,
    fix: adviseCommands(
      "Set XDG_DATA_HOME to a local file system, or write to memory, in the profile:",
      ...inMemory,
    ),
  },
  {
    name: "scratch_moved",
    ops: ["scratch"],
    steps: ["openat2"],
    errnos: ["ENOENT", "ESTALE", "EACCES"],
    why: (failure) =>
      `What this start has made in ${quoteScratch(failure)} was removed meanwhile, or something was mounted over it.`,
    fix: "Start again.",
  },
  {
    name: "overlay_submounts",
    ops: overlays,
    steps: ["mount"],
    errnos: ["EINVAL"],
    when: (failure) => findSubmounts(failure).length > 0,
    why: (failure) =>
      `Something is mounted below a layer: ${findSubmounts(failure).slice(0, 3).map(quoteWord).join(", ")}. The kernel ` +
      "locks such mounts together in a user namespace, so that nobody uncovers what they hide, and overlayfs takes " +
      "no tree of that kind.",
    fix: adviseCommands(
      "Where it was mounted only lately, forget the plans that are kept; else take a directory without mounts in it:",
      "tsjail cache clear",
    ),
  },
  {
    name: "overlay_missing",
    ops: overlays,
    steps: ["openat2"],
    errnos: ["ENOENT", "ENOTDIR"],
    why:
      "One of the layers doesn't exist, or is no directory. No link is followed to a layer that is written to: an " +
      "earlier jail may have left it there.",
    fix: "Create it, or correct its path in the profile.",
  },
  {
    name: "overlay_denied",
    ops: overlays,
    steps: ["openat2", "mkdirat"],
    errnos: ["EACCES", "EPERM"],
    why: "You may not enter, or not write to, one of the layers.",
    fix: "Take directories that are yours.",
  },
  {
    name: "overlay_refused",
    ops: overlays,
    steps: ["mount"],
    errnos: ["EPERM"],
    why: "The kernel lets ordinary users mount overlayfs since Linux 5.11; before that, or where a security module forbids it, it doesn't.",
    fix: adviseCommands("See what the machine permits:", "tsjail doctor"),
  },
  {
    name: "overlay_unknown",
    ops: overlays,
    steps: ["mount"],
    errnos: ["ENODEV"],
    why: "The kernel has no overlayfs, or its module isn't loaded.",
    fix: adviseCommands("Load it:", "sudo modprobe overlay"),
  },
  {
    name: "overlay_other_maker",
    ops: overlays,
    steps: ["mount"],
    errnos: ["EINVAL"],
    when: (failure) => workOf(failure) !== "" && wasServed(failure),
    why: (failure) =>
      `What is kept in ${quoteWord(upperOf(failure))} was written by fuse-overlayfs, and the kernel's overlayfs would ` +
      "misread what it has noted of removed files and directories.",
    fix: adviseCommands(
      "Let the same one go on with it, in the profile, or take other directories:",
      'overlay = "fuse"',
    ),
  },
  {
    name: "scratch_unfit",
    ops: overlays,
    steps: ["mount"],
    errnos: ["EINVAL", "EOPNOTSUPP"],
    when: (failure) => scratchOf(failure) !== undefined && upperOf(failure) === "",
    why: (failure) =>
      `The kernel takes no layer on the file system of ${quoteScratch(failure)} (a network file system, FUSE, FAT, another ` +
      "overlay), or one of the directories below can be no layer.",
    fix: adviseCommands(
      "Set XDG_DATA_HOME to another file system, or, in the profile, write to memory:",
      ...inMemory,
    ),
  },
  {
    name: "overlay_invalid",
    ops: overlays,
    steps: ["mount"],
    errnos: ["EINVAL", "EXDEV"],
    why: (failure) =>
      upperOf(failure) === ""
        ? "The kernel doesn't take one of the layers: a directory on a file system that can be no layer (a casefolded one, or one without types of entries), or one that is part of another."
        : "The kernel doesn't take the layers: what is written to must lie on one file system together with its work directory, and not on a network file system, and none may be part of another.",
    fix: adviseCommands("See what the kernel says of it:", "sudo dmesg | tail"),
  },
  {
    name: "overlay_loop",
    ops: overlays,
    steps: ["mount"],
    errnos: ["ELOOP"],
    why: "One of the layers lies within another.",
    fix: "Take directories that lie beside each other.",
  },
  {
    name: "overlay_many",
    ops: overlays,
    steps: ["mount"],
    errnos: ["E2BIG"],
    why: "There are more layers than one mount takes.",
    fix: "Take fewer: 128 is the most.",
  },
  {
    name: "scratch_option",
    ops: ["scratch"],
    errnos: ["EINVAL"],
    why: "The kernel doesn't accept the size of the layer that is thrown away.",
    fix: "Correct `size` in [root] of the profile (tmpfs(5)).",
  },
];
