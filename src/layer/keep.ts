// A kept layer, made where it is missing. In: its directory, what it lies over. Out: the directory with all its parts,
// or a TsjailError: a layer is of use only over what it was made over. Next: src/compile/overlay.ts.
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { isForeign, makeDirectories } from "../directory.ts";
import { type Origin, TsjailError } from "../error.ts";
import { lookAtKind, lookAtOwner } from "../facts/look.ts";
import type { MakerName } from "../host/makers.ts";
import { quoteShell, quoteWord } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";
import { layerPlaces } from "./place.ts";

const form = v.object({
  /** ISO 8601. */
  created: v.string(),
  /** What writes in it; each has marks of its own for what is removed. */
  by: v.optional(v.picklist(["kernel", "fuse"]), "kernel"),
  /** "host": each directory of the host's top level below the one of the same name. "directory": `path`. "image": `name`, and the
   * digests of its layers, the lowest first. */
  over: v.variant("type", [
    v.object({ type: v.literal("host") }),
    v.object({ type: v.literal("directory"), path: v.string() }),
    v.object({
      type: v.literal("image"),
      name: v.string(),
      layers: v.pipe(v.array(v.string()), v.readonly()),
    }),
  ]),
});
export type LayerRecord = v.InferOutput<typeof form>;
export type Over = LayerRecord["over"];

/** What layer.json says; undefined where there is none, or none that makes sense. */
export function readLayer(directory: string): LayerRecord | undefined {
  try {
    const parsed = v.safeParse(form, JSON.parse(readFileSync(layerPlaces(directory).about, "utf8")));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes what is missing of a layer, and checks what is there.
 * @param starts a jail is going to be started; else nothing is made
 * @throws TsjailError `profile_conflict` for a layer over something else, or over nobody knows what; `host_unsupported` where it can't be made
 */
export function keepLayer(
  directory: string,
  over: Over,
  by: MakerName,
  starts: boolean,
  origin: Origin,
): void {
  const { upper, work, about } = layerPlaces(directory);
  if (starts) {
    try {
      makeLayer(directory, over, by);
    } catch (cause) {
      throw new TsjailError("host_unsupported", `The layer can't be made: ${describeErrno(cause)}.`, {
        origin,
        hint: `Look at its directory: ls -ld ${quoteShell(directory)}`,
        cause,
      });
    }
  }
  // A kept plan is of no use once the layer is removed, and made anew: over something else, it may be.
  for (const path of [upper, work]) lookAtKind(path);
  const isThere = lookAtOwner(about) !== undefined;
  const record = readLayer(directory);
  if (record === undefined && isThere) {
    throw new TsjailError(
      "profile_conflict",
      `The layer ${quoteWord(directory)} doesn't say what it lies over.`,
      {
        origin,
        detail: `${quoteWord(about)} is damaged.`,
        hint: "Give another name, or remove the layer: tsjail layer rm NAME",
      },
    );
  }
  if (record === undefined) return;
  if (record.by !== by) {
    throw new TsjailError(
      "profile_conflict",
      `The layer ${quoteWord(directory)} was made by ${makerNames[record.by]}, and ${makerNames[by]} is to go on with it.`,
      {
        origin,
        detail:
          "Each of the two would misread what the other has noted there of removed files and directories.",
        hint: `In the profile, [root]: overlay = "${record.by}"\nOr give another name, or remove the layer: tsjail layer rm NAME`,
      },
    );
  }
  if (isSameOver(record.over, over)) return;
  if (record.over.type === "image" && over.type === "image" && record.over.name === over.name) {
    throw new TsjailError(
      "profile_conflict",
      `The layer ${quoteWord(directory)} lies over an older ${quoteWord(over.name)}.`,
      {
        origin,
        detail: "The image has other layers now, and what was changed in the old ones can't be carried over.",
        hint: "Give another name, remove the layer (tsjail layer rm NAME), or make an image of it (tsjail commit).",
      },
    );
  }
  throw new TsjailError("profile_conflict", `The layer ${quoteWord(directory)} lies over something else.`, {
    origin,
    detail: `It was made over ${describeOver(record.over)}; here it would lie over ${describeOver(over)}.`,
    hint: "Give another name, or remove the layer: tsjail layer rm NAME",
  });
}

/** An image's name may come to mean another one. */
function isSameOver(one: Over, other: Over): boolean {
  if (one.type === "image" && other.type === "image") return one.layers.join() === other.layers.join();
  return describeOver(one) === describeOver(other);
}

export function describeOver(over: Over): string {
  if (over.type === "host") return "the host's tree";
  return over.type === "directory" ? quoteWord(over.path) : `the image ${quoteWord(over.name)}`;
}

const makerNames = { kernel: "the kernel's overlayfs", fuse: "fuse-overlayfs" } as const;

function makeLayer(directory: string, over: Over, by: MakerName): void {
  if (process.geteuid?.() === 0 && isForeign(directory)) throw Object.assign(new Error(), { code: "EPERM" });
  makeDirectories(dirname(directory));
  const { upper, work, about } = layerPlaces(directory);
  for (const path of [directory, work]) makeDirectories(path);
  try {
    mkdirSync(upper, { mode: 0o755 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  if (existsSync(about)) return;
  // Whole, or not there: link(2) leaves alone what another start has put there meanwhile.
  const draft = join(directory, `layer.json.${process.pid}.new`);
  const record: LayerRecord = { created: new Date().toISOString(), by, over };
  writeFileSync(draft, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  try {
    linkSync(draft, about);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    unlinkSync(draft);
  }
}
