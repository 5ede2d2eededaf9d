// What a filter answers to a system call, without a kernel. In: a program and a call. Out: the number that the kernel
// would act upon. compile looks with it whether the command could be started at all, and the tests whether policies
// and programs say the same. The instructions are those that seccomp(2) accepts and libseccomp and bpf.ts make.
import type { Instruction } from "./bpf.ts";

/** struct seccomp_data, without the instruction pointer. */
export interface Call {
  readonly arch: number;
  readonly nr: number;
  /** Up to six, the rest are zero. */
  readonly args?: readonly (number | bigint)[];
}

type State = { accumulator: number; readonly data: DataView };

const comparisons: Readonly<Record<number, (a: number, k: number) => boolean>> = {
  21: (a, k) => a === k, // 0x15 JEQ
  37: (a, k) => a > k, // 0x25 JGT
  53: (a, k) => a >= k, // 0x35 JGE
  69: (a, k) => (a & k) !== 0, // 0x45 JSET
};

const LOAD = 0x20;
const AND = 0x54;
const JA = 0x05;
const RETURN = 0x06;

/** @throws Error for a program that the kernel would not accept */
export function answer(program: readonly Instruction[], call: Call): number {
  const state: State = { accumulator: 0, data: encodeCall(call) };
  for (let at = 0; at < program.length; at++) {
    const { code, jt, jf, k } = program[at] as Instruction;
    const compare = comparisons[code];
    if (compare !== undefined) at += compare(state.accumulator, k) ? jt : jf;
    else if (code === JA) at += k;
    else if (code === LOAD) state.accumulator = state.data.getUint32(k, true);
    else if (code === AND) state.accumulator = (state.accumulator & k) >>> 0;
    else if (code === RETURN) return k;
    else throw new Error(`instruction ${at} has a code that is not used here: 0x${code.toString(16)}`);
  }
  throw new Error("the program ends without an answer");
}

function encodeCall({ arch, nr, args = [] }: Call): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, nr >>> 0, true);
  data.setUint32(4, arch, true);
  for (const [index, value] of args.entries())
    data.setBigUint64(16 + 8 * index, BigInt.asUintN(64, BigInt(value)), true);
  return data;
}
