// Brings images in. In: a file or a directory of anybody's: an OCI image layout, what `docker save` writes, or a root
// file system. Out: images in the store, or an error and nothing. Next: register.ts.
import { closeSync, createReadStream, lstatSync, openSync, statSync } from "node:fs";
import { basename } from "node:path";
import { pipeline, Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { TsjailError } from "../error.ts";
import { describeErrno } from "../profile/parse.ts";
import { addBlob, addDocument, type Blob } from "./blobs.ts";
import { type Compression, detectCompression, readUnpacked } from "./compression.ts";
import { invalid } from "./failure.ts";
import { checkName, type Image } from "./images.ts";
import { addLayer } from "./layers.ts";
import { detectLayout, type Found, layerType, readLayout } from "./layout.ts";
import { hostArchitecture, mediaTypes } from "./oci.ts";
import { packTree } from "./pack.ts";
import { blobPath } from "./place.ts";
import { registerImage } from "./register.ts";
import { makeTemporary, type Store } from "./store.ts";
import { type Limits, readArchive } from "./unpack.ts";

export interface ImportWish {
  /** An absolute path, or "-" for standard input. */
  readonly path: string;
  readonly name: string | undefined;
  readonly limits: Limits;
  /** s since 1970, of an image that does not say itself when it was made (SOURCE_DATE_EPOCH). */
  readonly epoch: number | undefined;
}

/** @throws TsjailError `image_invalid`, `usage`, `store_failed` */
export async function importImages(store: Store, wish: ImportWish): Promise<Image[]> {
  if (wish.name !== undefined) checkName(wish.name);
  const { path } = wish;
  if (path === "-")
    return importFile(store, await keepInput(store, createReadStream("", { fd: 0, autoClose: false })), wish);
  const status = tryStat(path);
  if (status.isDirectory()) return importDirectory(store, path, wish);
  if (status.isFile()) return importFile(store, path, wish);
  // A pipe, as from <(…): it can be read once only.
  return importFile(store, await keepInput(store, createReadStream(path)), wish);
}

function tryStat(path: string) {
  try {
    closeSync(openSync(path, "r"));
    return statSync(path);
  } catch (cause) {
    throw new TsjailError("usage", `${path} can't be read: ${describeErrno(cause)}.`, { cause });
  }
}

async function keepInput(store: Store, input: AsyncIterable<Uint8Array>): Promise<string> {
  const { digest } = await addBlob(store, input, {}, "Standard input");
  return blobPath(store, digest);
}

async function importFile(store: Store, path: string, wish: ImportWish): Promise<Image[]> {
  const compression = detectCompression(path);
  const subject = wish.path === "-" ? "Standard input" : wish.path;
  const archive = { path, compression, subject };
  if (await holdsImages(archive, wish.limits)) {
    const directory = await unpackOuter(store, archive, wish.limits);
    const kind = detectLayout(directory);
    if (kind === undefined)
      throw invalid(subject, "looks like an image, and has neither index.json nor manifest.json");
    return nameAll(store, await readLayout(store, directory, kind, subject), wish);
  }
  const layer = await addTar(store, archive);
  return [await importRoot(store, layer, wish, Math.floor(statSync(path).mtimeMs / 1000))];
}

/** Names at the top of an image as a file; a root file system has others. */
const imageNames =
  /^(\.\/*)?(oci-layout|index\.json|manifest\.json|repositories|blobs(\/.*)?|[0-9a-f]{64}(\.json|\.tar|\/.*)?|[\w.-]+\.json|[\w.-]+\.tar(\.gz)?)?$/;

class Decided extends Error {}

/** Whether all its entries are those of an image; the first other one decides. */
async function holdsImages(archive: Parameters<typeof readArchive>[0], limits: Limits): Promise<boolean> {
  const seen = new Set<string>();
  try {
    await readArchive(archive, limits, ({ path }) => {
      if (!imageNames.test(path)) throw new Decided();
      seen.add(path.replace(/^(\.\/+)+/, ""));
      return undefined;
    });
  } catch (error) {
    if (error instanceof Decided) return false;
    throw error;
  }
  return seen.has("index.json") || seen.has("manifest.json");
}

async function unpackOuter(
  store: Store,
  archive: Parameters<typeof readArchive>[0],
  limits: Limits,
): Promise<string> {
  const { Tree } = await import("./tree.ts");
  const directory = makeTemporary(store);
  const tree = new Tree(directory, archive.subject);
  const { hasEnded } = await readArchive(archive, limits, (entry) => {
    const mode = entry.type === "directory" ? 0o700 : 0o600;
    return tree.add({ ...entry, mode, attributes: new Map() });
  });
  if (!hasEnded) throw invalid(archive.subject, "is cut off: it lacks the mark of its end");
  return directory;
}

async function importDirectory(store: Store, path: string, wish: ImportWish): Promise<Image[]> {
  const kind = detectLayout(path);
  if (kind !== undefined) return nameAll(store, await readLayout(store, path, kind, path), wish);
  const blob = await addGzip(store, packTree(path), path);
  const layer = { blob, compression: "gzip" as const };
  return [await importRoot(store, layer, wish, Math.floor(lstatSync(path).mtimeMs / 1000))];
}

interface Layer {
  readonly blob: Blob;
  readonly compression: Compression;
}

/** The archive as it came, if images may have layers of that form. */
async function addTar(
  store: Store,
  { path, compression, subject }: { path: string; compression: Compression; subject: string },
): Promise<Layer> {
  if (compression === "xz" || compression === "bzip2") {
    const blob = await addGzip(store, readUnpacked(path, compression, subject), subject);
    return { blob, compression: "gzip" };
  }
  const source = createReadStream(path, { highWaterMark: 256 * 1024 });
  return { blob: await addBlob(store, source, {}, subject), compression };
}

/** Node's gzip writes neither a time nor a name: the same content gives the same bytes. */
export async function addGzip(
  store: Store,
  source: Iterable<Buffer> | AsyncIterable<Buffer>,
  subject: string,
): Promise<Blob> {
  const gzip = createGzip({ chunkSize: 256 * 1024 });
  // Whoever reads gzip gets the errors of the source.
  pipeline(Readable.from(source, { objectMode: false }), gzip, () => {});
  return addBlob(store, gzip as AsyncIterable<Uint8Array>, {}, subject);
}

async function importRoot(
  store: Store,
  { blob, compression }: Layer,
  wish: ImportWish,
  mtime: number,
): Promise<Image> {
  const subject = wish.path === "-" ? "Standard input" : wish.path;
  const digest = await addLayer(store, { blob: blob.digest, subject }, wish.limits);
  const created = new Date((wish.epoch ?? mtime) * 1000).toISOString();
  const config = await addDocument(store, {
    architecture: hostArchitecture(),
    os: "linux",
    created,
    config: {},
    rootfs: { type: "layers", diff_ids: [digest] },
    history: [{ created, created_by: `tsjail image import ${basename(wish.path)}` }],
  });
  const manifest = await addDocument(store, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, ...config },
    layers: [{ mediaType: layerType(compression), ...blob }],
  });
  const name = wish.name ?? deriveName(wish.path);
  return registerImage(store, { name, manifest: manifest.digest, limits: wish.limits });
}

/** "debian-12" of /tmp/debian-12.tar.xz. */
function deriveName(path: string): string {
  const name = basename(path).replace(/\.(tar|tgz|txz|tzst)?(\.(gz|xz|zst|zstd|bz2))?$/i, "");
  if (path !== "-" && name !== "") return checkName(name);
  throw new TsjailError("usage", "What comes on standard input has no name of its own.", {
    hint: "Give it one: --name debian:12",
  });
}

async function nameAll(store: Store, found: readonly Found[], wish: ImportWish): Promise<Image[]> {
  const manifests = new Set(found.map(({ manifest }) => manifest));
  if (found.length === 0) throw invalid(wish.path, "has no image in it");
  if (wish.name !== undefined && manifests.size > 1) {
    const names = found.map(({ name }) => name ?? "(no name)").join(", ");
    throw new TsjailError("usage", `${wish.path} has several images: ${names}.`, {
      hint: "Import it without --name; `tsjail image tag` gives further names.",
    });
  }
  const chosen = wish.name === undefined ? found : found.slice(0, 1);
  const images: Image[] = [];
  for (const { name, isTag, manifest } of chosen) {
    images.push(
      await registerImage(store, { name: nameFound(name, isTag, wish), manifest, limits: wish.limits }),
    );
  }
  return images;
}

function nameFound(name: string | undefined, isTag: boolean, wish: ImportWish): string {
  if (wish.name !== undefined) return wish.name;
  if (name === undefined) return deriveName(wish.path);
  return isTag ? `${deriveName(wish.path)}:${name}` : name;
}
