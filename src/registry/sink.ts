// What pulling and pushing want of a store of images, and nothing else of it. In: verified blobs, then the image that
// they make up. Out: the same, for push. src/image has the store; test/registry/store.ts is the least that will do.
import { createHash, type Hash } from "node:crypto";

/** Content that is named by its hash (OCI image specification, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  /** "sha256:" and 64 hexadecimal digits. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** A small one, with its content: exactly the bytes that the digest is of. */
export interface Document extends Descriptor {
  readonly bytes: Uint8Array;
}

export interface Image {
  /** As people write it: "debian:12". */
  readonly name: string;
  /** Of this platform; never an index. */
  readonly manifest: Document;
  readonly config: Document;
  /** Compressed as they came, the lowest first. */
  readonly layers: readonly Descriptor[];
}

/** Some bytes of a blob, up to its end. */
export interface BlobPart {
  /** Where they begin. 0 although more was asked for: the server can't begin in the middle. */
  readonly from: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface ImageSink {
  hasBlob(blob: Descriptor): Promise<boolean>;
  /** Keeps a blob, all of it or nothing: it has its name only when it has been verified (createVerifier()) and synced.
   * What an error of `bytes` interrupts stays, for the next call to go on with; what fails the check is removed. While
   * another process is at the same blob, this waits for it or starts one of its own; both end well.
   * @param open called once, with the number of bytes that are there already; its answer's `from` is that or 0
   * @throws BlobMismatch, whatever `open` and `bytes` throw, TsjailError when it can't be written */
  addBlob(blob: Descriptor, open: (from: number) => Promise<BlobPart>): Promise<void>;
  /** The last step: every layer has been added. The manifest and the config come with it. An image that had that name
   * loses it. Atomic. */
  putImage(image: Image): Promise<void>;
}

export interface ImageSource {
  /** @throws TsjailError when its files can't be read
   * @returns undefined when there is none of that name */
  findImage(name: string): Promise<Image | undefined>;
  /** The bytes of a stored blob from a place on. */
  readBlob(blob: Descriptor, from: number): AsyncIterable<Uint8Array>;
}

/** Bytes that are not what their digest or size promises. */
export class BlobMismatch extends Error {
  override readonly name = "BlobMismatch";
}

export interface Verifier {
  /** @throws BlobMismatch as soon as there are more bytes than promised */
  add(bytes: Uint8Array): void;
  /** @throws BlobMismatch */
  finish(): void;
}

/** Checks the bytes of a blob as they come, in order, those of an earlier try first. */
export function createVerifier(blob: Descriptor): Verifier {
  const hash: Hash = createHash("sha256");
  let size = 0;
  return {
    add(bytes) {
      size += bytes.length;
      if (size > blob.size)
        throw new BlobMismatch(`it has more than the ${blob.size} bytes that it should have`);
      hash.update(bytes);
    },
    finish() {
      if (size !== blob.size) throw new BlobMismatch(`it has ${size} bytes, and should have ${blob.size}`);
      const digest = `sha256:${hash.digest("hex")}`;
      if (digest !== blob.digest) throw new BlobMismatch(`its digest is ${digest}`);
    },
  };
}
