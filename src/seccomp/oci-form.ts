// The form of a file of the OCI runtime specification's section Seccomp, and of Docker's and Podman's: which keys there
// are and what they hold. An unknown key is an error: it could be a misspelt rule. In: parsed JSON. Next: oci.ts.
import * as v from "valibot";

const text = v.string("must be a string");
const strings = v.array(text, "must be a list");
const errno = v.pipe(
  v.number("must be a number"),
  v.integer("must be a whole number"),
  v.minValue(0, "must not be negative"),
  v.maxValue(4095, "must be at most 4095 (MAX_ERRNO)"),
);
const choice = <const T extends readonly string[]>(options: T) =>
  v.picklist(options, ({ input }) =>
    typeof input === "string"
      ? `is ${JSON.stringify(input)}, which is none of ${options.join(", ")}`
      : "is missing",
  );
const may = <S extends v.GenericSchema>(schema: S) => v.optional(v.nullable(schema));
const table = <const E extends v.ObjectEntries>(entries: E) =>
  v.strictObject(entries, ({ expected, received }) => {
    if (expected === "never") return "is a key that is not known";
    return received === "undefined" ? "is missing" : "must be an object";
  });

/** 64 bits: a number where it is exact, else a string of digits (oci.ts sees to that). */
const word = v.pipe(
  v.union([v.number(), v.string()], bad64()),
  v.check((value) => /^\d{1,20}$/.test(String(value)) && BigInt(value) < 1n << 64n, bad64()),
  v.transform((value: string | number) => BigInt(value)),
);

function bad64(): string {
  return "must be a whole number from 0 to 2^64-1";
}

const action = choice([
  ...(["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP"] as const),
  ...(["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY"] as const),
]);

const condition = table({
  index: v.pipe(
    v.number("must be a number"),
    v.integer("must be a whole number"),
    v.minValue(0, "must be from 0 to 5"),
    v.maxValue(5, "must be from 0 to 5"),
  ),
  value: word,
  valueTwo: may(word),
  op: choice([
    ...(["SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ"] as const),
    ...(["SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"] as const),
  ]),
});

const filter = table({
  caps: may(strings),
  arches: may(strings),
  minKernel: may(v.pipe(text, v.regex(/^\d+\.\d+$/, 'must be a version such as "4.8"'))),
});

const rule = table({
  names: may(strings),
  name: may(text),
  action,
  args: may(v.array(condition, "must be a list")),
  errnoRet: may(errno),
  errno: may(text),
  comment: may(text),
  includes: may(filter),
  excludes: may(filter),
});

export const form = table({
  defaultAction: action,
  defaultErrnoRet: may(errno),
  defaultErrno: may(text),
  architectures: may(strings),
  archMap: may(v.array(table({ architecture: text, subArchitectures: may(strings) }), "must be a list")),
  flags: may(
    v.array(
      choice([
        ...(["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"] as const),
        ...(["SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"] as const),
      ]),
      "must be a list",
    ),
  ),
  /** Where runtimes send the descriptor of a filter that notifies; here its supervisor has it already. */
  listenerPath: may(text),
  listenerMetadata: may(text),
  syscalls: may(v.array(rule, "must be a list")),
});

export type Form = v.InferOutput<typeof form>;
export type FormRule = v.InferOutput<typeof rule>;
export type Condition = v.InferOutput<typeof condition>;
