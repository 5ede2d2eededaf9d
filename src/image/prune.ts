// What no image needs any more goes. In: the store, held by us alone. Out: its blobs and layers without those that nothing
// refers to. Kept layers and environments count too: they name the layers that they lie on.
import { existsSync, lstatSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { readDocument } from "./blobs.ts";
import { listImages } from "./images.ts";
import { manifestSchema } from "./oci.ts";
import { digestHex, readRegular } from "./place.ts";
import { removeTree } from "./remove.ts";
import { makeTemporary, moveAside, type Store } from "./store.ts";

export interface Pruned {
  readonly blobs: number;
  readonly layers: number;
  /** Of the blobs, in bytes. */
  readonly bytes: number;
}

export function pruneStore(store: Store): Pruned {
  const used = findUsed(store);
  let bytes = 0;
  let blobs = 0;
  const blobDirectory = join(store.directory, "blobs/sha256");
  for (const hex of readdirSync(blobDirectory)) {
    if (used.has(hex)) continue;
    bytes += lstatSync(join(blobDirectory, hex)).size;
    unlinkSync(join(blobDirectory, hex));
    blobs++;
  }
  // What broken downloads have left.
  const partial = join(store.directory, "partial");
  for (const hex of existsSync(partial) ? readdirSync(partial) : []) unlinkSync(join(partial, hex));
  const layerParent = join(store.directory, "layers");
  const unused = readdirSync(layerParent).filter((hex) => !used.has(hex));
  const aside = makeTemporary(store);
  for (const hex of unused) {
    // First out of the way: a layer that is half removed must not be one.
    moveAside(join(layerParent, hex), join(aside, hex));
    removeTree(join(aside, hex));
  }
  return { blobs, layers: unused.length, bytes };
}

function findUsed(store: Store): Set<string> {
  const used = new Set<string>();
  for (const { manifest, config, layers } of listImages(store)) {
    for (const digest of [manifest, config, ...layers]) used.add(digestHex(digest));
    try {
      const document = readDocument(store, manifestSchema, manifest, "A manifest in the store");
      for (const { digest } of document.layers) used.add(digestHex(digest));
    } catch {
      // A damaged image keeps what it says itself.
    }
  }
  for (const hex of findForeign(join(store.directory, ".."))) used.add(hex);
  return used;
}

/** Every digest in the records of kept layers and environments, whatever it is there for. */
function findForeign(data: string): string[] {
  const found: string[] = [];
  for (const kind of ["layers", "envs"]) {
    for (const name of tryList(join(data, kind))) {
      for (const file of tryList(join(data, kind, name)).filter((one) => one.endsWith(".json"))) {
        const text = readRegular(join(data, kind, name, file), 1 << 20)?.toString() ?? "";
        found.push(...(text.match(/\b[0-9a-f]{64}\b/g) ?? []));
      }
    }
  }
  return found;
}

function tryList(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
