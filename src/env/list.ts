// The environments that there are, for `tsjail env`. In: the environment. Out: one entry for each; or all of one gone.
import { lstatSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { TsjailError } from "../error.ts";
import { describeOver, readLayer } from "../layer/keep.ts";
import { measure } from "../layer/list.ts";
import { findHolder, withLayer } from "../layer/lock.ts";
import { layerPlaces } from "../layer/place.ts";
import { removeLayer } from "../layer/remove.ts";
import { quoteWord } from "../plan/escape.ts";
import { isLayerName } from "../profile/layer-name.ts";
import { nearestHint } from "../profile/nearest.ts";
import { readRecord } from "../volume/list.ts";
import { withVolume } from "../volume/lock.ts";
import { volumePlaces } from "../volume/place.ts";
import { removeVolume } from "../volume/remove.ts";
import { type EnvPlaces, envPlaces, envsDirectory, requireData } from "./place.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface Env {
  readonly name: string;
  readonly profile: string;
  /** ISO 8601. */
  readonly created: string;
  /** What its layer lies over. */
  readonly over: string | undefined;
  /** Bytes on disk: of the layer, and of the home, where it has one of its own. */
  readonly size: number;
  readonly homeSize: number | undefined;
  /** The process of the jail that has it; 0 where it doesn't say. */
  readonly holder: number | undefined;
}

const extension = ".toml";

export function listEnvNames(environment: Environment): string[] {
  const envs = envsDirectory(requireData(environment));
  try {
    const files = readdirSync(envs).filter((file) => file.endsWith(extension));
    const names = files.map((file) => file.slice(0, -extension.length));
    // Whatever else somebody has put there is none of ours.
    return names.filter(isLayerName).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

export const listEnvs = (environment: Environment): Env[] =>
  listEnvNames(environment).map((name) => describeEnv(name, envPlaces(environment, name)));

function describeEnv(name: string, places: EnvPlaces): Env {
  const { profile, layer } = places;
  const record = readLayer(layer);
  const home = findHome(places, name);
  return {
    name,
    profile,
    created: lstatSync(profile).birthtime.toISOString(),
    over: record && describeOver(record.over),
    size: measure(Buffer.from(layerPlaces(layer).upper)),
    homeSize: home === undefined ? undefined : measure(Buffer.from(volumePlaces(home).data)),
    holder: findHolder(layer),
  };
}

/** The directory of the home's volume; undefined where the home is the host's: a volume of that name may be somebody
 * else's then, and says so. */
export function findHome({ volumes, home, profile }: EnvPlaces, name: string): string | undefined {
  const directory = join(volumes, home);
  const maker = readRecord(directory)?.profile;
  return maker === `@${name}` || maker === profile ? directory : undefined;
}

/** @throws TsjailError `env_not_found` */
export function findEnv(environment: Environment, name: string): EnvPlaces {
  const places = envPlaces(environment, name);
  if (lstatSync(places.profile, { throwIfNoEntry: false })?.isFile()) return places;
  const hint = nearestHint(name, listEnvNames(environment));
  throw new TsjailError("env_not_found", `There is no environment ${quoteWord(name)}${hint}.`, {
    hint: "`tsjail env ls` lists those that there are; `tsjail env create NAME --image IMAGE` makes one.",
  });
}

/** Not while a jail has it. What is half removed has no profile any more, and can be removed by its parts.
 * @throws TsjailError `layer_busy`, `volume_busy`, an errno */
export function removeEnv(places: EnvPlaces, name: string, keepsHome: boolean): void {
  const home = keepsHome ? undefined : findHome(places, name);
  const removeRest = () => {
    const isThere = lstatSync(places.layer, { throwIfNoEntry: false }) !== undefined;
    unlinkSync(places.profile);
    if (isThere) removeLayer(places.layer);
    if (home !== undefined) removeVolume(home);
  };
  withLayer(name, places.layer, () => {
    if (home === undefined) removeRest();
    else withVolume(places.home, home, removeRest);
  });
}
