// Blobs: whatever an image consists of, by digest. In: bytes of anybody's. Out: store/blobs/sha256/HEX, whole and
// verified, or not there at all. Next: register.ts makes an image of them.
import { createHash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import type * as v from "valibot";
import { TsjailError } from "../error.ts";
import { invalid } from "./failure.ts";
import { parseDocument } from "./oci.ts";
import { blobPath, digestHex, maxDocument, type Place, readRegular } from "./place.ts";
import { nameTemporary, type Store } from "./store.ts";

export interface Blob {
  readonly digest: string;
  readonly size: number;
}

export const hasBlob = (store: Place, digest: string): boolean => existsSync(blobPath(store, digest));

/** What a blob has to be; without it, it is taken as it is. */
export interface Expectation {
  readonly digest?: string;
  readonly size?: number;
}

/** @param subject what it is to a person, as the beginning of a sentence
 * @throws TsjailError `image_invalid` where it isn't what is expected */
export async function addBlob(
  store: Store,
  source: AsyncIterable<Uint8Array>,
  expected: Expectation,
  subject: string,
): Promise<Blob> {
  const path = nameTemporary(store);
  const hash = createHash("sha256");
  let size = 0;
  const fd = openSync(path, "wx", 0o600);
  try {
    for await (const chunk of source) {
      size += chunk.length;
      if (size > (expected.size ?? Number.POSITIVE_INFINITY)) break;
      hash.update(chunk);
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  const blob = { digest: `sha256:${hash.digest("hex")}`, size };
  checkBlob(blob, expected, subject);
  renameSync(path, join(store.scratch, "blobs", digestHex(blob.digest)));
  return blob;
}

/** From now on it is the store's. */
export function publishBlob({ directory, scratch }: Store, digest: string): void {
  const hex = digestHex(digest);
  const staged = join(scratch, "blobs", hex);
  if (existsSync(staged)) renameSync(staged, join(directory, "blobs/sha256", hex));
}

function checkBlob({ digest, size }: Blob, expected: Expectation, subject: string): void {
  if (expected.size !== undefined && size !== expected.size) {
    const found = size > expected.size ? "more" : `${size}`;
    throw invalid(subject, `has the wrong size: ${found} bytes where ${expected.size} are promised`);
  }
  if (expected.digest !== undefined && digest !== expected.digest) {
    throw invalid(subject, `has the wrong digest: ${digest}, not ${expected.digest}`);
  }
}

export async function addDocument(store: Store, value: unknown): Promise<Blob> {
  return addBytes(store, Buffer.from(JSON.stringify(value)));
}

export async function addBytes(store: Store, bytes: Buffer, expected: Expectation = {}, subject = "It") {
  return addBlob(store, only(bytes), expected, subject);
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** @throws TsjailError `store_failed` where it is missing or damaged */
export function readBlob(store: Place, digest: string): Buffer {
  const path = blobPath(store, digest);
  const bytes = readRegular(path, maxDocument);
  if (bytes !== undefined && `sha256:${createHash("sha256").update(bytes).digest("hex")}` === digest)
    return bytes;
  const message = `The store is damaged: ${path} is ${bytes === undefined ? "missing" : "not what its name says"}.`;
  throw new TsjailError("store_failed", message, { hint: "Remove the image, and import or pull it again." });
}

export function readDocument<S extends v.GenericSchema>(
  store: Place,
  schema: S,
  digest: string,
  subject: string,
): v.InferOutput<S> {
  return parseDocument(schema, readBlob(store, digest), subject);
}
