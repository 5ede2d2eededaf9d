// The program of a file, whole. In: what libseccomp made of a policy. Out: that behind what it can't make: calls newer
// than it is, numbers that nobody knows, keyrings. Used by compile/seccomp.ts.
import {
  AND,
  type Instruction,
  JEQ,
  jump,
  LOAD,
  prependGuards,
  prependUnknown,
  RETURN,
  statement,
  x32Bit,
} from "./bpf.ts";
import { letsKeys, refuseKeys } from "./keys.ts";
import type { Built } from "./libseccomp.ts";
import { encodeAction, lets, type Policy, type Rule } from "./policy.ts";
import { findNumber, type Machine } from "./syscalls.ts";

export function completeProgram(
  policy: Policy,
  { program, more, left }: Built,
  machine: Machine,
): Instruction[] {
  const known = prependUnknown(program, policy, machine, more);
  const whole = prependLeft(known, left, machine);
  return letsKeys(policy) ? refuseKeys(whole, machine) : whole;
}

/** From this number on calls have the same in every ABI (x32: with its bit), and new ones come here (Linux 5.1). */
const common = 424;

/** Calls newer than the library, where it would have to translate their numbers for other ABIs: let through for the
 * machine's own only, refused for all. Their arguments are not looked at: a call that is let through for some of them
 * is as one without a rule, one that is refused for some is refused. */
function prependLeft(
  program: readonly Instruction[],
  left: readonly Rule[],
  machine: Machine,
): Instruction[] {
  const guards = left
    .filter(({ action, comparisons }) => comparisons.length === 0 || !lets(action))
    .map(({ names, action }) => ({ names, action }));
  const own = prependGuards(program, guards, machine);
  const refusals = guards.flatMap(({ names, action }) => {
    const number = findNumber(names[0] ?? "", machine) ?? -1;
    if (lets(action) || number < common) return [];
    return [jump(JEQ, number, 0, 1), statement(RETURN, encodeAction(action))];
  });
  if (refusals.length === 0) return own;
  const load = [statement(LOAD, 0), ...(machine === "x64" ? [statement(AND, ~x32Bit >>> 0)] : [])];
  return [...load, ...refusals, ...own];
}
