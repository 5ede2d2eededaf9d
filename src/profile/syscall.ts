// security.seccomp and [security.syscalls]: a policy, names of system calls, and what they are answered. Part of
// isolation.ts. The table of calls is read when a profile names one; few do.
import { constants } from "node:os";
import * as v from "valibot";
import { TsjailError } from "../error.ts";
import { type Action, allow, answerErrno } from "../seccomp/policy.ts";
import { readCalls } from "../seccomp/syscalls.ts";
import { parsed, parsePath } from "./field.ts";
import { nearestHint } from "./nearest.ts";
import { quoteShort } from "./quote.ts";

const policies = ["default", "strict", "off"];

/** One of ours, none, or the absolute path of a file. */
export const callPolicy = () =>
  v.pipe(
    v.string("must be a word or a path"),
    v.check((value) => !value.includes("\0"), "contains a NUL byte"),
    parsed((value: string) => {
      if (policies.includes(value)) return value;
      if (value.includes("/")) return parsePath(value);
      const hint = nearestHint(value, policies);
      throw new TsjailError(
        "profile_invalid",
        `must be "default", "strict", "off" or the absolute path of a file in Docker's format${hint}`,
      );
    }),
    v.metadata({ kind: '"default", "strict", "off" or path', path: true as const }),
  );

export const callName = () =>
  v.pipe(
    v.string("must be the name of a system call"),
    parsed((name: string) => {
      if (readCalls().has(name)) return name;
      const hint = nearestHint(name, [...readCalls().keys()]);
      throw new TsjailError("profile_invalid", `is no system call: ${quoteShort(name)}${hint}`);
    }),
    v.metadata({ kind: "system call" }),
  );

const words: Readonly<Record<string, () => Action>> = {
  allow: () => allow,
  deny: () => answerErrno("EPERM"),
  kill: () => ({ type: "kill_process" }),
  log: () => ({ type: "log" }),
};

export const callAnswer = () =>
  v.pipe(
    v.string("must be a word"),
    parsed((word: string): Action => {
      const known = Object.hasOwn(words, word) ? words[word] : undefined;
      if (known !== undefined) return known();
      if (Object.hasOwn(constants.errno, word)) return answerErrno(word as keyof typeof constants.errno);
      const hint = nearestHint(word, [...Object.keys(words), ...Object.keys(constants.errno)]);
      throw new TsjailError(
        "profile_invalid",
        `must be "allow", "deny", "kill", "log" or the name of an errno${hint}`,
      );
    }),
    v.metadata({ kind: '"allow", "deny", "kill", "log" or errno' }),
  );
