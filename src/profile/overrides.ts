// What the command line says about a profile comes in, as keys and values; one layer for each goes out, on top of the
// files' layers. Next: check.ts.
import { TsjailError } from "../error.ts";
import { formatKey, parseKey } from "./key.ts";
import type { Layer } from "./layer.ts";
import { emptyTable, isTable, profileShape, type Shape } from "./shape.ts";
import { nearestKeyHint } from "./unknown.ts";

/** One key and its value. A `+` at the end of the key puts the value on the end of a list. */
export interface Override {
  readonly key: string;
  readonly value: unknown;
  /** As messages name it, e.g. "--bind /a:/b". */
  readonly option: string;
}

/** @throws TsjailError `usage` for a key that can't be one */
export function makeLayer({ key, value, option }: Override, number: number): Layer {
  const appends = key.trimEnd().endsWith("+");
  const path = parseKey(appends ? key.trimEnd().slice(0, -1) : key);
  const fail = (why: string, hint?: string) => new TsjailError("usage", `${option}: ${why}.`, { hint });
  if (path === undefined)
    throw fail("this is no key", 'Write it as in TOML: files.write, env.set.NAME, env.set."a.b"');
  const names = path.filter((part) => typeof part === "string");
  if (names.length < path.length) {
    throw fail(
      "one element of a list can't be changed",
      "Give the whole list, or add to it: --set key+=value",
    );
  }
  if (names[0] === "extends")
    throw fail("extends is a matter of files", "Name another profile: --profile NAME");
  const shape = findShape(names);
  if (shape === undefined) throw fail(`${formatKey(path)} is not a key of profiles${nearestKeyHint(path)}`);
  const isList = shape.type === "list" || (shape.type === "either" && shape.several.type === "list");
  if (appends && !isList) throw fail(`${formatKey(path)} is not a list`, "Write = instead of +=");
  const fitted = fit(value, shape, isSetting(option) ? option : undefined);
  return { number, file: "command line", table: nest(names, fitted), option, appends };
}

/** Whether variables are replaced in it. In a --set they are as in a file; in the values of other options the shell has
 * done that, and a dollar sign that is still there is one. */
export const isSetting = (option: string | undefined) => option?.startsWith("--set") ?? false;

function nest(names: readonly string[], value: unknown): Record<string, unknown> {
  const [first = "", ...rest] = names;
  const table = emptyTable();
  table[first] = rest.length === 0 ? value : nest(rest, value);
  return table;
}

/** The shape at a key; undefined where there is no such key. */
function findShape(names: readonly string[]): Shape | undefined {
  let shape: Shape | undefined = profileShape();
  for (const name of names) {
    if (shape?.type === "either") shape = shape.several;
    if (shape?.type === "record") shape = shape.value;
    else shape = shape?.type === "table" ? shape.keys.get(name)?.shape : undefined;
  }
  return shape;
}

/** On a command line `env.set.PORT=8080` means a string and `files.write=/a` a list, though TOML would not say so. */
function fit(value: unknown, shape: Shape, setting: string | undefined): unknown {
  if (shape.type === "list") {
    const list = Array.isArray(value) ? value : [value];
    return list.map((each) => fit(each, shape.item, Array.isArray(value) ? undefined : setting));
  }
  const isPlain = typeof value === "number" || typeof value === "boolean";
  if (isPlain && (shape.type === "string" || shape.kind === "duration")) {
    // As it was written: 1.10 is not "1.1".
    const written = setting?.slice(setting.indexOf("=") + 1).trim();
    return written === undefined || written === "" ? String(value) : written;
  }
  if (isTable(value) && shape.type === "record") {
    return Object.assign(
      emptyTable(),
      Object.fromEntries(
        Object.entries(value).map(([name, each]) => [name, fit(each, shape.value, undefined)]),
      ),
    );
  }
  return value;
}
