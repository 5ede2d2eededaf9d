// Where environments are kept: $XDG_DATA_HOME/tsjail/envs/NAME.toml, a profile like any other. What it names (the layer
// NAME, the volume NAME-home) lies where layers and volumes do. In: the environment, a name. Out: paths.
import { join } from "node:path";
import { TsjailError } from "../error.ts";
import { isLayerName } from "../profile/layer-name.ts";
import { quoteShort } from "../profile/quote.ts";
import { findOwnDirectory } from "../xdg.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvPlaces {
  /** tsjail's own directory of data. */
  readonly data: string;
  readonly envs: string;
  readonly profile: string;
  readonly layer: string;
  readonly volumes: string;
  /** The name of its home's volume, where it has one of its own. */
  readonly home: string;
}

/** Of what is half made: no environment's file, whose names end in .toml. */
export const draftDirectory = (envs: string): string => join(envs, ".tmp");

/** tsjail's own directory of data.
 * @throws TsjailError `variable_unset` without a home */
export function requireData(environment: Environment): string {
  const data = findOwnDirectory(environment, "XDG_DATA_HOME");
  if (data !== undefined) return data;
  const message = "There is no place for environments: neither XDG_DATA_HOME nor HOME is an absolute path.";
  throw new TsjailError("variable_unset", message, { hint: "Set HOME." });
}

export const envsDirectory = (data: string): string => join(data, "envs");

/** @throws TsjailError `variable_unset` without a home, `usage` for what can't be a name */
export function envPlaces(environment: Environment, name: string): EnvPlaces {
  const data = requireData(environment);
  const home = `${name}-home`;
  if (!isLayerName(name) || !isLayerName(home)) {
    throw new TsjailError("usage", `${quoteShort(name)} can't be the name of an environment.`, {
      hint: "Write letters, digits, and . _ - after the first, at most 95, for example: work",
    });
  }
  const envs = envsDirectory(data);
  return {
    data,
    envs,
    profile: join(envs, `${name}.toml`),
    layer: join(data, "layers", name),
    volumes: join(data, "volumes"),
    home,
  };
}
