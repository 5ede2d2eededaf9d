// The store as pull and push want it (src/registry/sink.ts). In: a store in use. Out: blobs that come from a registry,
// verified, and what is left of broken downloads in store/partial; images, by register.ts; and all of it to be read.
import {
  closeSync,
  constants,
  createReadStream,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { makeDirectories } from "../directory.ts";
import { RegistryFailure } from "../registry/failure.ts";
import {
  type BlobPart,
  createVerifier,
  type Descriptor,
  type ImageSink,
  type ImageSource,
} from "../registry/sink.ts";
import { addBytes, readBlob } from "./blobs.ts";
import { findImage } from "./images.ts";
import { manifestSchema, mediaTypes, parseDocument } from "./oci.ts";
import { blobPath, digestHex } from "./place.ts";
import { registerImage } from "./register.ts";
import { nameTemporary, type Store } from "./store.ts";
import type { Limits } from "./unpack.ts";

/** @param limits for each layer of a new image */
export function createSink(store: Store, limits: Limits): ImageSink & ImageSource {
  return {
    hasBlob: async ({ digest, size }) =>
      statSync(blobPath(store, digest), { throwIfNoEntry: false })?.size === size,
    addBlob: (blob, open) => takeBlob(store, blob, open),
    async putImage({ name, manifest, config }) {
      for (const { bytes, digest, size } of [manifest, config])
        await addBytes(store, Buffer.from(bytes), { digest, size }, `The document ${digest}`);
      await registerImage(store, { name, manifest: manifest.digest, limits });
    },
    async findImage(name) {
      const image = findImage(store, name);
      const bytes = readBlob(store, image.manifest);
      const document = parseDocument(manifestSchema, bytes, `The image ${image.name}: its manifest`);
      const { config, layers, mediaType = mediaTypes.manifest } = document;
      return {
        name: image.name,
        manifest: { mediaType, digest: image.manifest, size: bytes.length, bytes },
        config: { ...toDescriptor(config), bytes: readBlob(store, config.digest) },
        layers: layers.map(toDescriptor),
      };
    },
    readBlob: ({ digest }, from) =>
      createReadStream(blobPath(store, digest), { start: from, highWaterMark: 256 * 1024 }),
  };
}

const toDescriptor = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });

/** It goes to its place at once, and not when the image has its name: a pull that fails at the next layer, or is killed,
 * need not fetch this one again. `tsjail image prune` removes what no image has asked for. */
async function takeBlob(
  store: Store,
  blob: Descriptor,
  begin: (from: number) => Promise<BlobPart>,
): Promise<void> {
  const { path, fd } = await openPartial(store, blob);
  try {
    const verifier = createVerifier(blob);
    const part = await begin(fstatSync(fd).size);
    ftruncateSync(fd, part.from);
    if (part.from > 0) {
      const kept = createReadStream("", { fd, autoClose: false, start: 0, end: part.from - 1 });
      for await (const chunk of kept) verifier.add(chunk);
    }
    let position = part.from;
    for await (const chunk of part.bytes) {
      verifier.add(chunk);
      for (let at = 0; at < chunk.length; ) {
        const count = writeSync(fd, chunk, at, chunk.length - at, position);
        at += count;
        position += count;
      }
    }
    verifier.finish();
    fsyncSync(fd);
    renameSync(path, join(store.directory, "blobs/sha256", digestHex(blob.digest)));
  } catch (error) {
    // Only a broken connection leaves something of use; a full disk wants its room back.
    if (!(error instanceof RegistryFailure) && existsSync(path)) unlinkSync(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** What an earlier download has left, for us alone; while another process has it, a file of our own. */
async function openPartial(store: Store, { digest }: Descriptor): Promise<{ path: string; fd: number }> {
  const { tryLock } = await import("./system.ts");
  const directory = join(store.directory, "partial");
  makeDirectories(directory);
  const path = join(directory, digestHex(digest));
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = openSync(path, flags, 0o600);
  // Whoever had it before us may have finished it: then the file has another name by now.
  if (tryLock(fd, "exclusive") && statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino)
    return { path, fd };
  closeSync(fd);
  const own = nameTemporary(store);
  return { path: own, fd: openSync(own, "wx+", 0o600) };
}
