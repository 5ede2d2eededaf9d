// Root emulation, the filter's part: which system calls of root's can't be done with one mapped id, and what they are
// answered. It is a filter of its own in front of the policy's; of two answers the kernel takes the stricter one
// (seccomp(2)), so nothing that a policy refuses goes through by this. In: the ids. Out: a program. What is asked of the
// monitor here is answered by native/emulate.c. docs/root-emulation.md says what of it is real.

import { resources } from "../plan/operations.ts";
import { AND, auditArchitectures, type Instruction, JEQ, jump, LOAD, RETURN, statement } from "./bpf.ts";
import { allow, encodeAction } from "./policy.ts";
import { findNumber, type Machine } from "./syscalls.ts";

export interface Emulated {
  /** The only ids there are in the jail. */
  readonly uid: number;
  readonly gid: number;
  /** Capabilities are the profile's to give; a program that lays down what it really has must not be told a tale. */
  readonly withCapabilities: boolean;
  /** CAP_SETFCAP: attributes are real then. */
  readonly withAttributes: boolean;
}

/** Credentials: what is set is what is got afterwards. */
export const idCalls = [
  ...[
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
  ],
  ...["getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups"],
] as const;

/** The name of an attribute lies in memory, where no filter sees it. */
export const attributeCalls = ["setxattr", "lsetxattr", "fsetxattr", "setxattrat"] as const;

/** By the place of the uid among the arguments; the gid follows. */
export const ownerCalls = { chown: 1, lchown: 1, fchown: 1, fchownat: 2 } as const;
/** By the place of the mode; the device's number follows. */
export const nodeCalls = { mknod: 1, mknodat: 2 } as const;

const success = statement(RETURN, encodeAction({ type: "errno", value: 0 }));
const proceed = statement(RETURN, encodeAction(allow));
const ask = statement(RETURN, encodeAction({ type: "notify" }));
/** The low half of an argument: the kernel looks at no more of ids, modes and numbers. */
const loadArgument = (index: number) => statement(LOAD, 16 + 8 * index);

/** (uid_t)-1: leave it as it is. */
const unchanged = 0xffff_ffff;
const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
/** prctl(2): PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_SECUREBITS; PR_CAP_AMBIENT with PR_CAP_AMBIENT_RAISE. */
const [keepCapabilities, dropBounding, setSecurebits, ambient, raise] = [8, 24, 28, 47, 2];

export function makeEmulation(emulated: Emulated, machine: Machine): Instruction[] {
  const blocks: [string, readonly Instruction[]][] = [
    ...idCalls.map((name): [string, Instruction[]] => [name, [ask]]),
    ...(emulated.withAttributes ? [] : attributeCalls.map((name): [string, Instruction[]] => [name, [ask]])),
    ...Object.entries(ownerCalls).map(([name, at]): [string, Instruction[]] => [
      name,
      giveAway(at, emulated),
    ]),
    ...Object.entries(nodeCalls).map(([name, at]): [string, Instruction[]] => [name, makeNode(at)]),
    ["prctl", control(emulated)],
    ["setrlimit", setLimit],
    ["prlimit64", setOrGetLimit],
  ];
  if (!emulated.withCapabilities) blocks.push(["capset", [success]]);
  const body = blocks.flatMap(([name, block]) => {
    const number = findNumber(name, machine);
    return number === undefined ? [] : [jump(JEQ, number, 0, block.length), ...block];
  });
  return [
    statement(LOAD, 4),
    jump(JEQ, auditArchitectures[machine], 1, 0),
    proceed,
    statement(LOAD, 0),
    ...body,
    proceed,
  ];
}

/** To nobody but oneself: that is the kernel's to do, with all the errors there are. */
const giveAway = (at: number, { uid, gid }: Emulated): Instruction[] => [
  loadArgument(at),
  jump(JEQ, uid, 1, 0),
  jump(JEQ, unchanged, 0, 4),
  loadArgument(at + 1),
  jump(JEQ, gid, 1, 0),
  jump(JEQ, unchanged, 0, 1),
  proceed,
  success,
];

/** Of devices there is no more than a file, which another has to make (native/stand_in.c); but for the 0:0 of overlayfs's whiteouts, which anybody may make (Linux 5.8). */
const makeNode = (at: number): Instruction[] => [
  loadArgument(at),
  statement(AND, S_IFMT),
  jump(JEQ, S_IFBLK, 4, 0),
  jump(JEQ, S_IFCHR, 0, 2),
  loadArgument(at + 1),
  jump(JEQ, 0, 0, 1),
  proceed,
  ask,
];

/** What is kept over a change of ids; and what is to be laid down, where there is nothing. */
const control = ({ withCapabilities }: Emulated): Instruction[] => {
  const own = withCapabilities ? [] : layDown;
  return [loadArgument(0), jump(JEQ, keepCapabilities, 0, 1), ask, ...own, proceed];
};

const layDown: readonly Instruction[] = [
  jump(JEQ, dropBounding, 4, 0),
  jump(JEQ, setSecurebits, 3, 0),
  jump(JEQ, ambient, 0, 3),
  loadArgument(1),
  jump(JEQ, raise, 0, 1),
  success,
];

/** The limit in which native/emulate.c remembers: pam_limits(8) resets it among all others. */
const setLimit: readonly Instruction[] = [
  loadArgument(0),
  jump(JEQ, resources.locks, 0, 1),
  success,
  proceed,
];
const setOrGetLimit: readonly Instruction[] = [
  loadArgument(1),
  jump(JEQ, resources.locks, 0, 2),
  loadArgument(2),
  jump(JEQ, 0, 0, 1),
  proceed,
  success,
];
