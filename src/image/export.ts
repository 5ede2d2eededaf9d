// An image as a file, for other programs. In: its name. Out: an OCI image layout, as a directory or an archive, or an
// archive as `docker save` writes it; the same image gives the same bytes.

import {
  closeSync,
  copyFileSync,
  createReadStream,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { TsjailError } from "../error.ts";
import { describeErrno } from "../profile/parse.ts";
import { addBlob, readDocument } from "./blobs.ts";
import { detectCompression, readUnpacked } from "./compression.ts";
import { encodeFile } from "./encode.ts";
import { findImage, type Image } from "./images.ts";
import { imageName, manifestSchema, mediaTypes, type OciManifest, refName } from "./oci.ts";
import { blobPath, digestHex } from "./place.ts";
import { removeTree } from "./remove.ts";
import type { Store } from "./store.ts";

export interface ExportWish {
  readonly name: string;
  /** An absolute path, or "-" for standard output. */
  readonly target: string;
  readonly format: "oci" | "docker";
  /** As a directory: an OCI layout only. */
  readonly isDirectory: boolean;
}

/** One file of what is exported. */
interface Member {
  readonly name: string;
  /** Its bytes, or where they are. */
  readonly content: Buffer | { readonly path: string };
}

/** @throws TsjailError `image_not_found`, `store_failed`, `usage` */
export async function exportImage(store: Store, wish: ExportWish): Promise<Image> {
  const image = findImage(store, wish.name);
  if (wish.isDirectory && wish.format === "docker") {
    throw new TsjailError("usage", "What docker reads is an archive, not a directory.", {
      hint: "Write a file's name without / at its end.",
    });
  }
  const manifest = readDocument(store, manifestSchema, image.manifest, `The image ${image.name}`);
  const members =
    wish.format === "oci" ? listOci(store, image, manifest) : await listDocker(store, image, manifest);
  if (wish.isDirectory) writeDirectory(members, wish.target);
  else await writeArchive(members, wish.target);
  return image;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function listOci(store: Store, image: Image, manifest: OciManifest): Member[] {
  const { size } = statSync(blobPath(store, image.manifest));
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [
      {
        mediaType: manifest.mediaType ?? mediaTypes.manifest,
        digest: image.manifest,
        size,
        annotations: { [imageName]: image.name, [refName]: findTag(image.name) },
      },
    ],
  };
  const digests = [image.manifest, manifest.config.digest, ...manifest.layers.map(({ digest }) => digest)];
  const blobs = [...new Set(digests)].sort().map((digest): Member => {
    return { name: `blobs/sha256/${digestHex(digest)}`, content: { path: blobPath(store, digest) } };
  });
  // Named, since skopeo would give directories that it makes itself to root.
  const directories = ["blobs/", "blobs/sha256/"].map((name): Member => ({ name, content: Buffer.alloc(0) }));
  return [
    ...directories,
    ...blobs,
    { name: "index.json", content: json(index) },
    { name: "oci-layout", content: json({ imageLayoutVersion: "1.0.0" }) },
  ];
}

/** "12" of "debian:12". */
const findTag = (name: string): string => /:([\w.-]+)$/.exec(name)?.[1] ?? "latest";

/** docker loads what is not packed; each layer is named by what it is then. */
async function listDocker(store: Store, image: Image, manifest: OciManifest): Promise<Member[]> {
  const config = digestHex(manifest.config.digest);
  const layers = image.layers.map((digest) => `${digestHex(digest)}.tar`);
  const members = new Map<string, Member>();
  for (const [index, { digest }] of manifest.layers.entries()) {
    const name = layers[index] as string;
    const path = blobPath(store, digest);
    const compression = detectCompression(path);
    if (members.has(name)) continue;
    if (compression === "none") members.set(name, { name, content: { path } });
    else {
      const subject = `The layer ${digest}`;
      const blob = await addBlob(store, readUnpacked(path, compression, subject), {}, subject);
      members.set(name, { name, content: { path: blobPath(store, blob.digest) } });
    }
  }
  const tag = /:[\w.-]+$/.test(image.name) ? image.name : `${image.name}:latest`;
  const saved = [{ Config: `${config}.json`, RepoTags: [tag], Layers: layers }];
  return [
    ...[...members.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    { name: `${config}.json`, content: { path: blobPath(store, manifest.config.digest) } },
    { name: "manifest.json", content: json(saved) },
  ];
}

async function* packMembers(members: readonly Member[]): AsyncGenerator<Buffer> {
  for (const { name, content } of members) {
    const size = Buffer.isBuffer(content) ? content.length : statSync(content.path).size;
    yield* encodeFile(name, size);
    if (Buffer.isBuffer(content)) yield content;
    else yield* createReadStream(content.path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
    if (size % 512 > 0) yield Buffer.alloc(512 - (size % 512));
  }
  yield Buffer.alloc(1024);
}

/** Under another name until it is whole. */
async function writeArchive(members: readonly Member[], target: string): Promise<void> {
  if (target === "-") {
    for await (const bytes of packMembers(members))
      for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
    return;
  }
  const fresh = join(dirname(target), `.${basename(target)}.${process.pid}.new`);
  try {
    const fd = openSync(fresh, "wx", 0o644);
    try {
      for await (const bytes of packMembers(members))
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, target);
  } catch (error) {
    removeTree(fresh);
    throw explain(error, target);
  }
}

function writeDirectory(members: readonly Member[], target: string): void {
  try {
    mkdirSync(target);
  } catch (error) {
    throw explain(error, target);
  }
  try {
    mkdirSync(join(target, "blobs/sha256"), { recursive: true });
    for (const { name, content } of members) {
      if (name.endsWith("/")) continue;
      if (Buffer.isBuffer(content)) writeFileSync(join(target, name), content);
      else copyFileSync(content.path, join(target, name));
    }
  } catch (error) {
    removeTree(target);
    throw explain(error, target);
  }
}

function explain(cause: unknown, target: string): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (cause instanceof TsjailError || code === undefined || code === "EPIPE") return cause;
  const why =
    code === "EEXIST" ? "it is there already" : code === "ENOSPC" ? "no space left" : describeErrno(cause);
  return new TsjailError("usage", `${target} can't be written: ${why}.`, {
    hint: "Name another place.",
    cause,
  });
}
