// What `tsjail image` does. In: a Call and checked words. Out: lines, JSON, an exit status. commands/image.ts reads the
// words; the work itself is in the files beside this one.

import { join, resolve } from "node:path";
import { type Call, hasOption } from "../commands/command.ts";
import { readLayer } from "../layer/keep.ts";
import { listNames } from "../layer/list.ts";
import { layersDirectory } from "../layer/place.ts";
import { quoteWord } from "../plan/escape.ts";
import { formatJson } from "../profile/quote.ts";
import { readDocument } from "./blobs.ts";
import { readEpoch } from "./epoch.ts";
import { exportImage } from "./export.ts";
import { checkName, findImage, type Image, listImages, removeName, writeImage } from "./images.ts";
import { importImages } from "./import.ts";
import { configSchema, manifestSchema } from "./oci.ts";
import { layerDirectory, type Place } from "./place.ts";
import { pruneStore } from "./prune.ts";
import { useStore } from "./store.ts";
import { defaultLimits } from "./unpack.ts";

type Around = Pick<Call, "environment" | "print" | "log" | "given" | "cwd">;

export async function importAction(
  call: Around,
  { path, name, limit }: { path: string; name: string | undefined; limit: number | undefined },
): Promise<number> {
  const epoch = readEpoch(call.environment);
  const limits = { ...defaultLimits, ...(limit === undefined ? {} : { size: limit }) };
  const use = { lock: "shared", doing: "The import" } as const;
  const images = await useStore(call.environment, use, (store) =>
    importImages(store, { path, name, limits, epoch }),
  );
  if (hasOption(call, "json")) call.print(formatJson(images));
  for (const image of images) {
    const layers = image.layers.length === 1 ? "one layer" : `${image.layers.length} layers`;
    call.log.success(`${quoteWord(image.name)}: imported, ${layers}.`);
  }
  return 0;
}

export async function listAction(call: Around): Promise<number> {
  const rows = await useStore(call.environment, { lock: "shared", doing: "The list" }, (store) =>
    listImages(store).map((image) => ({ ...image, size: measure(store, image) })),
  );
  if (hasOption(call, "json")) {
    call.print(formatJson(rows));
    return 0;
  }
  if (rows.length === 0) call.log.info("There is no image: `tsjail image import FILE` brings one in.");
  const width = Math.max(...rows.map(({ name }) => quoteWord(name).length));
  for (const { name, manifest, layers, created, size } of rows) {
    const when = created.slice(0, 19).replace("T", " ");
    const count = `${layers.length} ${layers.length === 1 ? "layer " : "layers"}`.padStart(10);
    call.print(
      `${quoteWord(name).padEnd(width)}  ${manifest.slice(7, 19)}  ${when}  ${count}  ${roundSize(size).padStart(9)}\n`,
    );
  }
  return 0;
}

/** Of its blobs, as they would be sent; undefined where the store is damaged. */
function measure(store: Place, { manifest }: Image): number | undefined {
  try {
    const { config, layers } = readDocument(store, manifestSchema, manifest, "");
    return layers.reduce((sum, { size }) => sum + size, config.size);
  } catch {
    return undefined;
  }
}

/** "12.3 MiB" */
export function roundSize(bytes: number | undefined): string {
  if (bytes === undefined) return "damaged";
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 4);
  const unit = ["B", "KiB", "MiB", "GiB", "TiB"][power];
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${unit}`;
}

/** Always JSON: it is all that is known of an image. */
export async function inspectAction(call: Around, name: string): Promise<number> {
  const found = await useStore(call.environment, { lock: "shared", doing: "The look at it" }, (store) => {
    const image = findImage(store, name);
    return {
      ...image,
      directories: image.layers.map((digest) => `${layerDirectory(store, digest)}/fs`),
      document: readDocument(store, manifestSchema, image.manifest, `The image ${image.name}: its manifest`),
      configuration: readDocument(
        store,
        configSchema,
        image.config,
        `The image ${image.name}: its configuration`,
      ),
    };
  });
  call.print(formatJson(found));
  return 0;
}

export async function removeAction(call: Around, name: string): Promise<number> {
  const use = { lock: "exclusive", doing: "The removal" } as const;
  const { image, pruned } = await useStore(call.environment, use, (store) => {
    const image = findImage(store, name);
    removeName(store, image.name);
    return { image, pruned: pruneStore(store) };
  });
  if (hasOption(call, "json")) call.print(formatJson({ removed: image.name, ...pruned }));
  else call.log.success(`${quoteWord(image.name)}: removed, with ${describePruned(pruned)}.`);
  const layers = layersDirectory(call.environment) ?? "";
  for (const layer of listNames(layers)) {
    const over = readLayer(join(layers, layer))?.over;
    if (over?.type !== "image" || over.name !== image.name) continue;
    call.log.warn(
      `The layer ${layer} lies over it, and can't be used until the same image has that name again.`,
    );
  }
  return 0;
}

export async function pruneAction(call: Around): Promise<number> {
  const pruned = await useStore(call.environment, { lock: "exclusive", doing: "The removal" }, pruneStore);
  if (hasOption(call, "json")) call.print(formatJson(pruned));
  else call.log.success(`Removed what no image needs: ${describePruned(pruned)}.`);
  return 0;
}

function describePruned({ blobs, layers, bytes }: ReturnType<typeof pruneStore>): string {
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;
  return `${count(layers, "layer")} and ${count(blobs, "blob")} (${roundSize(bytes)})`;
}

export async function tagAction(call: Around, name: string, to: string): Promise<number> {
  checkName(to);
  const use = { lock: "shared", doing: "The new name" } as const;
  const image = await useStore(call.environment, use, (store) => {
    const image = findImage(store, name);
    writeImage(store, { ...image, name: to });
    return image;
  });
  call.log.success(`${quoteWord(to)}: the same as ${quoteWord(image.name)} now.`);
  return 0;
}

export async function exportAction(
  call: Around,
  { name, path, format }: { name: string; path: string; format: "oci" | "docker" },
): Promise<number> {
  const use = { lock: "shared", doing: "The export" } as const;
  const isDirectory = path.endsWith("/");
  const target = path === "-" ? path : resolve(call.cwd, path);
  const image = await useStore(call.environment, use, (store) =>
    exportImage(store, { name, target, format, isDirectory }),
  );
  if (path !== "-") call.log.success(`${quoteWord(image.name)}: written to ${quoteWord(path)}.`);
  return 0;
}
