// The kept layers, for `tsjail layer ls` and whoever needs one by its name. In: their directory. Out: one entry for
// each, by name; or the directory of one.
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { TsjailError } from "../error.ts";
import { quoteWord } from "../plan/escape.ts";
import { isLayerName } from "../profile/layer-name.ts";
import { nearestHint } from "../profile/nearest.ts";
import { type LayerRecord, readLayer } from "./keep.ts";
import { findHolder } from "./lock.ts";
import { layerPlaces } from "./place.ts";

export interface KeptLayer {
  readonly name: string;
  readonly directory: string;
  /** Undefined where layer.json is missing or damaged. */
  readonly record: LayerRecord | undefined;
  /** Bytes on disk. */
  readonly size: number;
  /** The process that has it; 0 where it doesn't say. */
  readonly holder?: number | undefined;
}

/** @throws an errno of readdir(3), but for a directory that does not exist */
export function listLayers(layers: string): KeptLayer[] {
  return listNames(layers).map((name) => {
    const directory = join(layers, name);
    return {
      name,
      directory,
      record: readLayer(directory),
      size: measure(Buffer.from(layerPlaces(directory).upper)),
      holder: findHolder(directory),
    };
  });
}

/** @throws TsjailError `layer_not_found` */
export function findLayer(layers: string, name: string): string {
  const directory = join(layers, name);
  const isThere = isLayerName(name) && lstatSync(directory, { throwIfNoEntry: false })?.isDirectory();
  if (isThere) return directory;
  const hint = nearestHint(name, listNames(layers));
  throw new TsjailError("layer_not_found", `There is no layer ${quoteWord(name)}${hint}.`, {
    hint: "`tsjail layer ls` lists those that are kept.",
  });
}

/** What a directory of ours has that has a name; none where it does not exist. */
export function listNames(directory: string): string[] {
  try {
    return readdirSync(directory).filter(isLayerName).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** What a tree takes of the disk; what can't be looked into counts for nothing. */
export function measure(path: Buffer): number {
  const left = [path];
  const seen = new Set<number>();
  let size = 0;
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    try {
      const stats = lstatSync(next);
      if (stats.nlink > 1 && !stats.isDirectory() && seen.has(stats.ino)) continue;
      seen.add(stats.ino);
      size += stats.blocks * 512;
      if (!stats.isDirectory()) continue;
      const directory = next;
      for (const name of readdirSync(directory, { encoding: "buffer" }))
        left.push(Buffer.concat([directory, Buffer.from("/"), name]));
    } catch {}
  }
  return size;
}
