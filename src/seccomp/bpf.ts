// Programs of the kernel's classic BPF (seccomp(2), struct sock_filter). In: guards, unknown numbers, a program of
// libseccomp's. Out: the whole program, guards first. libseccomp can't say "but not these": its rules for a call with
// and without conditions replace each other, so exceptions stand in front. answer.ts runs programs, to look at them.
import { type Action, type Argument, encodeAction, type Guard, type Policy } from "./policy.ts";
import { findNumber, listUnknown, type Machine } from "./syscalls.ts";

export interface Instruction {
  readonly code: number;
  /** How many instructions to leave out, where the comparison holds and where not. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** BPF_MAXINSNS */
export const maxInstructions = 4096;
export const instructionBytes = 8;

export const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
export const JEQ = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
export const JGT = 0x25;
export const JGE = 0x35;
const JSET = 0x45;
export const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
const JA = 0x05;
export const RETURN = 0x06; // BPF_RET | BPF_K

/** Where struct seccomp_data has what we look at; both machines are little-endian. */
const nrOffset = 0;
const archOffset = 4;
const argumentOffset = (index: number) => 16 + 8 * index;

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of linux/audit.h. */
export const auditArchitectures: Readonly<Record<Machine, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** __X32_SYSCALL_BIT: a call by the x32 ABI differs in nothing else. */
export const x32Bit = 0x4000_0000;

export const statement = (code: number, k: number): Instruction => ({ code, jt: 0, jf: 0, k });
export const jump = (code: number, k: number, jt: number, jf: number): Instruction => ({ code, jt, jf, k });

/** Puts guards in front of a program. */
export function prependGuards(
  program: readonly Instruction[],
  guards: readonly Guard[],
  machine: Machine,
): Instruction[] {
  return prepend(
    program,
    guards.flatMap((guard) => assembleGuard(guard, machine)),
    machine,
  );
}

/** Puts the answer to numbers that nobody knows in front of a program.
 * @param more numbers that the program knows beyond our table */
export function prependUnknown(
  program: readonly Instruction[],
  policy: Pick<Policy, "unknown" | "foreign" | "subordinate">,
  machine: Machine,
  more: readonly number[] = [],
): Instruction[] {
  const { unknown, foreign, subordinate } = policy;
  if (unknown === undefined) return [...program];
  const gaps = listUnknown(machine, x32Bit - 1, more).flatMap(([first, last]) => [
    jump(JGE, first, 0, 2),
    jump(JGT, last, 1, 0),
    statement(RETURN, encodeAction(unknown)),
  ]);
  if (machine !== "x64" || subordinate.includes("x32")) return prepend(program, gaps, machine);
  // -1 is a call that a tracer has called off.
  const x32 = [
    jump(JGE, x32Bit, 0, 2),
    jump(JEQ, 0xffff_ffff, 1, 0),
    statement(RETURN, encodeAction(foreign)),
  ];
  return prepend(program, [...gaps, ...x32], machine);
}

/** Instructions that find the number of a call by the machine's own ABI loaded, or are passed over. */
function prepend(
  program: readonly Instruction[],
  body: readonly Instruction[],
  machine: Machine,
): Instruction[] {
  if (body.length === 0) return [...program];
  const checked = [statement(LOAD, nrOffset), ...body];
  return [
    statement(LOAD, archOffset),
    // An unconditional jump has 32 bits for its distance, a conditional one 8.
    jump(JEQ, auditArchitectures[machine], 1, 0),
    statement(JA, checked.length),
    ...checked,
    ...program,
  ];
}

function assembleGuard({ names, action, argument, otherwise }: Guard, machine: Machine): Instruction[] {
  const numbers = [...new Set(names.flatMap((name) => findNumber(name, machine) ?? []))];
  const answer = statement(RETURN, encodeAction(action));
  return numbers.flatMap((number) => {
    if (argument === undefined) return [jump(JEQ, number, 0, 1), answer];
    const inner = assembleAnswers(argument, { action, otherwise }, statement(LOAD, nrOffset));
    return [jump(JEQ, number, 0, inner.length), ...inner];
  });
}

/** What follows where the number of a call is a guard's.
 * @param last what is done where the argument is not so and the guard says nothing of it */
export function assembleAnswers(
  { index, is, values }: Argument,
  { action, otherwise }: { readonly action: Action; readonly otherwise?: Action | undefined },
  last: Instruction,
): Instruction[] {
  const code = is === "any bit of" ? JSET : JEQ;
  // Each comparison that holds jumps to the answer, or for "none of" over it.
  const tests = values.map((value, at) => {
    const left = values.length - 1 - at;
    if (is === "none of") return jump(code, value, left + 1, 0);
    return jump(code, value, left, at === values.length - 1 ? 1 : 0);
  });
  return [
    statement(LOAD, argumentOffset(index)),
    ...tests,
    statement(RETURN, encodeAction(action)),
    otherwise === undefined ? last : statement(RETURN, encodeAction(otherwise)),
  ];
}

/** The bytes that seccomp(2) takes. */
export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * instructionBytes);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const offset = index * instructionBytes;
    bytes.writeUInt16LE(code, offset);
    bytes.writeUInt8(jt, offset + 2);
    bytes.writeUInt8(jf, offset + 3);
    bytes.writeUInt32LE(k >>> 0, offset + 4);
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function decodeProgram(bytes: Uint8Array): Instruction[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / instructionBytes) }, (_, index) => {
    const offset = index * instructionBytes;
    return {
      code: view.readUInt16LE(offset),
      jt: view.readUInt8(offset + 2),
      jf: view.readUInt8(offset + 3),
      k: view.readUInt32LE(offset + 4),
    };
  });
}
