// Where volumes are kept: $XDG_DATA_HOME/tsjail/volumes/NAME/, with what jails write in data/, lock for flock(2), which
// every jail that has the volume shares, and volume.json. In: the environment, a volume of a profile. Out: paths.
// compile makes binds of them, make.ts makes them, list.ts reads them.
import { join } from "node:path";
import type { Volume } from "../profile/schema.ts";
import { findOwnDirectory } from "../xdg.ts";

/** The directory of the volumes that have names. */
export function volumesDirectory(
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const directory = findOwnDirectory(environment, "XDG_DATA_HOME");
  return directory === undefined ? undefined : join(directory, "volumes");
}

/** Of what is half made, or half removed: no name of a volume begins so. */
export const scratchDirectory = (volumes: string): string => join(volumes, ".tmp");

/** What a volume consists of. */
export interface VolumePlaces {
  readonly data: string;
  readonly lock: string;
  readonly about: string;
}

export function volumePlaces(directory: string): VolumePlaces {
  return {
    data: join(directory, "data"),
    lock: join(directory, "lock"),
    about: join(directory, "volume.json"),
  };
}

/** The directory that a volume shows; undefined without a place for those that have names. */
export function volumeSource({ name, path }: Volume, volumes: string | undefined): string | undefined {
  if (name === undefined) return path;
  return volumes === undefined ? undefined : volumePlaces(join(volumes, name)).data;
}
