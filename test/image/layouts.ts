// Images as files, for tests. In: layers as archives. Out: an OCI layout or what `docker save` writes, as entries for
// archive.ts. Used by the tests of src/image.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Made } from "./archive.ts";

export const digestOf = (bytes: Buffer): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export interface Wish {
  layers: readonly Buffer[];
  name?: string | undefined;
  platform?: object;
  config?: object;
  /** Instead of the layers' own. */
  diffIds?: readonly string[];
}

/** An image's blobs, by digest, and the descriptor of its manifest. */
export function makeImage({ layers, name, platform, config = {}, diffIds }: Wish) {
  const blobs = new Map<string, Buffer>();
  const add = (bytes: Buffer, mediaType: string) => {
    blobs.set(digestOf(bytes), bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const packed = layers.map((layer) => add(gzipSync(layer), "application/vnd.oci.image.layer.v1.tar+gzip"));
  const document = {
    architecture: "amd64",
    os: "linux",
    created: "2024-01-02T03:04:05Z",
    config,
    rootfs: { type: "layers", diff_ids: diffIds ?? layers.map(digestOf) },
  };
  const manifest = json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: add(json(document), "application/vnd.oci.image.config.v1+json"),
    layers: packed,
  });
  const annotations = name === undefined ? {} : { "org.opencontainers.image.ref.name": name };
  const descriptor = {
    ...add(manifest, "application/vnd.oci.image.manifest.v1+json"),
    annotations,
    ...(platform === undefined ? {} : { platform }),
  };
  return { blobs, descriptor };
}

type Built = ReturnType<typeof makeImage>;

/** The entries of an OCI image layout. */
export function makeLayout(images: readonly Built[], index?: object): Made[] {
  const blobs = new Map(images.flatMap((image) => [...image.blobs]));
  const manifests = images.map(({ descriptor }) => descriptor);
  return [
    { name: "blobs/", flag: "5" },
    { name: "blobs/sha256/", flag: "5" },
    ...[...blobs].map(([digest, content]) => ({ name: `blobs/sha256/${digest.slice(7)}`, content })),
    { name: "index.json", content: json(index ?? { schemaVersion: 2, manifests }) },
    { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
  ];
}

/** What older versions of docker save: a directory for each layer; the same layer again is a symbolic link. */
export function makeSaved(layers: readonly Buffer[], tags: readonly string[], config: object = {}): Made[] {
  const document = json({
    architecture: "amd64",
    os: "linux",
    config,
    rootfs: { type: "layers", diff_ids: layers.map(digestOf) },
  });
  const seen = new Map<string, string>();
  const names = layers.map((_, index) => `${String(index).padStart(64, "a")}/layer.tar`);
  const entries = layers.flatMap((content, index): Made[] => {
    const name = names[index] as string;
    const first = seen.get(digestOf(content));
    seen.set(digestOf(content), name);
    const directory = { name: name.replace("layer.tar", ""), flag: "5" };
    return [directory, first === undefined ? { name, content } : { name, flag: "2", link: `../${first}` }];
  });
  const configName = `${digestOf(document).slice(7)}.json`;
  const manifest = json([{ Config: configName, RepoTags: tags, Layers: names }]);
  return [...entries, { name: configName, content: document }, { name: "manifest.json", content: manifest }];
}
