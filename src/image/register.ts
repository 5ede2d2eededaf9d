// An image whose blobs are in the store gets a name. In: the digest of its manifest. Out: its layers unpacked, several
// at a time, and then its name: until that is written nothing refers to the rest. import.ts and the registry end here.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { hasBlob, publishBlob, readDocument } from "./blobs.ts";
import { invalid } from "./failure.ts";
import { checkName, type Image, writeImage } from "./images.ts";
import { addLayer, publishLayer } from "./layers.ts";
import { configSchema, manifestSchema } from "./oci.ts";
import { useFile } from "./place.ts";
import type { Store } from "./store.ts";
import type { Limits } from "./unpack.ts";

/**
 * @param name what it is called from now on; an image of that name loses it
 * @param limits for each of its layers
 * @throws TsjailError `image_invalid`
 */
export async function registerImage(
  store: Store,
  { name, manifest, limits }: { name: string; manifest: string; limits: Limits },
): Promise<Image> {
  checkName(name);
  const subject = `The image ${name}`;
  const { config, layers } = readDocument(store, manifestSchema, manifest, `${subject}: its manifest`);
  if (!hasBlob(store, config.digest)) throw invalid(subject, "lacks its configuration");
  const { rootfs, created } = readDocument(
    store,
    configSchema,
    config.digest,
    `${subject}: its configuration`,
  );
  if (rootfs.diff_ids.length !== layers.length) {
    throw invalid(
      subject,
      `contradicts itself: ${layers.length} layers, ${rootfs.diff_ids.length} digests of them`,
    );
  }
  await forEachLimited(layers, availableParallelism(), async ({ digest: blob }, index) => {
    const which = `Layer ${index + 1} of ${layers.length} (${blob.slice(0, 19)}…)`;
    if (!hasBlob(store, blob)) throw invalid(which, "is missing from the image");
    await addLayer(store, { blob, digest: rootfs.diff_ids[index], subject: which }, limits);
  });
  const image: Image = {
    name,
    manifest,
    config: config.digest,
    layers: rootfs.diff_ids,
    created: created ?? new Date().toISOString(),
  };
  for (const digest of [manifest, config.digest, ...layers.map((layer) => layer.digest)]) {
    publishBlob(store, digest);
  }
  for (const digest of image.layers) publishLayer(store, digest);
  const uses = useFile(store, image.config);
  mkdirSync(dirname(uses), { recursive: true, mode: 0o700 });
  writeFileSync(uses, "", { flag: "a", mode: 0o600 });
  writeImage(store, image);
  return image;
}

/** The first failure stops those that have not begun; it is thrown when those that have are over. */
export async function forEachLimited<T>(
  items: readonly T[],
  most: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length && failures.length === 0; index = next++) {
      await work(items[index] as T, index).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, most) }, worker));
  if (failures.length > 0) throw failures[0];
}
