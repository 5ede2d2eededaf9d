// Unpacked layers, each once, by the digest of what it was unpacked from. In: a blob, and what it has to unpack to. Out:
// store/layers/HEX, whole or not there. Next: register.ts.
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { detectCompression } from "./compression.ts";
import { invalid } from "./failure.ts";
import { blobPath, digestHex, layerDirectory, type Place } from "./place.ts";
import { makeTemporary, type Store } from "./store.ts";
import { type Limits, readArchive, unpackLayer } from "./unpack.ts";

/** From now on it is the store's. */
export function publishLayer({ directory, scratch }: Store, digest: string): void {
  const hex = digestHex(digest);
  const staged = join(scratch, "layers", hex);
  if (existsSync(staged)) moveLayer(staged, join(directory, "layers", hex));
}

/**
 * @param blob the archive
 * @param digest what it has to unpack to; without it whatever it unpacks to is right
 * @returns the digest of the unpacked archive
 * @throws TsjailError `image_invalid`
 */
export async function addLayer(
  store: Store,
  { blob, digest, subject }: { blob: string; digest?: string | undefined; subject: string },
  limits: Limits,
): Promise<string> {
  const path = blobPath(store, blob);
  const archive = { path, compression: detectCompression(path), subject };
  if (digest !== undefined && existsSync(layerDirectory(store, digest))) {
    // Whoever made the image may promise a layer that is here already, and bring something else.
    if (!isVerified(store, digest, blob)) {
      const found = await readArchive(archive, limits, () => undefined);
      if (found.digest !== digest) {
        throw invalid(subject, `is not what its image says: it unpacks to ${found.digest}, not ${digest}`);
      }
      noteVerified(layerDirectory(store, digest), blob);
    }
    return digest;
  }
  const fresh = makeTemporary(store);
  const found = await unpackLayer(archive, fresh, limits, digest);
  noteVerified(fresh, blob);
  moveLayer(fresh, join(store.scratch, "layers", digestHex(found)));
  return found;
}

function moveLayer(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // Another import was faster with the same layer: rename(2) takes no place of a directory that is not empty.
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    for (const hex of readdirSync(join(from, "blobs"))) noteVerified(to, `sha256:${hex}`);
  }
}

/** The blobs that are known to unpack to a layer. */
export function listVerified(store: Place, digest: string): string[] {
  const directory = join(layerDirectory(store, digest), "blobs");
  return existsSync(directory) ? readdirSync(directory).map((hex) => `sha256:${hex}`) : [];
}

const isVerified = (store: Store, digest: string, blob: string): boolean =>
  listVerified(store, digest).includes(blob);

function noteVerified(layer: string, blob: string): void {
  const directory = join(layer, "blobs");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, blob.slice("sha256:".length)), "", { mode: 0o600 });
}
