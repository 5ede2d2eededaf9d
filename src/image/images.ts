// The names of images. In: a name, what it stands for. Out: store/images/NAME.json, whole or not there. resolve.ts reads
// them for a start; register.ts writes them.

import { readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { TsjailError } from "../error.ts";
import { findNearest } from "../profile/nearest.ts";
import { quoteShort } from "../profile/quote.ts";
import { digestSchema } from "./oci.ts";
import { maxDocument, type Place, readRegular } from "./place.ts";
import { type Store, writeWhole } from "./store.ts";

export const imageSchema = v.object({
  name: v.string(),
  manifest: digestSchema,
  config: digestSchema,
  /** Of the unpacked layers, the lowest first. */
  layers: v.array(digestSchema),
  /** RFC 3339; when it was made, as it says itself, else when it came here. */
  created: v.string(),
});
export type Image = v.InferOutput<typeof imageSchema>;

/** @throws TsjailError `usage` */
export function checkName(name: string): string {
  const isGood = /^[\w][\w.:/@+-]*$/.test(name) && encodeURIComponent(name).length <= 250;
  if (isGood) return name;
  throw new TsjailError("usage", `${quoteShort(name)} can't be the name of an image.`, {
    hint: "Write letters, digits and . _ - : / @ +, for example: debian:12",
  });
}

export const imageFile = (name: string): string => `images/${encodeURIComponent(name)}.json`;

export function writeImage(store: Store, image: Image): void {
  writeWhole(store, join(store.directory, imageFile(image.name)), `${JSON.stringify(image, null, 2)}\n`);
}

export function removeName({ directory }: Store, name: string): void {
  unlinkSync(join(directory, imageFile(name)));
}

/** Sorted by name. */
export function listImages({ directory }: Place): Image[] {
  const images: Image[] = [];
  for (const file of tryList(join(directory, "images"))) {
    const bytes = readRegular(join(directory, "images", file), maxDocument);
    const image = bytes === undefined ? undefined : parseImage(bytes.toString());
    if (image !== undefined && imageFile(image.name) === `images/${file}`) images.push(image);
  }
  return images.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function parseImage(text: string): Image | undefined {
  try {
    return v.parse(imageSchema, JSON.parse(text));
  } catch {
    return undefined;
  }
}

function tryList(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The names that a word may stand for: without a tag it is ":latest" too, as docker has it. */
export const listCandidates = (name: string): string[] =>
  /[:@][^/]*$/.test(name) ? [name] : [name, `${name}:latest`];

/** @param name or the beginning of the digest of its manifest or configuration, six digits at least
 * @throws TsjailError `image_not_found` */
export function findImage(store: Place, name: string): Image {
  const images = listImages(store);
  for (const candidate of listCandidates(name)) {
    const found = images.find((image) => image.name === candidate);
    if (found !== undefined) return found;
  }
  const hex = /^(?:sha256:)?([0-9a-f]{6,64})$/.exec(name)?.[1];
  const byDigest = images.find(({ manifest, config }) =>
    [manifest, config].some((digest) => hex !== undefined && digest.startsWith(`sha256:${hex}`)),
  );
  if (byDigest !== undefined) return byDigest;
  throw notFound(
    name,
    images.map((image) => image.name),
  );
}

export function notFound(name: string, names: readonly string[]): TsjailError {
  const nearest = findNearest(name, [...names]);
  const hint =
    nearest === undefined
      ? "`tsjail image ls` lists what is there; `tsjail image import FILE` brings one in."
      : `Did you mean ${nearest}? \`tsjail image ls\` lists what is there.`;
  return new TsjailError("image_not_found", `There is no image ${quoteShort(name)}.`, { hint });
}
