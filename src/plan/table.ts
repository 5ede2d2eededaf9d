// The operations table as data that can be walked: what wire.ts, text.ts, check.ts and the generators share.
// In: operations.ts. Out: names, numbers and fields in table order; next is check.ts.
import {
  type FieldType,
  type Operation,
  type OperationName,
  type OperationType,
  operations,
} from "./operations.ts";

/** What a field of an operation may hold. */
export type Value = number | bigint | string | readonly string[] | Uint8Array;

export const operationNames = Object.keys(operations) as readonly OperationName[];

/** 1 + the position in the table, as the bytes have it. */
export const opcodes: ReadonlyMap<OperationName, number> = new Map(
  operationNames.map((name, index) => [name, index + 1]),
);

export function findOperationType(name: OperationName): OperationType {
  return operations[name];
}

export interface Field {
  readonly name: string;
  readonly type: FieldType;
}

const fields = new Map<OperationName, readonly Field[]>();

/** The fields of an operation, in table order: field n is in slot n. */
export function listFields(name: OperationName): readonly Field[] {
  let known = fields.get(name);
  if (known === undefined) {
    const entries = Object.entries<FieldType>(operations[name]?.fields ?? {});
    known = entries.map(([field, type]) => ({ name: field, type }));
    fields.set(name, known);
  }
  return known;
}

/** The value of a field by its name; undefined where there is none. */
export function readField(operation: Operation, field: string): Value | undefined {
  return (operation as unknown as Record<string, Value | undefined>)[field];
}
