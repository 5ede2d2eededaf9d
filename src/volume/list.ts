// The volumes that have names, for `tsjail volume` and whoever needs one. In: their directory. Out: one entry for each, by
// name; or the directory of one. What jails have left in a volume is measured, and never opened.
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { TsjailError } from "../error.ts";
import { listNames, measure } from "../layer/list.ts";
import { quoteWord } from "../plan/escape.ts";
import { isLayerName } from "../profile/layer-name.ts";
import { nearestHint } from "../profile/nearest.ts";
import { findHolders } from "./lock.ts";
import { volumePlaces } from "./place.ts";

const form = v.object({
  /** ISO 8601. */
  created: v.string(),
  /** The profile that first asked for it. */
  profile: v.string(),
});
export type VolumeRecord = v.InferOutput<typeof form>;

export interface KeptVolume {
  readonly name: string;
  /** What jails see of it. */
  readonly directory: string;
  /** Undefined where volume.json is missing or damaged. */
  readonly record: VolumeRecord | undefined;
  /** When a jail last began to use it, ISO 8601. */
  readonly used: string | undefined;
  /** Bytes on disk. */
  readonly size: number;
  /** The processes whose jails have it. */
  readonly holders: readonly number[];
}

/** @throws an errno of readdir(3), but for a directory that does not exist */
export function listVolumes(volumes: string): KeptVolume[] {
  return listNames(volumes).map((name) => describeVolume(join(volumes, name), name));
}

export function describeVolume(directory: string, name: string): KeptVolume {
  const { data, lock } = volumePlaces(directory);
  return {
    name,
    directory: data,
    record: readRecord(directory),
    used: lstatSync(lock, { throwIfNoEntry: false })?.mtime.toISOString(),
    size: measure(Buffer.from(data)),
    holders: findHolders(lock) ?? [],
  };
}

/** @throws TsjailError `volume_not_found` */
export function findVolume(volumes: string, name: string): string {
  const directory = join(volumes, name);
  if (isLayerName(name) && lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory;
  const hint = nearestHint(name, listNames(volumes));
  throw new TsjailError("volume_not_found", `There is no volume ${quoteWord(name)}${hint}.`, {
    hint: "`tsjail volume ls` lists those that are kept.",
  });
}

/** What volume.json says; undefined where there is none, or none that makes sense. */
export function readRecord(directory: string): VolumeRecord | undefined {
  try {
    const parsed = v.safeParse(form, JSON.parse(readFileSync(volumePlaces(directory).about, "utf8")));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
