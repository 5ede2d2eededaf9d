// Plans made of chance, derived from the operations table, for property tests.
// In: nothing. Out: fast-check arbitraries; next are wire.test.ts and text.test.ts.
import fc from "fast-check";
import {
  type FieldType,
  type Operation,
  type OperationName,
  type Plan,
  phases,
} from "../../src/plan/operations.ts";
import { findOperationType, listFields, operationNames } from "../../src/plan/table.ts";

const text = fc.string({ unit: "grapheme", maxLength: 20 }).filter((value) => !value.includes("\0"));
const path = text.map((value) => `/${value}`);
/** As decodePlan gives it: a number where that is exact. */
const u64 = fc
  .oneof(fc.constantFrom(0n, 1n, 2n ** 53n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n))
  .map((value) => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value));

/** A value that the field may have. */
export function arbitraryValue(type: FieldType): fc.Arbitrary<unknown> {
  switch (type.type) {
    case "u32":
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case "i32":
      return fc.integer();
    case "u64":
      return u64;
    case "string":
      return text;
    case "path":
      return path;
    case "list":
      return fc.array(text, { maxLength: 4 });
    case "bytes":
      return fc.uint8Array({ maxLength: 30 });
    case "flags":
      return fc.subarray(Object.keys(type.names));
    case "choice":
      return fc.constantFrom(...Object.keys(type.names));
  }
}

/** An operation of that name with any fields. */
export function arbitraryOperation(op: OperationName): fc.Arbitrary<Operation> {
  const fields = Object.fromEntries(listFields(op).map(({ name, type }) => [name, arbitraryValue(type)]));
  return fc
    .record({ op: fc.constant(op), origin: text, ...fields })
    .map((value) => ({ ...value }) as Operation);
}

const byPhase = (plan: readonly Operation[]): Plan =>
  phases.flatMap((phase) => plan.filter((operation) => findOperationType(operation.op).phase === phase));

/** A valid plan. */
export const arbitraryPlan: fc.Arbitrary<Plan> = fc
  .tuple(
    ...operationNames.map((name) => {
      const { required, once } = findOperationType(name);
      return fc.array(arbitraryOperation(name), {
        minLength: required ? 1 : 0,
        maxLength: required || once ? 1 : 2,
      });
    }),
  )
  .chain((lists) => {
    const all = lists.flat();
    return fc.shuffledSubarray(all, { minLength: all.length });
  })
  .map(byPhase);
