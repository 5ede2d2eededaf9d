// [env], [process] and [rlimits]: how the command runs. Part of schema.ts.
import * as v from "valibot";
import {
  about,
  choice,
  concat,
  duration,
  flag,
  integer,
  list,
  mode,
  namePattern,
  record,
  table,
  text,
  variableName,
} from "./field.ts";
import { type LimitUnit, limit } from "./limit.ts";

export const env = () =>
  table({
    clear: v.optional(about(flag(), "Start from an empty environment instead of the caller's."), true),
    pass: v.optional(
      about(list(namePattern()), "Names of the caller's variables to take over; `*` stands for anything.", {
        ...concat,
        example: 'pass = ["TERM", "LC_*"]',
      }),
      [],
    ),
    unset: v.optional(
      about(list(namePattern()), "Names to take away again from what was passed; `set` comes after it.", {
        ...concat,
        example: 'unset = ["*_TOKEN"]',
      }),
      [],
    ),
    set: v.optional(
      about(record(variableName(), text()), "Variables and their values.", {
        example: 'set = { EDITOR = "vi", PROJECT = "$PWD" }',
      }),
      {},
    ),
  });

export const process = () =>
  table({
    tty: v.optional(
      about(
        choice(["auto", "always", "never"]),
        'A terminal of the jail\'s own: when standard input or output is one ("auto"), even if neither is, or not at all.',
      ),
      "auto",
    ),
    timeout: v.optional(
      about(
        duration(),
        "After this wall-clock time the command is ended, with exit status 124. 0s is none.",
        {
          fallback: "none",
          example: 'timeout = "10m"',
        },
      ),
    ),
    kill_after: v.optional(
      about(duration(), "How long SIGTERM may take before SIGKILL follows, at a timeout.", {
        example: 'kill_after = "500ms"',
      }),
      "5s",
    ),
    umask: v.optional(
      about(mode(), "The permission bits that new files don't get.", {
        fallback: "the caller's",
        example: 'umask = "022"',
      }),
    ),
    nice: v.optional(
      about(integer(-20, 19), "Scheduling priority; 19 is the lowest.", {
        fallback: "the caller's",
        example: "nice = 10",
      }),
    ),
    oom_score_adj: v.optional(
      about(integer(-1000, 1000), "How gladly the kernel kills it when memory is short; 1000 first.", {
        fallback: "the caller's",
        example: "oom_score_adj = 500",
      }),
    ),
    die_with_parent: v.optional(
      about(flag(), "The jail ends when the program that started tsjail ends."),
      true,
    ),
    init: v.optional(
      about(
        flag(),
        "Keep a small process as pid 1 that reaps orphans and forwards signals; without, the command is pid 1.",
      ),
      true,
    ),
    listen_fds: v.optional(
      about(flag(), "Pass on the sockets of LISTEN_FDS socket activation (sd_listen_fds(3))."),
      false,
    ),
  });

// Those of one unit are one schema, so what is said of each stands beside its key.
const limits = {
  size: limit("size"),
  count: limit("count"),
  seconds: limit("seconds"),
  microseconds: limit("microseconds"),
} as const satisfies Record<LimitUnit, unknown>;
const limitOf = (unit: LimitUnit, description: string, example: string) =>
  about(v.optional(limits[unit]), description, { fallback: "the caller's", example });

export const rlimits = () =>
  table({
    as: limitOf("size", "Address space.", 'as = "4G"'),
    core: limitOf("size", "Size of a core dump; 0 writes none.", "core = 0"),
    cpu: limitOf("seconds", "Processor time.", 'cpu = "10m"'),
    data: limitOf("size", "Data segment.", 'data = "2G"'),
    fsize: limitOf("size", "Size of a file that is written.", 'fsize = "1G"'),
    locks: limitOf("count", "File locks (without effect since Linux 2.4.25).", "locks = 100"),
    memlock: limitOf("size", "Locked memory.", 'memlock = "64K"'),
    msgqueue: limitOf("size", "POSIX message queues.", 'msgqueue = "800K"'),
    nice: limitOf("count", "Ceiling of the nice value: 20 minus this.", "nice = 20"),
    nofile: limitOf("count", "Open file descriptors, plus one.", "nofile = { soft = 1024, hard = 4096 }"),
    nproc: limitOf(
      "count",
      "Processes and threads of the jail's user; those outside the jail don't count.",
      "nproc = 512",
    ),
    rss: limitOf("size", "Resident memory (without effect since Linux 2.4.30).", 'rss = "1G"'),
    rtprio: limitOf("count", "Ceiling of the real-time priority.", "rtprio = 0"),
    rttime: limitOf(
      "microseconds",
      "Processor time in one go under real-time scheduling.",
      'rttime = "200ms"',
    ),
    sigpending: limitOf("count", "Queued signals.", "sigpending = 1024"),
    stack: limitOf("size", "Stack of the first thread.", 'stack = "8M"'),
  });
