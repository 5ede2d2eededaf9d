// The least that does for a store: blobs/sha256/HEX, partial/HEX and images.json below one directory. In: what
// src/registry/sink.ts asks for. Out: files. For the tests of pull and push; the real one is src/image.
import { createReadStream, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestHex } from "../../src/image/place.ts";
import {
  BlobMismatch,
  type BlobPart,
  createVerifier,
  type Descriptor,
  type Image,
  type ImageSink,
  type ImageSource,
} from "../../src/registry/sink.ts";

type Record_ = Pick<Image, "name" | "layers"> & {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
};

export class DirectoryStore implements ImageSink, ImageSource {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
    mkdirSync(join(directory, "partial"), { recursive: true });
  }

  pathOf(blob: Descriptor): string {
    return join(this.directory, "blobs/sha256", digestHex(blob.digest));
  }

  partialOf(blob: Descriptor): string {
    return join(this.directory, "partial", digestHex(blob.digest));
  }

  async hasBlob(blob: Descriptor): Promise<boolean> {
    return statSync(this.pathOf(blob), { throwIfNoEntry: false })?.size === blob.size;
  }

  async addBlob(blob: Descriptor, begin: (from: number) => Promise<BlobPart>): Promise<void> {
    if (await this.hasBlob(blob)) return;
    const path = this.partialOf(blob);
    const verifier = createVerifier(blob);
    const part = await begin(statSync(path, { throwIfNoEntry: false })?.size ?? 0);
    const file = await open(path, part.from === 0 ? "w" : "r+");
    try {
      if (part.from > 0) {
        await file.truncate(part.from);
        for await (const chunk of createReadStream(path)) verifier.add(chunk);
      }
      let position = part.from;
      for await (const chunk of part.bytes) {
        verifier.add(chunk);
        await file.write(chunk, 0, chunk.length, position);
        position += chunk.length;
      }
      verifier.finish();
      await file.sync();
      await rename(path, this.pathOf(blob));
    } catch (error) {
      if (error instanceof BlobMismatch) await rm(path);
      throw error;
    } finally {
      await file.close();
    }
  }

  async putImage(image: Image): Promise<void> {
    for (const document of [image.manifest, image.config])
      await writeFile(this.pathOf(document), document.bytes);
    const plain = ({ mediaType, digest, size }: Descriptor) => ({ mediaType, digest, size });
    const images = this.#readImages();
    const { name, manifest, config, layers } = image;
    images[name] = { name, manifest: plain(manifest), config: plain(config), layers };
    await writeFile(join(this.directory, "images.json"), JSON.stringify(images));
  }

  async findImage(name: string): Promise<Image | undefined> {
    const found = this.#readImages()[name];
    if (found === undefined) return undefined;
    const read = (blob: Descriptor) => ({ ...blob, bytes: readFileSync(this.pathOf(blob)) });
    return { ...found, manifest: read(found.manifest), config: read(found.config) };
  }

  readBlob(blob: Descriptor, from: number): AsyncIterable<Uint8Array> {
    return createReadStream(this.pathOf(blob), { start: from });
  }

  #readImages(): Record<string, Record_> {
    const path = join(this.directory, "images.json");
    return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  }
}
