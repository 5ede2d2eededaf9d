// The calls for keyrings, which no jail may make whatever a file says: keyrings belong to a user of the kernel's, in any
// user namespace, and have numbers that can be guessed (keyrings(7)). In: a policy; a program. Out: whether the policy
// lets one of them through; the program behind a refusal. Without a filter native/keyring.c has the same.
import {
  AND,
  auditArchitectures,
  type Instruction,
  JEQ,
  JGE,
  JGT,
  jump,
  LOAD,
  RETURN,
  statement,
  x32Bit,
} from "./bpf.ts";
import { answerErrno, encodeAction, type Policy } from "./policy.ts";
import { findNumber, type Machine } from "./syscalls.ts";

/** Their numbers are in a row, for every ABI. */
export const keyCalls = ["add_key", "request_key", "keyctl"] as const;

/** The processor's 32-bit ABI: AUDIT_ARCH_I386 or AUDIT_ARCH_ARM, and its add_key. */
const others = { x64: [0x4000_0003, 286], arm64: [0x4000_0028, 309] } as const;

/** Whether any of them could be carried out. A tracer or supervisor, too, can say so. */
export function letsKeys({ rules, otherwise }: Pick<Policy, "rules" | "otherwise">): boolean {
  const refuses = ({ type }: Policy["otherwise"]) =>
    ["errno", "kill_process", "kill_thread", "trap"].includes(type);
  return keyCalls.some((name) => {
    const own = rules.filter(({ names }) => names.includes(name));
    const isSettled = own.some(({ comparisons }) => comparisons.length === 0);
    return !own.every(({ action }) => refuses(action)) || !(isSettled || refuses(otherwise));
  });
}

/** Puts the refusal in front: ENOSYS, as from a kernel without keyrings. For the machine's own ABI and x32, which is
 * the same with one bit set, and for the 32-bit one. */
export function refuseKeys(program: readonly Instruction[], machine: Machine): Instruction[] {
  const first = findNumber("add_key", machine) ?? -1;
  const [arch, otherFirst] = others[machine];
  return [
    statement(LOAD, 4),
    jump(JEQ, auditArchitectures[machine], 0, 4),
    statement(LOAD, 0),
    statement(AND, ~x32Bit >>> 0),
    jump(JGE, first, 0, 6),
    jump(JGT, first + 2, 5, 4),
    jump(JEQ, arch, 0, 4),
    statement(LOAD, 0),
    jump(JGE, otherFirst, 0, 2),
    jump(JGT, otherFirst + 2, 1, 0),
    statement(RETURN, encodeAction(answerErrno("ENOSYS"))),
    ...program,
  ];
}
