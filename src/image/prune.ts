// What no image needs any more goes. In: the store, held by us alone. Out: its blobs and layers without those that nothing
// refers to. Kept layers count too, which name the layers that they lie on, and jails that have an image as their root.
import { closeSync, constants, existsSync, lstatSync, openSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { readDocument } from "./blobs.ts";
import { listImages } from "./images.ts";
import { configSchema, manifestSchema } from "./oci.ts";
import { digestHex, readRegular } from "./place.ts";
import { removeTree } from "./remove.ts";
import { makeTemporary, moveAside, type Store } from "./store.ts";
import { tryLock } from "./system.ts";

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
  for (const hex of findRunning(store, used)) used.add(hex);
  return used;
}

/** What jails have as their root that has no name any more. The locks of all others go. */
function findRunning(store: Store, used: ReadonlySet<string>): string[] {
  const uses = join(store.directory, "uses");
  return tryList(uses).flatMap((hex) => {
    if (used.has(hex)) return [];
    const fd = openSync(join(uses, hex), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (tryLock(fd, "exclusive")) {
        unlinkSync(join(uses, hex));
        return [];
      }
    } finally {
      closeSync(fd);
    }
    const { rootfs } = readDocument(store, configSchema, `sha256:${hex}`, "A configuration in the store");
    return [hex, ...rootfs.diff_ids.map(digestHex)];
  });
}

/** Every digest in the records of kept layers, whatever it is there for. */
function findForeign(data: string): string[] {
  const found: string[] = [];
  const layers = join(data, "layers");
  for (const name of tryList(layers)) {
    for (const file of tryList(join(layers, name)).filter((one) => one.endsWith(".json"))) {
      const text = readRegular(join(layers, name, file), 1 << 20)?.toString() ?? "";
      found.push(...(text.match(/\b[0-9a-f]{64}\b/g) ?? []));
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
