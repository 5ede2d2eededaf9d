// One part of a profile: what one file says, or one option of the command line, and where each key of it is.
// extends.ts and overrides.ts make layers, check.ts checks each, merge.ts puts them together.
import type { Origin } from "../error.ts";
import { type KeyPath, listKeys } from "./key.ts";
import { type FindPosition, makePositions } from "./parsed.ts";
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

const positions = new WeakMap<Layer, FindPosition>();

function locate(layer: Layer): FindPosition {
  let found = positions.get(layer);
  if (found === undefined) {
    found = makePositions(layer.text ?? "");
    positions.set(layer, found);
  }
  return found;
}

/** Where a layer has a key, or the nearest key around it. */
export function findOrigin(layer: Layer, path: KeyPath): KeyOrigin {
  const { file, number, option } = layer;
  if (option !== undefined) return { file, key: option, layer: number };
  const findPosition = locate(layer);
  const keys = listKeys(path);
  for (const key of keys.toReversed()) {
    const position = findPosition(key);
    if (position !== undefined) return { file, key, ...position, layer: number };
  }
  const key = keys.at(-1);
  return key === undefined ? { file, layer: number } : { file, key, layer: number };
}
