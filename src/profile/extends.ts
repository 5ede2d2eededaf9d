// A profile's file comes in; the layers that it stands for go out, its ancestors first, each file once.
// Next: check.ts, which checks each layer.
import { TsjailError } from "../error.ts";
import { type Found, findExtended, type SearchRequest } from "./find.ts";
import { formatKey, type KeyPath } from "./key.ts";
import { findOrigin, type Layer } from "./layer.ts";
import { decodeSource, parseToml, readSource, type Source } from "./parse.ts";
import { findParsed } from "./parsed.ts";
import { quoteShort } from "./quote.ts";
import { emptyTable, profileShape, type Table } from "./shape.ts";
import { expandValue, type Lookup } from "./variables.ts";

export interface Chain {
  /** In the order in which they are merged. */
  readonly layers: readonly Layer[];
  /** In the order in which they were read: the profile itself first. */
  readonly sources: readonly Source[];
}

export type Report = (error: TsjailError) => void;

/** More than anyone can keep in mind, and few enough to be read in no time. */
const maxFiles = 64;

/** Reads a profile and all that it extends. What is wrong with one `extends` is reported and the rest is read.
 * @throws TsjailError for the profile itself, if it can't be read */
export function readChain(found: Found, request: SearchRequest, lookup: Lookup, report: Report): Chain {
  const layers: Layer[] = [];
  const sources = new Map<string, Source>();

  const read = (next: Found, open: readonly Source[]): void => {
    const source = readSource(next.path, next.file, next.isShipped);
    const cycle = open.findIndex(({ realPath }) => realPath === source.realPath);
    if (cycle !== -1) throw cycleError([...open.slice(cycle), source]);
    // A second way to the same ancestor changes nothing: it stays where it was first.
    if (sources.has(source.realPath)) return;
    if (sources.size >= maxFiles) {
      throw new TsjailError("profile_invalid", `The profile extends more than ${maxFiles} files.`);
    }
    sources.set(source.realPath, source);
    const text = decodeSource(source);
    const { extends: extended, ...table } = findParsed(text)?.table ?? parseToml(text, source.file);
    const layer = {
      number: 0,
      file: source.file,
      table: Object.assign(emptyTable(), table),
      text,
      isShipped: source.isShipped,
    };
    for (const [name, path] of readNames(extended, layer, lookup, report)) {
      try {
        read(findExtended(name, next, request), [...open, source]);
      } catch (error) {
        if (!(error instanceof TsjailError)) throw error;
        report(error.origin === undefined ? withOrigin(error, layer, path) : error);
      }
    }
    layers.push({ ...layer, number: layers.length });
  };

  read(found, []);
  return { layers, sources: [...sources.values()] };
}

/** The names in `extends`, variables replaced, each with its key. */
function readNames(extended: unknown, layer: Layer, lookup: Lookup, report: Report): [string, KeyPath][] {
  if (extended === undefined) return [];
  const table: Table = expandValue({ extends: extended }, profileShape(), lookup, (error, path) =>
    report(withOrigin(error, layer, path)),
  ) as Table;
  const list = Array.isArray(table.extends) ? table.extends : [table.extends];
  const names: [string, KeyPath][] = [];
  list.forEach((name: unknown, index) => {
    const path = Array.isArray(table.extends) ? ["extends", index] : ["extends"];
    if (typeof name === "string" && name !== "" && !name.includes("\0")) names.push([name, path]);
    else
      report(
        withOrigin(
          new TsjailError("profile_invalid", "must be the name or the path of a profile"),
          layer,
          path,
        ),
      );
  });
  return names;
}

/** The same error, with the key it is about: before the message, unless that is a sentence of its own. */
export function withOrigin(error: TsjailError, layer: Layer, path: KeyPath): TsjailError {
  const origin = findOrigin(layer, path);
  const { hint, detail, cause } = error;
  const isWhole = /^[A-Z]/.test(error.message);
  const message = isWhole ? error.message : `${formatKey(path)} ${error.message}`;
  return new TsjailError(error.code, message, { hint, detail, cause, origin });
}

function cycleError(cycle: readonly Source[]): TsjailError {
  const names = cycle.map(({ file }) => quoteShort(file, 200).slice(1, -1));
  return new TsjailError("profile_cycle", `The profile ${names[0]} extends itself: ${names.join(" → ")}.`, {
    hint: "Take one of these out of `extends`.",
  });
}
