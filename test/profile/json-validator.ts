// As much of JSON Schema as profileJsonSchema() uses, so that a test can see it at work. Any other keyword is an error.

type Json = { readonly [keyword: string]: unknown };

const known = new Set(
  "$schema title description default type properties additionalProperties required items anyOf oneOf enum const pattern minimum maximum".split(
    " ",
  ),
);

/** What is wrong with a value, by path. */
export function validate(schema: Json, value: unknown, path = ""): string[] {
  for (const keyword of Object.keys(schema))
    if (!known.has(keyword)) throw new Error(`unknown keyword ${keyword}`);
  const problems: string[] = [];
  const check = (isRight: boolean, message: string) => {
    if (!isRight) problems.push(`${path} ${message}`);
  };
  if ("type" in schema) check(hasType(value, schema.type as string), `is no ${schema.type}`);
  if ("enum" in schema) check((schema.enum as unknown[]).includes(value), "is none of the options");
  if ("const" in schema) check(schema.const === value, "is not the constant");
  if (typeof value === "string" && "pattern" in schema) {
    check(new RegExp(schema.pattern as string, "u").test(value), `does not match ${schema.pattern}`);
  }
  if (typeof value === "number") {
    if ("minimum" in schema) check(value >= (schema.minimum as number), "is too small");
    if ("maximum" in schema) check(value <= (schema.maximum as number), "is too large");
  }
  const matching = (key: string) =>
    (schema[key] as Json[] | undefined)?.filter((each) => validate(each, value, path).length === 0).length;
  check(matching("anyOf") !== 0, "fits none of the forms");
  check((matching("oneOf") ?? 1) === 1, "does not fit exactly one form");
  if (Array.isArray(value) && "items" in schema) {
    const items = schema.items as Json;
    problems.push(...value.flatMap((each, index) => validate(items, each, `${path}[${index}]`)));
  } else if (typeof value === "object" && value !== null) {
    problems.push(...validateTable(schema, value as Json, path));
  }
  return problems;
}

function validateTable(schema: Json, value: Json, path: string): string[] {
  const properties = (schema.properties ?? {}) as Record<string, Json>;
  const rest = schema.additionalProperties as Json | false | undefined;
  const missing = ((schema.required ?? []) as string[]).filter((name) => !Object.hasOwn(value, name));
  return [
    ...missing.map((name) => `${path}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, each]) => {
      const inner = Object.hasOwn(properties, name) ? properties[name] : rest;
      if (inner === false) return [`${path}.${name} is unknown`];
      return inner === undefined ? [] : validate(inner, each, `${path}.${name}`);
    }),
  ];
}

function hasType(value: unknown, type: string): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}
