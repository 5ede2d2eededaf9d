// What a system call is answered, as data: the form between profiles and files (default.ts, strict.ts, oci.ts) and
// programs for the kernel (bpf.ts, libseccomp.ts). In: nothing. Out: types, and the kernel's numbers for the answers.
import { constants } from "node:os";

/** seccomp(2), "SECCOMP_RET_*". `trace` and `trap` hand a number over, 0 to 65535. */
export type Action =
  | { readonly type: "allow" | "log" | "notify" | "kill_process" | "kill_thread" }
  | { readonly type: "errno" | "trace" | "trap"; readonly value: number };

export type Operator = "ne" | "lt" | "le" | "eq" | "ge" | "gt" | "masked_eq";

/** Of all 64 bits of an argument, as libseccomp does it: what the kernel takes for an int has 32 more. */
export interface Comparison {
  readonly index: number;
  readonly operator: Operator;
  readonly value: bigint;
  /** For masked_eq: the bits that are compared. */
  readonly mask?: bigint;
}

/** All comparisons have to hold. Rules with comparisons for one call must not contradict each other. */
export interface Rule {
  readonly names: readonly string[];
  readonly action: Action;
  readonly comparisons: readonly Comparison[];
}

/** What the low 32 bits of an argument, all that the kernel looks at in an int, must be for a guard to hold. */
export interface Argument {
  readonly index: number;
  readonly is: "one of" | "none of" | "any bit of";
  readonly values: readonly number[];
}

/** Asked before all rules; the first that holds decides. A name that a machine lacks is passed over there. */
export interface Guard {
  readonly names: readonly string[];
  readonly action: Action;
  readonly argument?: Argument;
  /** The answer where the argument is not so; without it the next guard is asked, and then the rules. */
  readonly otherwise?: Action;
}

/** Tokens of libseccomp's for the ABIs of x86 and arm, by which files name them: "SCMP_ARCH_X32". */
export type Abi = "x86_64" | "x86" | "x32" | "aarch64" | "arm";

export interface Policy {
  /** The ABIs it speaks of beside the machine's own. */
  readonly subordinate: readonly Abi[];
  /** For calls by any other ABI. */
  readonly foreign: Action;
  /** For calls without a rule. */
  readonly otherwise: Action;
  /** For numbers that stand for no call that we know; undefined: as any other. */
  readonly unknown?: Action;
  readonly guards: readonly Guard[];
  readonly rules: readonly Rule[];
}

export const allow: Action = { type: "allow" };

export function answerErrno(name: keyof typeof constants.errno): Action {
  return { type: "errno", value: constants.errno[name] };
}

const returns: Readonly<Record<Action["type"], number>> = {
  kill_process: 0x8000_0000,
  kill_thread: 0,
  trap: 0x0003_0000,
  errno: 0x0005_0000,
  notify: 0x7fc0_0000,
  trace: 0x7ff0_0000,
  log: 0x7ffc_0000,
  allow: 0x7fff_0000,
};

/** What the program returns, and what libseccomp calls the action: they are the same numbers. */
export function encodeAction(action: Action): number {
  return (returns[action.type] | ("value" in action ? action.value : 0)) >>> 0;
}

export function decodeAction(result: number): Action {
  const head = (result & 0xffff_0000) >>> 0;
  const type = (Object.keys(returns) as Action["type"][]).find((each) => returns[each] === head);
  // The kernel takes what it doesn't know for this (seccomp(2)).
  if (type === undefined) return { type: "kill_process" };
  return type === "errno" || type === "trace" || type === "trap"
    ? { type, value: result & 0xffff }
    : { type };
}

/** Whether the call is carried out. */
export const lets = ({ type }: Action): boolean => type === "allow" || type === "log";
