// What is said of a value beside the checks of its schema: description, kind, example, how lists are merged. In: a
// schema and words. Out: the same schema. They stand beside it and not in it, as valibot's metadata would, since
// each of those makes a schema around the schema, to be built and passed through at every start. Next: shape.ts.

/** What the reference, the JSON Schema and the variables need to know of a value beyond valibot's own types. */
export interface FieldMetadata {
  /** The type in words, as docs/profile.md shows it. */
  readonly kind?: string;
  /** A `~` at its start is the home directory. */
  readonly path?: true;
  /** `$` has no meaning in it. */
  readonly literal?: true;
  /** TOML that uses the key. */
  readonly example?: string;
  /** For JSON Schema. */
  readonly pattern?: string;
  /** The default, in words, where it isn't a value. */
  readonly fallback?: string;
  /** How a list meets the list of the profile that is extended: all are replaced but these. */
  readonly merge?: "concat" | "replace";
}
export interface Words extends FieldMetadata {
  readonly description?: string;
}

const known = new WeakMap<object, Words>();

/** Adds words to what was said of this very schema. One that is built on it has them too, unless it says otherwise. */
export function say<S extends object>(schema: S, words: Words): S {
  known.set(schema, { ...known.get(schema), ...words });
  return schema;
}

export function findWords(schema: object): Words | undefined {
  return known.get(schema);
}
