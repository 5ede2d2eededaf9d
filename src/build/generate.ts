// Writes every file that is made from a table of the sources: native/ops.h here, the reference pages of docs/ by
// the generators listed below. `--write` writes what has changed, `--check` fails when something would.
// In: the tables. Out: files in the tree. What compiles ops.h is src/build/native.ts.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findErrno } from "../explain/errno.ts";
import {
  attributeFlags,
  bindFlags,
  factFlags,
  factKinds,
  fileRights,
  layerMakers,
  maxOperations,
  maxPassedFds,
  maxPlanBytes,
  maxVolumes,
  operations,
  phases,
  planMagic,
  planVersion,
  reasons,
  seccompFlags,
  slotsPerOperation,
  steps,
  superviseFlags,
  targetFlags,
  ttyModes,
} from "../plan/operations.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

type Field = { readonly type: string; readonly names?: Readonly<Record<string, number>> };

const cTypes: Readonly<Record<string, string>> = {
  string: "const char *",
  path: "const char *",
  list: "const struct blob *",
  bytes: "const struct blob *",
  i32: "s64 ",
};

function formatEnum(name: string, prefix: string, names: readonly string[], first = 0): string {
  const rows = names.map((each, index) => `    ${prefix}_${each.toUpperCase()} = ${index + first},`);
  return [`enum ${name} {`, ...rows, "};"].join("\n");
}

/** An array of arrays: pointers would be relocated, and the executor has none of those. */
function formatNames(name: string, names: readonly string[]): string {
  const longest = Math.max(...names.map((each) => each.length));
  const rows = names.map((each) => `    "${each}",`);
  return [`static const char ${name}_names[][${longest + 1}] = {`, ...rows, "};"].join("\n");
}

/** By number, as far as there is no gap: nearly all that a start can meet. */
const errnoNames = ["", ...Array.from({ length: 40 }, (_, index) => findErrno(index + 1).name)];

function formatBits(prefix: string, names: Readonly<Record<string, number>>): string {
  const rows = Object.entries(names).map(
    ([name, value]) => `    ${prefix}_${name.toUpperCase()} = ${value},`,
  );
  return ["enum {", ...rows, "};"].join("\n");
}

function formatStruct(name: string, fields: readonly (readonly [string, Field])[]): string {
  if (fields.length > slotsPerOperation) throw new Error(`${name} has more than ${slotsPerOperation} fields`);
  const rows = fields.map(([field, { type }]) => `    ${cTypes[type] ?? "u64 "}${field};`);
  return [`struct op_${name} {`, ...rows, "};"].join("\n");
}

/** What a reader of bytes has to know of a field: its kind, and for flags and choices the bits allowed. A choice
 * is checked by its largest value, or by its bits where they are single ones. */
function formatField({ type, names }: Field): string {
  if (names === undefined) return `{FIELD_${type.toUpperCase()}, 0}`;
  const values = Object.values(names);
  if (type === "flags") return `{FIELD_FLAGS, 0x${values.reduce((all, bit) => all | bit, 0).toString(16)}}`;
  const isDense = values.every((value) => value < values.length);
  if (isDense) return `{FIELD_CHOICE, ${values.length - 1}}`;
  return `{FIELD_ONE_BIT, 0x${values.reduce((all, bit) => all | bit, 0).toString(16)}}`;
}

function formatType(name: string): string {
  const operation = operations[name as keyof typeof operations];
  const fields = Object.values<Field>(operation.fields);
  const is = (key: "once" | "required") => (key in operation ? 1 : 0);
  const once = is("once") || is("required");
  const rows = fields.length === 0 ? "{{0, 0}}" : `{${fields.map(formatField).join(", ")}}`;
  return `    {PHASE_${operation.phase.toUpperCase()}, ${once}, ${is("required")}, ${fields.length}, ${rows}},`;
}

/** The text of native/ops.h. */
export function generateOperationsHeader(): string {
  const names = Object.keys(operations);
  const structs = names.flatMap((name) => {
    const fields = Object.entries<Field>(operations[name as keyof typeof operations].fields);
    return fields.length === 0 ? [] : [formatStruct(name, fields)];
  });
  return `${[
    "/* SPDX-License-Identifier: MIT */",
    "/* Generated from src/plan/operations.ts by `npm run generate`; do not edit. clang-format off */",
    "// clang-format off",
    "#ifndef TSJAIL_OPS_H",
    "#define TSJAIL_OPS_H",
    '#include "sys.h"',
    "",
    `#define PLAN_MAGIC 0x${planMagic.toString(16)}u`,
    `#define PLAN_VERSION ${planVersion}`,
    `#define PLAN_SLOTS ${slotsPerOperation}`,
    `#define PLAN_MAX_OPERATIONS ${maxOperations}`,
    `#define PLAN_MAX_BYTES ${maxPlanBytes}`,
    `#define MAX_PASSED_FDS ${maxPassedFds}`,
    // and the image
    `#define MAX_HELD ${maxVolumes + 1}`,
    "",
    "struct blob {",
    "    u32 length;",
    "    char data[];",
    "};",
    "",
    formatEnum("phase", "PHASE", phases),
    formatEnum("opcode", "OP", [...names, "end"], 1),
    formatEnum("step", "STEP", steps),
    formatEnum("reason", "REASON", reasons),
    formatBits("SUPERVISE", superviseFlags),
    formatBits("TTY", ttyModes),
    formatBits("BIND", bindFlags),
    formatBits("TARGET", targetFlags),
    formatBits("ATTRIBUTES", attributeFlags),
    formatBits("SECCOMP", seccompFlags),
    formatBits("LANDLOCK", fileRights),
    formatBits("FACT", factFlags),
    formatBits("KIND", factKinds),
    formatBits("BY", layerMakers),
    "",
    ...structs,
    "",
    "enum field { FIELD_U32, FIELD_I32, FIELD_U64, FIELD_STRING, FIELD_PATH, FIELD_LIST, FIELD_BYTES,",
    "             FIELD_FLAGS, FIELD_CHOICE, FIELD_ONE_BIT };",
    "",
    "struct op_type {",
    "    u8 phase, once, required, fields;",
    "    struct {",
    "        u32 kind;",
    "        u32 allowed;",
    "    } field[PLAN_SLOTS];",
    "};",
    "",
    "/* By opcode - 1. */",
    "static const struct op_type op_types[] = {",
    ...names.map(formatType),
    "};",
    "",
    "/* By opcode - 1, by step, by reason, by errno. */",
    formatNames("op", names),
    formatNames("step", steps),
    formatNames(
      "reason",
      reasons.map((reason) => reason.replaceAll("_", " ")),
    ),
    formatNames("errno", errnoNames),
    "#endif",
  ].join("\n")}\n`;
}

/** Path in the tree → the module and the function that make its text. */
const documents: readonly (readonly [path: string, module: string, generator: string])[] = [
  ["src/seccomp/prebuilt.ts", "./prebuild.ts", "generatePrebuilt"],
  ["docs/profile.md", "../profile/document.ts", "documentProfile"],
  ["docs/errors.md", "./document-errors.ts", "documentErrors"],
  ["docs/landlock.md", "./document-landlock.ts", "documentLandlock"],
  ["docs/seccomp.md", "./document-seccomp.ts", "documentSeccomp"],
  ["docs/plan.md", "./document-plan.ts", "documentPlan"],
];

/** Every generated file: its path in the tree and the text it should have. */
export async function generateFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map([["native/ops.h", generateOperationsHeader()]]);
  for (const [path, module, generator] of documents) {
    const loaded: Record<string, () => string> = await import(new URL(module, import.meta.url).href);
    const generate = loaded[generator];
    if (generate === undefined) throw new Error(`${module} exports no ${generator}`);
    files.set(path, generate());
  }
  return files;
}

async function main(mode: string | undefined): Promise<void> {
  const stale: string[] = [];
  for (const [path, text] of await generateFiles()) {
    const file = join(root, path);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    stale.push(path);
    if (mode === "--write") writeFileSync(file, text);
  }
  if (mode === "--write") for (const path of stale) console.error(`wrote ${path}`);
  else if (stale.length > 0) {
    console.error(`not fresh: ${stale.join(", ")}; run: npm run generate`);
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(process.argv[2]);
