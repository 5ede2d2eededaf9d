// Layers come in, checked and with their variables replaced; one table goes out, and where each key of it came from.
// Tables are merged key by key, some lists are joined (FieldMetadata.merge), all else is replaced by the later layer.
// Next: load.ts.
import { formatKey, type KeyPath, listKeys } from "./key.ts";
import { findOrigin, type KeyOrigin, type Layer } from "./layer.ts";
import { emptyTable, isTable, type Shape, type Table } from "./shape.ts";

interface Place {
  readonly layer: Layer;
  /** The key in that layer. */
  readonly path: KeyPath;
}

export interface Merged {
  readonly table: Table;
  /** Where a key came from; undefined for one that no layer has. */
  origin(path: KeyPath): KeyOrigin | undefined;
}

export function mergeLayers(layers: readonly Layer[], shape: Shape): Merged {
  const merger = new Merger();
  for (const layer of layers) merger.add(layer, shape);
  return { table: merger.table, origin: (path) => merger.origin(path) };
}

class Merger {
  readonly table = emptyTable();
  /** By key: where whole values and list elements are from. */
  readonly #places = new Map<string, Place>();
  /** By key: the last layer that says anything in a table. */
  readonly #tables = new Map<string, Place>();

  add(layer: Layer, shape: Shape): void {
    this.#mergeTable(this.table, layer.table, shape, layer, []);
  }

  origin(path: KeyPath): KeyOrigin | undefined {
    const keys = listKeys(path);
    for (let length = path.length; length > 0; length--) {
      const place = this.#places.get(keys[length - 1] ?? "");
      if (place !== undefined) return findOrigin(place.layer, [...place.path, ...path.slice(length)]);
    }
    const exact = this.#tables.get(keys.at(-1) ?? "");
    return exact && findOrigin(exact.layer, exact.path);
  }

  #mergeTable(target: Table, source: Table, shape: Shape, layer: Layer, path: KeyPath): void {
    for (const [name, value] of Object.entries(source)) {
      const inner = findInner(shape, name);
      this.#mergeKey(target, name, value, inner, layer, [...path, name]);
    }
  }

  #mergeKey(
    target: Table,
    name: string,
    value: unknown,
    shape: Shape | undefined,
    layer: Layer,
    path: KeyPath,
  ): void {
    const previous = target[name];
    const key = formatKey(path);
    if (isTable(value) && (shape?.type === "table" || shape?.type === "record")) {
      const table = isTable(previous) ? previous : emptyTable();
      target[name] = table;
      this.#tables.set(key, { layer, path });
      this.#mergeTable(table, value, shape, layer, path);
    } else if (Array.isArray(value) && (shape?.merge === "concat" || layer.appends)) {
      const before: unknown[] = Array.isArray(previous) ? previous : previous === undefined ? [] : [previous];
      target[name] = this.#joinLists(before, value, layer, path);
    } else {
      if (previous !== undefined) this.#forget(key);
      target[name] = value;
      this.#places.set(key, { layer, path });
    }
  }

  /** Without exact duplicates: an element stays where it was first, but its origin is the layer that said it last. */
  #joinLists(before: readonly unknown[], after: readonly unknown[], layer: Layer, path: KeyPath): unknown[] {
    const list = [...before];
    const seen = new Map(list.map((value, index) => [JSON.stringify(value), index]));
    after.forEach((value, index) => {
      const text = JSON.stringify(value);
      const at = seen.get(text) ?? list.push(value) - 1;
      seen.set(text, at);
      const known = this.#places.get(formatKey([...path, at]));
      if (known?.layer !== layer)
        this.#places.set(formatKey([...path, at]), { layer, path: [...path, index] });
    });
    if (list.length > 0) this.#tables.set(formatKey(path), { layer, path });
    return list;
  }

  /** What a replaced value had below it. */
  #forget(key: string): void {
    for (const places of [this.#places, this.#tables]) {
      for (const known of places.keys()) {
        if (known === key || known.startsWith(`${key}[`) || known.startsWith(`${key}.`)) places.delete(known);
      }
    }
  }
}

function findInner(shape: Shape, name: string): Shape | undefined {
  if (shape.type === "record") return shape.value;
  return shape.type === "table" ? shape.keys.get(name)?.shape : undefined;
}
