// Where layers are kept: $XDG_DATA_HOME/tsjail/layers/NAME/, with what is in upper/ and work/ the kernel's, lock for the
// executor's flock(2), and layer.json; and where those lie on disk that are thrown away. In: the environment, a name. Out: paths. keep.ts makes them, list.ts reads them.
import { join } from "node:path";
import { findOwnDirectory } from "../xdg.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The directory of the layers. */
export function layersDirectory(environment: Environment): string | undefined {
  const directory = findOwnDirectory(environment, "XDG_DATA_HOME");
  return directory === undefined ? undefined : join(directory, "layers");
}

/** Where the executor makes a directory for each jail whose layers are thrown away and lie on disk. */
export function scratchDirectory(environment: Environment): string | undefined {
  const directory = findOwnDirectory(environment, "XDG_DATA_HOME");
  return directory === undefined ? undefined : join(directory, "scratch");
}

/** What a layer consists of. */
export interface LayerPlaces {
  readonly upper: string;
  readonly work: string;
  readonly lock: string;
  readonly about: string;
}

export function layerPlaces(directory: string): LayerPlaces {
  return {
    upper: join(directory, "upper"),
    work: join(directory, "work"),
    lock: join(directory, "lock"),
    about: join(directory, "layer.json"),
  };
}
