// Keys as people write them ("files.write[2]", `env.set."a.b"`) and as lists of names and indexes, and back.

import { quote } from "./quote.ts";

/** Names of tables and indexes of lists, from the outermost. */
export type KeyPath = readonly (string | number)[];

/** The parts of TOML's bare keys; any other name is quoted. */
const bare = /^[A-Za-z0-9_-]+$/;

export function formatKey(path: KeyPath): string {
  let key = "";
  for (const part of path) key = appendKey(key, part);
  return key;
}

/** The keys of everything on the way, from the outermost to the path itself. */
export function listKeys(path: KeyPath): string[] {
  let key = "";
  return path.map((part) => {
    key = appendKey(key, part);
    return key;
  });
}

/** One step further: a name in a table, or an index in a list. */
export function appendKey(key: string, part: string | number): string {
  if (typeof part === "number") return `${key}[${part}]`;
  const name = bare.test(part) ? part : quote(part);
  return key === "" ? name : `${key}.${name}`;
}

/** What nearly all keys are like: without quotes and spaces. */
const plain = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+|\[\d+\])*$/;

/** The inverse of formatKey, which takes TOML's 'literal' quotes and spaces around dots too; undefined for no key. */
export function parseKey(text: string): KeyPath | undefined {
  if (plain.test(text)) {
    return text.split(/[.[]/).map((part) => (part.endsWith("]") ? Number(part.slice(0, -1)) : part));
  }
  const part = /\s*(?:([A-Za-z0-9_-]+)|("(?:[^"\\]|\\.)*")|'([^']*)')\s*|\[(\d+)\]|\./y;
  const path: (string | number)[] = [];
  let expectsName = true;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null) return undefined;
    const [whole, plain, quoted, literal, index] = match;
    if (whole === ".") {
      if (expectsName) return undefined;
      expectsName = true;
    } else if (index !== undefined) {
      if (expectsName) return undefined;
      path.push(Number(index));
    } else {
      if (!expectsName) return undefined;
      const name = plain ?? literal ?? unquote(quoted ?? "");
      if (name === undefined) return undefined;
      path.push(name);
      expectsName = false;
    }
  }
  return expectsName ? undefined : path;
}

function unquote(text: string): string | undefined {
  try {
    return String(JSON.parse(text));
  } catch {
    return undefined;
  }
}
