// What a policy says to a call, worked out from the policy itself: the tests compare programs with it. In: a Policy and a
// call. Out: the answers that its words permit, one where it is not at odds with itself.
import { auditArchitectures } from "../../src/seccomp/bpf.ts";
import {
  type Action,
  type Comparison,
  encodeAction,
  type Guard,
  type Policy,
} from "../../src/seccomp/policy.ts";
import { findNumber, type Machine, machines, readCalls } from "../../src/seccomp/syscalls.ts";

export interface NamedCall {
  readonly machine: Machine;
  readonly nr: number;
  readonly args: readonly bigint[];
}

const low = (value: bigint) => Number(BigInt.asUintN(32, value));

/** Its answer; undefined where it has none. */
function consult(
  { names, argument, action, otherwise }: Guard,
  { machine, nr, args }: NamedCall,
): Action | undefined {
  if (!names.some((name) => findNumber(name, machine) === nr)) return undefined;
  if (argument === undefined) return action;
  const value = low(args[argument.index] ?? 0n);
  const holds =
    argument.is === "any bit of"
      ? argument.values.some((bits) => (value & bits) !== 0)
      : argument.values.includes(value) === (argument.is === "one of");
  return holds ? action : otherwise;
}

function compares({ index, operator, value, mask = 0n }: Comparison, args: readonly bigint[]): boolean {
  const given = args[index] ?? 0n;
  switch (operator) {
    case "ne":
      return given !== value;
    case "lt":
      return given < value;
    case "le":
      return given <= value;
    case "eq":
      return given === value;
    case "ge":
      return given >= value;
    case "gt":
      return given > value;
    case "masked_eq":
      return (given & mask) === (value & mask);
  }
}

let names: ReadonlyMap<string, string> | undefined;

export function nameCall(machine: Machine, nr: number): string | undefined {
  names ??= new Map(
    [...readCalls().values()].flatMap((call) =>
      machines.flatMap((each) => (call[each] === undefined ? [] : [[`${each} ${call[each]}`, call.name]])),
    ),
  );
  return names.get(`${machine} ${nr}`);
}

/** The encoded answers that are possible. */
export function judge(policy: Policy, call: NamedCall): readonly number[] {
  for (const guard of policy.guards) {
    const action = consult(guard, call);
    if (action !== undefined) return [encodeAction(action)];
  }
  const name = nameCall(call.machine, call.nr);
  const rules = policy.rules.filter((rule) => name !== undefined && rule.names.includes(name));
  if (name === undefined && policy.unknown !== undefined) return [encodeAction(policy.unknown)];
  const matching = rules.filter((rule) => rule.comparisons.every((each) => compares(each, call.args)));
  const free = matching.filter((rule) => rule.comparisons.length === 0);
  const speaking = free.length > 0 ? free : matching;
  const found = speaking.map(({ action }) => encodeAction(action));
  return found.length === 0 ? [encodeAction(policy.otherwise)] : found;
}

/** Arguments on both sides of everything that a policy could compare. */
export const telling: readonly (readonly bigint[])[] = [
  ...[0n, 1n, 2n, 8n, 9n, 10n, 16n, 17n, 31n, 38n, 40n, 41n, 0x80n, 0x2_0000n, 0x2_0008n].map((value) => [
    value,
  ]),
  ...[0x1000_0000n, 0x0200_0000n, 0x7e02_0000n, 0x0011n, 0x0100_0000n, 0xffff_ffffn].map((value) => [value]),
  ...[0x1_0000_0028n, 0x1_0000_0001n, 0xffff_ffff_0000_0010n, 0xffff_ffff_ffff_ffffn].map((value) => [value]),
  ...[0x5412n, 0x541cn, 0x1_0000_5412n, 0xdead_beef_0000_541cn, 0x5401n, 0x5413n].map((value) => [3n, value]),
  ...[0n, 9n, 16n].map((value) => [16n, 3n, value]),
];

/** Every number that could be one of a call, and some that are none. */
export const numbers = [...Array.from({ length: 520 }, (_, index) => index), ...[1000, 4242, 0x3fff_ffff]];

export const archOf = (machine: Machine): number => auditArchitectures[machine];
