// The image of a profile, at a start. In: a name, the environment. Out: the directories that make its root, and its
// configuration. Everything is looked at through facts/look.ts: a kept plan holds as long as the name means the same.

import { isAbsolute } from "node:path";
import { TsjailError } from "../error.ts";
import { lookAtKind, lookAtVariable } from "../facts/look.ts";
import { readFile } from "../host/file.ts";
import {
  checkName,
  type Image,
  imageFile,
  listCandidates,
  listImages,
  notFound,
  parseImage,
} from "./images.ts";
import { configSchema, type OciConfig, parseDocument } from "./oci.ts";
import { blobPath, type Environment, layerDirectory, storeDirectory } from "./place.ts";

export interface ResolvedImage {
  readonly name: string;
  /** Absolute paths, the lowest first. */
  readonly layers: readonly string[];
  readonly config: OciConfig;
  /** What belongs to the layers and their files can't say: owners.json of each, in the same order. */
  readonly owners: readonly string[];
}

/** @throws TsjailError `image_not_found`, `store_failed` */
export function resolveImage(name: string, environment: Environment): ResolvedImage {
  const seen = Object.fromEntries(
    ["XDG_DATA_HOME", "HOME"].map((variable) => [variable, lookAtVariable(environment, variable)]),
  );
  const directory = storeDirectory(seen);
  const image = readImage(directory, checkName(name));
  const place = { directory };
  const text = readFile(blobPath(place, image.config));
  if (text.kind !== "content") throw damaged(image, "its configuration is missing");
  const config = parseDocument(
    configSchema,
    Buffer.from(text.content, "latin1"),
    `The image ${image.name}: its configuration`,
  );
  const layers = image.layers.map((digest) => layerDirectory(place, digest));
  for (const layer of layers) {
    if (!isAbsolute(layer) || lookAtKind(`${layer}/fs`) !== "directory")
      throw damaged(image, `${layer} is missing`);
  }
  return {
    name: image.name,
    config,
    layers: layers.map((layer) => `${layer}/fs`),
    owners: layers.map((layer) => `${layer}/owners.json`),
  };
}

function readImage(directory: string, name: string): Image {
  for (const candidate of listCandidates(name)) {
    const path = `${directory}/${imageFile(candidate)}`;
    const file = readFile(path);
    if (file.kind === "absent") continue;
    const image =
      file.kind === "content" ? parseImage(Buffer.from(file.content, "latin1").toString()) : undefined;
    if (image?.name === candidate) return image;
    throw new TsjailError("store_failed", `${path} can't be read, or is damaged.`, {
      hint: `Bring the image in again: tsjail image import FILE --name ${candidate}`,
    });
  }
  throw notFound(
    name,
    listImages({ directory }).map((image) => image.name),
  );
}

function damaged({ name }: Image, what: string): TsjailError {
  return new TsjailError("store_failed", `The image ${name} is damaged: ${what}.`, {
    hint: "Import or pull it again.",
  });
}
