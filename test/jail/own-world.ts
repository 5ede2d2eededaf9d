// A home with what tsjail keeps in it for its next start, and neighbours of that, for own.test.ts and own-ways.test.ts.
// In: a script, a profile. Out: what it could do inside a jail, and what the next start would find.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "../support/assert.ts";
import {
  attempt,
  hostTree,
  type Jail,
  jail,
  makeDirectory,
  mount,
  removeDirectory,
  sh,
  shout,
} from "../support/jail.ts";
import type { TestContext } from "../support/suite.ts";

/** Below a home. */
export const own = [".cache/tsjail", ".local/share/tsjail", ".config/tsjail"];

export interface World {
  readonly directory: string;
  readonly home: string;
  readonly data: string;
  readonly env: NonNullable<Jail["env"]>;
}

/** A home with what tsjail keeps in it, neighbours of that, and a directory beside the home. */
export function makeWorld({ cleanup }: TestContext, isFilled = true): World {
  const directory = makeDirectory("own");
  cleanup(() => removeDirectory(directory));
  const [home, data] = [join(directory, "home"), join(directory, "data")];
  for (const path of [home, data]) mkdirSync(path);
  const kept = [".cache/tsjail/plans/kept", ".local/share/tsjail/trusted/record", ".config/tsjail/mine.toml"];
  const neighbours = [".cache/other/kept", ".local/share/other/record", ".config/other/mine.toml", "plain/x"];
  for (const name of [...(isFilled ? kept : []), ...neighbours]) {
    const path = join(home, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, "as it was\n", { mode: 0o600 });
  }
  const unset = { XDG_CACHE_HOME: undefined, XDG_DATA_HOME: undefined, XDG_CONFIG_HOME: undefined };
  return { directory, home, data, env: { HOME: home, ...unset } };
}

export const writableHome = `${hostTree}${mount("bind", { source: "~", readonly: false })}`;
export const writable = (source: string, keys = {}) => mount("bind", { source, readonly: false, ...keys });

/** The answers of a script, one word each. */
export async function ask(world: World, script: string, request: Partial<Jail> = {}): Promise<string> {
  const output = await shout({
    toml: writableHome,
    env: world.env,
    command: sh(attempt + script),
    ...request,
  });
  return output.trim().split("\n").join(" ");
}

/** Runs a script that tries to put a plan, a record and a profile of its own where the next start looks. */
export async function attack(world: World, script: string, request: Partial<Jail> = {}): Promise<void> {
  const plant = `plant() {
    mkdir -p "$1/.cache/tsjail/plans" "$1/.local/share/tsjail/trusted" "$1/.config/tsjail"
    for place in .cache/tsjail/plans .local/share/tsjail/trusted .config/tsjail; do echo evil >"$1/$place/evil"; done
    mkdir -p "$1/.cache/twin"; echo evil >"$1/.cache/twin/evil"
  } 2>/dev/null\n`;
  const command = sh(`${plant}${script}\nexit 0`);
  const { status, stderr } = await jail({ toml: writableHome, env: world.env, command, ...request });
  assert.is(status, 0, stderr);
}

/** What the next start would find, through whatever is there by now. */
export function listPlanted({ home }: World): string[] {
  const places = [
    ".cache/tsjail/plans/evil",
    ".local/share/tsjail/trusted/evil",
    ".config/tsjail/evil",
    ".cache/twin/evil",
  ];
  return places.filter((place) => existsSync(join(home, place)));
}
