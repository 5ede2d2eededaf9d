// The image of a profile, at a start. In: a name, the environment. Out: the directories that make its root, and its
// configuration. Everything is looked at through facts/look.ts: a kept plan holds as long as the name means the same.

import { isAbsolute, normalize } from "node:path";
import { TsjailError } from "../error.ts";
import { lookAtKind, lookAtVariable } from "../facts/look.ts";
import { readFile } from "../host/file.ts";
import type { ImageFact } from "../host/host.ts";
import { quoteShort } from "../profile/quote.ts";
import { invalid } from "./failure.ts";
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
import { blobPath, type Environment, layerDirectory, storeDirectory, useFile } from "./place.ts";

export interface ResolvedImage {
  readonly name: string;
  readonly lock: string;
  /** Of its layers, the lowest first. */
  readonly digests: readonly string[];
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
    lock: useFile(place, image.config),
    digests: image.layers,
    config,
    layers: layers.map((layer) => `${layer}/fs`),
    owners: layers.map((layer) => `${layer}/owners.json`),
  };
}

/**
 * What a start goes by.
 * @param kept a layer that is kept over the image
 * @throws TsjailError `image_invalid`, `profile_conflict` for an image without layers
 */
export function describeImage({ name, lock, layers, config }: ResolvedImage, kept?: string): ImageFact {
  const uppermost = [...layers].reverse();
  const [root] = uppermost;
  const subject = `The image ${name}`;
  if (root === undefined) throw invalid(subject, "has no layers, so there is nothing in it");
  const { Env, User, WorkingDir, Entrypoint, Cmd } = config.config ?? {};
  const env = Env ?? [];
  const command = [...(Entrypoint ?? []), ...(Cmd ?? [])];
  const wrong = env.find((variable) => !/^[^=]+=/.test(variable));
  if (wrong !== undefined) throw invalid(subject, `has a variable of no form: ${quoteShort(wrong)}`);
  if ([...env, ...command, WorkingDir ?? ""].some((text) => text.includes("\0")))
    throw invalid(subject, "has a NUL byte in its configuration");
  const workdir = WorkingDir ? normalize(`/${WorkingDir}`) : undefined;
  return { name, lock, root, layers: uppermost, kept, env, user: User ?? "", workdir, command };
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
