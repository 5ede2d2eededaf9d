// Images as files: an OCI image layout, or what `docker save` writes, both unpacked in a directory. In: that directory.
// Out: the images in it, and their blobs in the store's scratch, verified. import.ts gives them their names.

import { createReadStream, lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { addBlob, addDocument, type Blob, hasBlob } from "./blobs.ts";
import { detectCompression } from "./compression.ts";
import { invalid } from "./failure.ts";
import {
  type Descriptor,
  hostArchitecture,
  imageName,
  indexSchema,
  manifestSchema,
  mediaTypes,
  parseDocument,
  refName,
  savedSchema,
} from "./oci.ts";
import { maxDocument, readRegular } from "./place.ts";
import type { Store } from "./store.ts";

export interface Found {
  /** As the file itself calls it; undefined where it doesn't. */
  readonly name: string | undefined;
  /** The name is only a tag. */
  readonly isTag: boolean;
  /** The digest of its manifest. */
  readonly manifest: string;
}

export type LayoutKind = "oci" | "docker";

/** @returns undefined for a directory that is neither */
export function detectLayout(directory: string): LayoutKind | undefined {
  const isFile = (name: string) => lstatSync(join(directory, name), { throwIfNoEntry: false })?.isFile();
  if (isFile("index.json") && isFile("oci-layout")) return "oci";
  return isFile("manifest.json") && !isFile("etc/passwd") ? "docker" : undefined;
}

/** The file of that name in the directory, links followed as far as they stay in it: older docker versions write some.
 * @throws TsjailError `image_invalid` */
function findMember(directory: string, name: string, subject: string): string {
  const parts = name.split("/");
  const done: string[] = [];
  for (let links = 0; parts.length > 0; ) {
    const part = parts.shift() as string;
    if (part === "" || part === ".") continue;
    if (part === ".." && done.pop() === undefined) throw leadsOut(subject, name);
    if (part === "..") continue;
    const path = join(directory, ...done, part);
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined) throw invalid(subject, `lacks ${JSON.stringify(name)}`);
    if (!status.isSymbolicLink()) {
      done.push(part);
      continue;
    }
    const target = readlinkSync(path);
    if (target.startsWith("/") || ++links > 40) throw leadsOut(subject, name);
    parts.unshift(...target.split("/"));
  }
  return join(directory, ...done);
}

const leadsOut = (subject: string, name: string) =>
  invalid(subject, `has a name that leads out of it: ${JSON.stringify(name)}`);

/** @throws TsjailError `image_invalid` */
export async function readLayout(
  store: Store,
  directory: string,
  kind: LayoutKind,
  subject: string,
): Promise<Found[]> {
  return kind === "oci" ? readOci(store, directory, subject) : readSaved(store, directory, subject);
}

async function readOci(store: Store, directory: string, subject: string): Promise<Found[]> {
  const bytes = readMember(directory, "index.json", subject);
  const { manifests } = parseDocument(indexSchema, bytes, `${subject}: index.json`);
  const groups = new Map<string, Descriptor[]>();
  for (const one of manifests) {
    const name = one.annotations?.[imageName] ?? one.annotations?.[refName] ?? "";
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  const found: Found[] = [];
  for (const [name, descriptors] of groups) {
    const chosen = await choose(directory, descriptors, subject);
    await takeManifest(store, directory, chosen, subject);
    const isTag = !/[:/@]/.test(name);
    found.push({ name: name === "" ? undefined : name, isTag, manifest: chosen.digest });
  }
  return found;
}

const maxNesting = 4;

/** The one for this machine; an index among them is looked into. */
async function choose(
  directory: string,
  descriptors: readonly Descriptor[],
  subject: string,
  depth = 0,
): Promise<Descriptor> {
  const real = descriptors.filter((one) => one.platform?.os !== "unknown");
  const [only, second] = real;
  const fits = (one: Descriptor) =>
    one.platform?.os === "linux" && one.platform.architecture === hostArchitecture();
  const chosen = second === undefined ? only : (real.find(fits) ?? real.find((one) => !one.platform));
  if (chosen === undefined) {
    const has = real.map((one) => `${one.platform?.os}/${one.platform?.architecture}`).join(", ") || "none";
    throw invalid(
      subject,
      `has no image for linux/${hostArchitecture()}; what it has: ${has}`,
      "Get that one.",
    );
  }
  if (chosen.mediaType !== mediaTypes.index && chosen.mediaType !== mediaTypes.dockerIndex) return chosen;
  if (depth === maxNesting) throw invalid(subject, "has indexes in indexes, too deep");
  const bytes = readMember(directory, blobName(chosen.digest), subject);
  const inner = parseDocument(indexSchema, bytes, `${subject}: ${chosen.digest}`);
  return choose(directory, inner.manifests, subject, depth + 1);
}

const blobName = (digest: string): string => `blobs/${digest.replace(":", "/")}`;

async function takeManifest(store: Store, directory: string, descriptor: Descriptor, subject: string) {
  const { digest, size } = descriptor;
  const take = ({ digest, size }: { digest: string; size: number }) =>
    takeFile(store, directory, blobName(digest), subject, { digest, size });
  await take({ digest, size });
  const bytes = readMember(directory, blobName(digest), subject);
  const { config, layers } = parseDocument(manifestSchema, bytes, `${subject}: its manifest`);
  for (const one of [config, ...layers]) await take(one);
}

async function takeFile(
  store: Store,
  directory: string,
  name: string,
  subject: string,
  expected: { digest?: string; size?: number } = {},
): Promise<Blob> {
  const { digest, size } = expected;
  if (digest !== undefined && size !== undefined && hasBlob(store, digest)) return { digest, size };
  const path = findMember(directory, name, subject);
  if (!lstatSync(path).isFile())
    throw invalid(subject, `has something that is no file: ${JSON.stringify(name)}`);
  return addBlob(
    store,
    createReadStream(path, { highWaterMark: 256 * 1024 }),
    expected,
    `${subject}: ${name}`,
  );
}

function readMember(directory: string, name: string, subject: string): Buffer {
  const bytes = readRegular(findMember(directory, name, subject), maxDocument);
  if (bytes === undefined) throw invalid(subject, `has no readable ${JSON.stringify(name)}`);
  return bytes;
}

/** `docker save`, whose manifest.json names a configuration and plain archives. */
async function readSaved(store: Store, directory: string, subject: string): Promise<Found[]> {
  const bytes = readMember(directory, "manifest.json", subject);
  const saved = parseDocument(savedSchema, bytes, `${subject}: manifest.json`);
  const found: Found[] = [];
  for (const { Config, Layers, RepoTags } of saved) {
    const config = await takeFile(store, directory, Config, subject);
    const layers: object[] = [];
    for (const name of Layers) {
      const blob = await takeFile(store, directory, name, subject);
      const compression = detectCompression(findMember(directory, name, subject));
      layers.push({ mediaType: layerType(compression), ...blob });
    }
    const manifest = await addDocument(store, {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: { mediaType: mediaTypes.config, ...config },
      layers,
    });
    const names = RepoTags?.length ? RepoTags : [undefined];
    found.push(...names.map((name) => ({ name, isTag: false, manifest: manifest.digest })));
  }
  return found;
}

export function layerType(compression: string): string {
  return compression === "none" ? mediaTypes.layer : `${mediaTypes.layer}+${compression}`;
}
