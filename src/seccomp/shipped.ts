// The shipped policies as programs, made by libseccomp when the package was built, so that a start needs neither it nor
// koffi. In: which one, what the profile permits beyond it. Out: a program. prebuilt.ts has the programs; compile/seccomp.ts asks.
import { decodeProgram, type Instruction, prependGuards } from "./bpf.ts";
import type { Guard } from "./policy.ts";
import { prebuilt } from "./prebuilt.ts";
import type { Machine } from "./syscalls.ts";

export type ShippedName = keyof typeof prebuilt.programs;

/** As it is loaded. */
export function readShippedBytes(name: ShippedName, machine: Machine): Uint8Array {
  return Buffer.from(prebuilt.programs[name][machine], "base64");
}

/** @param exceptions asked before everything that the policy says */
export function readShipped(
  name: ShippedName,
  machine: Machine,
  exceptions: readonly Guard[],
): Instruction[] {
  const program = decodeProgram(readShippedBytes(name, machine));
  return prependGuards(program, exceptions, machine);
}
