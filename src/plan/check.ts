// The rules that every plan obeys, whoever made it: values in range, operations in the order of their phases,
// `required` ones exactly once. In: a plan. Out: nothing, or a TsjailError; next is wire.ts.
import { type ErrorCode, TsjailError } from "../error.ts";
import {
  type FieldType,
  maxOperations,
  type Operation,
  type OperationName,
  type Plan,
  phases,
} from "./operations.ts";
import { findOperationType, listFields, opcodes, operationNames, readField } from "./table.ts";

/** PATH_MAX of limits.h, with the NUL at the end. */
export const pathMax = 4096;
const u32Max = 0xffff_ffff;
const u64Max = 0xffff_ffff_ffff_ffffn;

/**
 * Checks a whole plan.
 * @param code what the error is called: `internal` for a plan of our own making, `plan_invalid` for one that was read
 */
export function checkPlan(plan: Plan, code: ErrorCode): void {
  if (plan.length > maxOperations) {
    throw new TsjailError(code, `The plan has ${plan.length} operations; ${maxOperations} is the most.`);
  }
  let latest = 0;
  const counts = new Map<OperationName, number>();
  let index = 0;
  for (const operation of plan) {
    const problem = checkOperation(operation) ?? checkOrder(operation, latest, counts);
    if (problem !== undefined) throw new TsjailError(code, `${nameOperation(operation, index)}: ${problem}.`);
    index++;
    latest = phaseNumber(operation.op);
    counts.set(operation.op, (counts.get(operation.op) ?? 0) + 1);
  }
  const missing = operationNames.filter((name) => findOperationType(name).required && !counts.has(name));
  if (missing.length > 0)
    throw new TsjailError(code, `The plan lacks these operations: ${missing.join(", ")}.`);
}

const phaseNumbers = new Map(
  operationNames.map((name) => [name, phases.indexOf(findOperationType(name).phase)]),
);

/** The position of an operation's phase in `phases`. */
export const phaseNumber = (name: OperationName): number => phaseNumbers.get(name) ?? -1;

/** "Operation 12 of the plan (bind)". */
function nameOperation(operation: Operation, index: number): string {
  return `Operation ${index} of the plan (${String(operation.op)})`;
}

function checkOrder(
  operation: Operation,
  latest: number,
  counts: Map<OperationName, number>,
): string | undefined {
  const type = findOperationType(operation.op);
  if ((type.once || type.required) && counts.has(operation.op)) return "it may be there only once";
  if (phaseNumber(operation.op) < latest) {
    return `it belongs to the ${type.phase} phase, and the ${phases[latest]} phase has begun`;
  }
  return undefined;
}

function checkOperation(operation: Operation): string | undefined {
  if (!opcodes.has(operation.op)) return "there is no such operation";
  const origin = checkString(operation.origin);
  if (origin !== undefined) return `its origin ${origin}`;
  const fields = listFields(operation.op);
  for (const { name, type } of fields) {
    const problem = checkValue(type, readField(operation, name));
    if (problem !== undefined) return `${name} ${problem}`;
  }
  const keys = Object.keys(operation);
  // All fields are there, so more keys than fields, `op` and `origin` is one too many.
  if (keys.length === fields.length + 2) return undefined;
  const known = new Set(["op", "origin", ...fields.map(({ name }) => name)]);
  return `it has no field ${keys.find((key) => !known.has(key))}`;
}

/** What is wrong with a field's value, as the rest of a sentence that begins with the field; or undefined. */
export function checkValue(type: FieldType, value: unknown): string | undefined {
  switch (type.type) {
    case "u32":
      return checkInteger(value, 0, u32Max);
    case "i32":
      return checkInteger(value, -0x8000_0000, 0x7fff_ffff);
    case "u64":
      if (typeof value === "bigint") return value >= 0n && value <= u64Max ? undefined : "is out of range";
      return checkInteger(value, 0, Number.MAX_SAFE_INTEGER);
    case "flags":
      if (!Array.isArray(value)) return "must be a list of flags";
      return value.every((name) => Object.hasOwn(type.names, name)) ? undefined : "has an unknown flag";
    case "choice":
      return typeof value === "string" && Object.hasOwn(type.names, value)
        ? undefined
        : "is none of its choices";
    case "bytes":
      return value instanceof Uint8Array ? undefined : "must be bytes";
    case "list":
      if (!Array.isArray(value)) return "must be a list of strings";
      return value.map(checkString).find((problem) => problem !== undefined);
    case "string":
      return checkString(value);
    case "path":
      return checkString(value) ?? checkPath(value as string);
  }
}

function checkInteger(value: unknown, least: number, most: number): string | undefined {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || Object.is(value, -0))
    return "must be an integer";
  return value >= least && value <= most ? undefined : `must be between ${least} and ${most}`;
}

function checkString(value: unknown): string | undefined {
  if (typeof value !== "string") return "must be a string";
  if (value.includes("\0")) return "must not contain a NUL character";
  // A surrogate without its other half has no UTF-8 form: it would come back as another string.
  if (!value.isWellFormed()) return "must be valid Unicode";
  return undefined;
}

function checkPath(value: string): string | undefined {
  if (!value.startsWith("/")) return "must be an absolute path";
  // A UTF-16 unit never needs more than three bytes, so most paths need no counting.
  if (value.length * 3 >= pathMax && Buffer.byteLength(value) >= pathMax) {
    return `must be shorter than ${pathMax} bytes`;
  }
  return undefined;
}
