// Small images for the tests of pull and push. In: how many layers, and how large. Out: blobs in memory, and an OCI
// layout of them for skopeo.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Document } from "../../src/registry/sink.ts";

export const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export function toDocument(mediaType: string, content: Uint8Array | object): Document {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
  return { mediaType, digest: digestOf(bytes), size: bytes.length, bytes };
}

export const describe = ({ mediaType, digest, size }: Document) => ({ mediaType, digest, size });

export interface TestImage {
  readonly manifest: Document;
  readonly config: Document;
  readonly layers: readonly Document[];
  readonly blobs: readonly Document[];
}

export const architecture = process.arch === "x64" ? "amd64" : process.arch;
export const strangeArchitecture = architecture === "amd64" ? "arm64" : "amd64";

/** One file in a tar archive (ustar, POSIX.1-1988). */
export function makeTar(name: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, "0")}\0`;
  header.write(name, 0);
  header.write(
    `${octal(0o644, 8)}${octal(0, 8)}${octal(0, 8)}${octal(content.length, 12)}${octal(0, 12)}`,
    100,
  );
  header.write("        0", 148);
  header.write("ustar\x0000", 257);
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
  );
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}

/** @param sizes of the layers, in bytes of what can't be compressed */
export function makeImage(sizes: readonly number[] = [3000, 5000], about: object = {}): TestImage {
  const tars = sizes.map((size, index) => makeTar(`file-${index}`, randomBytes(size)));
  const layers = tars.map((tar) => toDocument(types.layer, gzipSync(tar)));
  const config = toDocument(types.config, {
    os: "linux",
    architecture,
    config: { Env: ["A=b"] },
    rootfs: { type: "layers", diff_ids: tars.map(digestOf) },
    ...about,
  });
  const manifest = toDocument(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: describe(config),
    layers: layers.map(describe),
  });
  return { manifest, config, layers, blobs: [config, ...layers] };
}

/** @param images by platform */
export function makeIndex(images: readonly (readonly [architecture: string, image: TestImage])[]): Document {
  return toDocument(types.index, {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: images.map(([name, { manifest }]) => ({
      ...describe(manifest),
      platform: { os: "linux", architecture: name },
    })),
  });
}

/** An image layout (OCI image specification, image-layout.md) with one index or manifest, called "it". */
export function writeLayout(directory: string, top: Document, documents: readonly Document[]): void {
  mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
  for (const document of [top, ...documents])
    writeFileSync(join(directory, "blobs/sha256", document.digest.slice("sha256:".length)), document.bytes);
  writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const annotations = { "org.opencontainers.image.ref.name": "it" };
  const manifests = [{ ...describe(top), annotations }];
  writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}
