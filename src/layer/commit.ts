// A kept layer becomes an image. In: the layer's name, a name for the image. Out: the image that the layer lies on with
// one layer more: an archive of what is in the layer, the same for the same content. commands/commit.ts calls it.

import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { TsjailError } from "../error.ts";
import type { MakerName } from "../host/makers.ts";
import { addDocument, readDocument } from "../image/blobs.ts";
import { checkName, type Image, listImages } from "../image/images.ts";
import { addGzip } from "../image/import.ts";
import { addLayer } from "../image/layers.ts";
import { layerType } from "../image/layout.ts";
import { configSchema, manifestSchema, mediaTypes } from "../image/oci.ts";
import { type Owner, readOwners } from "../image/owners.ts";
import { layerDirectory, readRegular } from "../image/place.ts";
import { registerImage } from "../image/register.ts";
import type { Store } from "../image/store.ts";
import { tryLock } from "../image/system.ts";
import { defaultLimits } from "../image/unpack.ts";
import { quoteShort } from "../profile/quote.ts";
import { packLayer } from "./pack.ts";
import { layerPlaces } from "./place.ts";

export interface CommitWish {
  /** The name of a kept layer. */
  readonly layer: string;
  readonly name: string;
  /** For the history. */
  readonly comment: string | undefined;
  /** s since 1970 (SOURCE_DATE_EPOCH): when it was made, and no file is newer. */
  readonly epoch: number | undefined;
}

/** layer.json, as far as it matters here (keep.ts). */
const recordSchema = v.looseObject({
  by: v.optional(v.picklist(["kernel", "fuse"]), "kernel"),
  over: v.looseObject({
    type: v.string(),
    name: v.optional(v.string()),
    layers: v.optional(v.array(v.string())),
  }),
});

/** @throws TsjailError `usage`, `image_not_found`, `store_failed` */
export async function commitLayer(store: Store, wish: CommitWish): Promise<Image> {
  checkName(wish.name);
  const directory = join(store.directory, "../layers", wish.layer);
  if (!/^[^/]+$/.test(wish.layer) || wish.layer === ".." || wish.layer === ".") throw noLayer(wish.layer);
  const { base, by } = findBase(store, wish.layer, directory);
  const lock = lockLayer(wish.layer, directory);
  try {
    return await commit(
      store,
      wish,
      base,
      packLayer(layerPlaces(directory).upper, by, asWished(store, wish, base)),
    );
  } finally {
    closeSync(lock);
  }
}

const noLayer = (name: string): TsjailError =>
  new TsjailError("image_not_found", `There is no kept layer ${quoteShort(name)}.`, {
    hint: "`tsjail layer ls` lists what is kept.",
  });

function lockLayer(name: string, directory: string): number {
  const fd = openSync(layerPlaces(directory).lock, constants.O_RDWR | constants.O_CREAT, 0o600);
  if (tryLock(fd, "exclusive")) return fd;
  closeSync(fd);
  throw new TsjailError("store_failed", `A jail is writing to the layer ${name}.`, {
    hint: "Let it end first.",
  });
}

/** The image that the layer was made over, by whatever name it has now. */
function findBase(store: Store, name: string, directory: string): { base: Image; by: MakerName } {
  const bytes = readRegular(layerPlaces(directory).about, 1 << 20);
  if (bytes === undefined) throw noLayer(name);
  const record = v.safeParse(recordSchema, tryParse(bytes));
  if (!record.success) {
    throw new TsjailError("store_failed", `The layer ${name} is damaged: its layer.json says nothing.`);
  }
  const { over, by } = record.output;
  if (over.type !== "image") {
    const what = over.type === "host" ? "the host's tree" : "a directory";
    throw new TsjailError("usage", `The layer ${name} lies over ${what}, which is no image.`, {
      hint: "Import a root file system first (tsjail image import), and keep a layer over that image.",
    });
  }
  const digests = (over.layers ?? []).map((layer) => `sha256:${/[0-9a-f]{64}/.exec(layer)?.[0]}`);
  const wanted = digests.join();
  const fits = listImages(store).filter(({ layers }) => layers.join() === wanted);
  const found = fits.find((image) => image.name === over.name) ?? fits[0];
  if (found !== undefined) return { base: found, by };
  throw new TsjailError(
    "image_not_found",
    `The image that the layer ${name} lies over is gone: ${over.name}.`,
    {
      hint: "Bring the same image in again.",
    },
  );
}

function tryParse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

const asWished = (store: Store, wish: CommitWish, base: Image) => ({
  owners: collectOwners(store, base),
  newest: wish.epoch,
});

async function commit(
  store: Store,
  wish: CommitWish,
  base: Image,
  archive: Iterable<Buffer>,
): Promise<Image> {
  const subject = `The layer ${wish.layer}`;
  const blob = await addGzip(store, archive, subject);
  const digest = await addLayer(store, { blob: blob.digest, subject }, defaultLimits);
  const created = new Date(wish.epoch === undefined ? Date.now() : wish.epoch * 1000).toISOString();
  const old = readDocument(store, configSchema, base.config, `The image ${base.name}: its configuration`);
  const step = {
    created,
    created_by: `tsjail commit ${wish.layer}`,
    ...(wish.comment === undefined ? {} : { comment: wish.comment }),
  };
  const config = await addDocument(store, {
    ...old,
    created,
    rootfs: { ...old.rootfs, diff_ids: [...old.rootfs.diff_ids, digest] },
    history: [...(old.history ?? []), step],
  });
  const { layers } = readDocument(
    store,
    manifestSchema,
    base.manifest,
    `The image ${base.name}: its manifest`,
  );
  const manifest = await addDocument(store, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, ...config },
    layers: [...layers.map(asOci), { mediaType: layerType("gzip"), ...blob }],
  });
  return registerImage(store, { name: wish.name, manifest: manifest.digest, limits: defaultLimits });
}

/** Docker's media types have another name in an OCI manifest. */
function asOci<T extends { readonly mediaType: string }>(layer: T): T {
  const { mediaType } = layer;
  if (!mediaType.startsWith("application/vnd.docker.image.rootfs.")) return layer;
  return { ...layer, mediaType: layerType(mediaType.endsWith("gzip") ? "gzip" : "none") };
}

/** What was said of a path below is true of it still: that chown was only played can't be seen on the disk. */
function collectOwners(store: Store, { layers }: Image): Map<string, Owner> {
  const all = new Map<string, Owner>();
  for (const digest of layers) {
    for (const [path, { attributes, device, ...owner }] of readOwners(
      join(layerDirectory(store, digest), "owners.json"),
    )) {
      if (device === undefined) all.set(path, owner);
    }
  }
  return all;
}
