// Keys that no profile has, and lists in the place of tables. A table comes in; the same without them goes out, and each of them is reported with the
// nearest key that there is. Next: check.ts.
import { formatKey, type KeyPath } from "./key.ts";
import { findNearest } from "./nearest.ts";
import { chooseShape, emptyTable, isTable, profileShape, type Shape } from "./shape.ts";

/** Names that would be lost on the way: valibot's record() passes over them. */
const unusable = new Set(["__proto__", "prototype", "constructor"]);

/** Drops what the shape doesn't know. */
export function dropUnknown(
  value: unknown,
  shape: Shape,
  report: (message: string, path: KeyPath) => void,
  path: KeyPath = [],
): unknown {
  const chosen = chooseShape(shape, value);
  if (Array.isArray(value) && chosen.type === "list") {
    return value.map((each, index) => dropUnknown(each, chosen.item, report, [...path, index]));
  }
  const wantsTable = chosen.type === "table" || chosen.type === "record" || chosen.type === "variants";
  // To valibot lists and dates are objects too.
  if (wantsTable && typeof value === "object" && !isTable(value)) report("must be a table", path);
  if (!isTable(value) || (chosen.type !== "table" && chosen.type !== "record")) return value;
  const table = emptyTable();
  for (const [name, each] of Object.entries(value)) {
    const key = chosen.type === "record" ? chosen.value : chosen.keys.get(name)?.shape;
    if (chosen.type === "record" && unusable.has(name))
      report("is a name that can't be used", [...path, name]);
    else if (key === undefined)
      report(`is not a key of profiles${nearestKeyHint([...path, name], chosen)}`, [...path, name]);
    else table[name] = dropUnknown(each, key, report, [...path, name]);
  }
  return table;
}

/** `; did you mean "files.read"?`: the nearest key of the same table, else the nearest of all, else nothing. */
export function nearestKeyHint(path: KeyPath, table?: Shape): string {
  const name = String(path.at(-1));
  const siblings = table?.type === "table" ? [...table.keys.keys()] : [];
  const sibling = findNearest(name, siblings);
  if (sibling !== undefined) return hint([...path.slice(0, -1), sibling]);
  const full = formatKey(path);
  const known = listKeys();
  const near = known.includes(name) ? name : (findNearest(full, known) ?? findByLastName(name, known));
  if (near !== undefined) return hint(near);
  if (path.length > 1 && siblings.length > 0)
    return `; ${formatKey(path.slice(0, -1))} has ${siblings.join(", ")}`;
  return "";
}

const hint = (key: KeyPath | string) => `; did you mean "${typeof key === "string" ? key : formatKey(key)}"?`;

function findByLastName(name: string, known: readonly string[]): string | undefined {
  const last = (key: string) => key.slice(key.lastIndexOf(".") + 1);
  const near = findNearest(name, known.map(last));
  return known.find((key) => last(key) === near);
}

/** All keys that are not inside a list. */
function listKeys(): string[] {
  const keys: string[] = [];
  const walk = (shape: Shape, path: readonly string[]) => {
    if (shape.type !== "table") return;
    for (const [name, { shape: inner }] of shape.keys) {
      keys.push([...path, name].join("."));
      walk(inner, [...path, name]);
    }
  };
  walk(profileShape(), []);
  return keys;
}
