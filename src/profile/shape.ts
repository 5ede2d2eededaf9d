// The schema as a plain tree: which keys there are, of which kind, with which words about them. Unknown keys,
// variables, merging, the JSON Schema and docs/profile.md all walk this tree, so that the schema stays the only
// source. In: a valibot schema. Out: its Shape.
import type { GenericSchema } from "valibot";
import { layerSchema } from "./schema.ts";
import { findWords, type Words } from "./words.ts";

export type Shape = Words &
  (
    | { readonly type: "table"; readonly keys: ReadonlyMap<string, Key> }
    | { readonly type: "record"; readonly value: Shape }
    | { readonly type: "list"; readonly item: Shape }
    | { readonly type: "variants"; readonly options: ReadonlyMap<string, TableShape> }
    /** One form or the other, by whether the value is a list or a table. */
    | { readonly type: "either"; readonly single: Shape; readonly several: Shape }
    | { readonly type: "choice"; readonly options: readonly string[] }
    | { readonly type: "union"; readonly options: readonly Shape[] }
    | { readonly type: "number"; readonly min: number | undefined; readonly max: number | undefined }
    | { readonly type: "string" | "boolean" }
  );
export type TableShape = Extract<Shape, { type: "table" }>;

export interface Key {
  readonly shape: Shape;
  readonly required: boolean;
  /** As it would be written in a profile. */
  readonly default?: unknown;
}

/** What this file needs to know of valibot's schemas; the library exports no common type that has it. */
interface SchemaNode {
  readonly type: string;
  readonly pipe?: readonly SchemaNode[];
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly item?: SchemaNode;
  readonly value?: SchemaNode;
  readonly wrapped?: SchemaNode;
  readonly default?: unknown;
  readonly options?: readonly (SchemaNode | string)[];
  readonly literal?: unknown;
  readonly getter?: (input: unknown) => SchemaNode;
  readonly requirement?: unknown;
}

let profile: TableShape | undefined;

/** The shape of a profile. */
export function profileShape(): TableShape {
  profile ??= readShape(layerSchema) as TableShape;
  return profile;
}

export function readShape(schema: GenericSchema): Shape {
  return readNode(schema as unknown as SchemaNode);
}

function readNode(schema: SchemaNode): Shape {
  const [inner, ...actions] = schema.pipe ?? [];
  const words = findWords(schema);
  // Not a copy: the keys of a table are read when they are asked for.
  if (inner === undefined) return Object.assign(readPlain(schema), words);
  const shape = readNode(inner);
  if (shape.type !== "number") return Object.assign(shape, words);
  const limit = (type: string) => actions.find((action) => action.type === type)?.requirement;
  const [min, max] = [limit("min_value"), limit("max_value")];
  return {
    ...shape,
    ...(min !== undefined && { min: Number(min) }),
    ...(max !== undefined && { max: Number(max) }),
    ...words,
  };
}

function readPlain(schema: SchemaNode): Shape {
  switch (schema.type) {
    case "strict_object":
      return readTable(schema.entries ?? {});
    case "record":
      return { type: "record", value: readNode(require(schema.value)) };
    case "array":
      return { type: "list", item: readNode(require(schema.item)) };
    case "variant":
      return { type: "variants", options: readVariants(schema) };
    case "lazy":
      return readEither(require(schema.getter));
    case "picklist":
      return { type: "choice", options: (schema.options ?? []).map(String) };
    case "literal":
      return { type: "choice", options: [String(schema.literal)] };
    case "union":
      return {
        type: "union",
        options: (schema.options ?? []).map((option) => readNode(option as SchemaNode)),
      };
    case "number":
      return { type: "number", min: undefined, max: undefined };
    case "string":
    case "boolean":
      return { type: schema.type };
    default:
      throw new Error(`no shape for a schema of type ${schema.type}`);
  }
}

function readTable(entries: Readonly<Record<string, SchemaNode>>): Shape {
  let keys: ReadonlyMap<string, Key> | undefined;
  return {
    type: "table",
    get keys() {
      keys ??= readKeys(entries);
      return keys;
    },
  };
}

function readKeys(entries: Readonly<Record<string, SchemaNode>>): ReadonlyMap<string, Key> {
  const keys = new Map<string, Key>();
  for (const [name, entry] of Object.entries(entries)) {
    let known: Shape | undefined;
    keys.set(name, {
      // Few of them are asked for in a start.
      get shape() {
        known ??= readEntry(entry);
        return known;
      },
      required: entry.type !== "optional",
      ...(entry.default !== undefined && { default: entry.default }),
    });
  }
  return keys;
}

function readEntry(entry: SchemaNode): Shape {
  if (entry.type !== "optional") return readNode(entry);
  return Object.assign(readNode(require(entry.wrapped)), findWords(entry));
}

function readVariants(schema: SchemaNode): ReadonlyMap<string, TableShape> {
  const options = new Map<string, TableShape>();
  for (const option of schema.options ?? []) {
    const { entries } = option as SchemaNode;
    options.set(String(entries?.type?.literal), readNode(option as SchemaNode) as TableShape);
  }
  return options;
}

/** The lazy schemas of this profile choose by whether they are given a list, a table or something single. */
function readEither(getter: (input: unknown) => SchemaNode): Shape {
  const single = getter("");
  const table = getter({});
  const several = table === single ? getter([]) : table;
  return { type: "either", single: readNode(single), several: readNode(several) };
}

function require<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a schema lacks a part of itself");
  return value;
}

/** The shape that a value is to be checked against, where that depends on the value. */
export function chooseShape(shape: Shape, value: unknown): Shape {
  if (shape.type === "either")
    return typeof value === "object" && value !== null ? shape.several : shape.single;
  if (shape.type === "variants") {
    const type = isTable(value) ? value.type : undefined;
    return (typeof type === "string" ? shape.options.get(type) : undefined) ?? shape;
  }
  return shape;
}

export type Table = Record<string, unknown>;

/** A table of TOML or a plain object: no list, no date. */
export function isTable(value: unknown): value is Table {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** An object on which every name, `__proto__` too, is a name like any other. */
export const emptyTable = (): Table => Object.create(null) as Table;
