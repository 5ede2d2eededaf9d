// A table of a profile as a value of its key, made when a profile has it: most have two or three of ten, and to make them
// all is a good part of a start. What one is that isn't written is known since tsjail was built. Part of schema.ts.
import * as v from "valibot";
import { say } from "./words.ts";

/** By the section's name: put in by src/build/bundle.ts. */
declare const unwrittenSections: Readonly<Record<string, unknown>> | undefined;

const unwritten = typeof unwrittenSections === "undefined" ? undefined : unwrittenSections;

type Section<S extends v.GenericSchema> = v.OptionalSchema<S, Record<string, never>>;

export function section<S extends v.GenericSchema>(
  name: string,
  make: () => S,
  description: string,
): Section<S> {
  const absent = {};
  const optional = v.optional(v.unknown(), absent) as v.GenericSchema as Section<S>;
  let made: S | undefined;
  const schema: Section<S> = {
    ...optional,
    get wrapped() {
      made ??= make();
      return made;
    },
    "~run"(dataset, config) {
      const { value = absent } = dataset;
      const known = value === absent ? unwritten?.[name] : undefined;
      if (known === undefined) return this.wrapped["~run"]({ value }, config);
      return { typed: true, value: known } as ReturnType<Section<S>["~run"]>;
    },
  };
  return say(schema, { description });
}
