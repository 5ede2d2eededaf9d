// One part of a profile: what one file says, or one option of the command line, and where each key of it is.
// extends.ts and overrides.ts make layers, check.ts checks each, merge.ts puts them together.
import type { Origin } from "../error.ts";
import { formatKey, type KeyPath } from "./key.ts";
import { locateKeys, type Position } from "./positions.ts";
import type { Table } from "./shape.ts";

/** Where a key was given. `layer` counts from the deepest ancestor, 0; the command line's is the highest. */
export interface KeyOrigin extends Origin {
  readonly layer: number;
}

export interface Layer {
  readonly number: number;
  /** As messages show it. */
  readonly file: string;
  /** As it was read: variables are still in it, `extends` is not. */
  readonly table: Table;
  /** The text of the file. */
  readonly text?: string;
  readonly isShipped?: boolean;
  /** What stands for the key in messages: an option of the command line. */
  readonly option?: string;
  /** Its lists go on the end of lists that are replaced otherwise. */
  readonly appends?: boolean;
}

const positions = new WeakMap<Layer, ReadonlyMap<string, Position>>();

function locate(layer: Layer): ReadonlyMap<string, Position> {
  let found = positions.get(layer);
  if (found === undefined) {
    found = locateKeys(layer.text ?? "");
    positions.set(layer, found);
  }
  return found;
}

/** Where a layer has a key, or the nearest key around it. */
export function findOrigin(layer: Layer, path: KeyPath): KeyOrigin {
  const { file, number, option } = layer;
  if (option !== undefined) return { file, key: option, layer: number };
  const places = locate(layer);
  for (let length = path.length; length > 0; length--) {
    const key = formatKey(path.slice(0, length));
    const position = places.get(key);
    if (position !== undefined) return { file, key, ...position, layer: number };
  }
  return path.length === 0 ? { file, layer: number } : { file, key: formatKey(path), layer: number };
}
