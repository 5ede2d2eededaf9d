// The JSON Schema of profiles, for editors (`tsjail schema`): made from the shape of the schema, so that it can't say
// anything else. In: nothing. Out: a JSON Schema, draft 2020-12. Variables make any string possible where a pattern
// would be, so patterns let a `$` pass.
import { type Key, profileShape, type Shape, type TableShape } from "./shape.ts";

export type JsonSchema = { readonly [keyword: string]: unknown };

export function profileJsonSchema(): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "tsjail profile",
    ...convert(profileShape()),
  };
}

function convert(shape: Shape): JsonSchema {
  return { ...(shape.description && { description: shape.description }), ...convertType(shape) };
}

function convertType(shape: Shape): JsonSchema {
  switch (shape.type) {
    case "table":
      return convertTable(shape);
    case "record":
      return { type: "object", additionalProperties: convert(shape.value) };
    case "list":
      return { type: "array", items: convert(shape.item) };
    case "variants":
      return { type: "object", required: ["type"], oneOf: [...shape.options.values()].map(convert) };
    case "either":
      return { anyOf: [convert(shape.single), convert(shape.several)] };
    case "union":
      return { anyOf: shape.options.map((option) => convert({ ...option, ...inherit(shape) })) };
    case "choice":
      return convertChoice(shape.options);
    case "number":
      return {
        type: shape.kind === "integer" ? "integer" : "number",
        ...(shape.min !== undefined && { minimum: shape.min }),
        ...(shape.max !== undefined && { maximum: shape.max }),
      };
    case "boolean":
      return { type: "boolean" };
    case "string":
      return { type: "string", ...(shape.pattern && { pattern: `${shape.pattern}|\\$` }) };
  }
}

/** What is said of a union is meant for each of its forms. */
const inherit = ({ pattern }: Shape) => (pattern === undefined ? {} : { pattern });

/** A string that is made of a variable is let through: it may well become one of the options. */
const convertChoice = (options: readonly string[]): JsonSchema => ({
  anyOf: [{ enum: options }, { type: "string", pattern: "\\$" }],
});

function convertTable({ keys }: TableShape): JsonSchema {
  const properties = Object.fromEntries([...keys].map(([name, key]) => [name, convertKey(name, key)]));
  const required = [...keys].filter(([, key]) => key.required).map(([name]) => name);
  return {
    type: "object",
    additionalProperties: false,
    properties,
    ...(required.length > 0 && { required }),
  };
}

function convertKey(name: string, { shape, default: fallback }: Key): JsonSchema {
  const { description } = shape;
  // Editors choose a variant by its type.
  if (name === "type" && shape.type === "choice" && shape.options.length === 1) {
    return { ...(description && { description }), const: shape.options[0] };
  }
  const isTold = fallback !== undefined && JSON.stringify(fallback) !== "{}";
  return { ...convert(shape), ...(isTold && { default: fallback }) };
}
