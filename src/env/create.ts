// An environment, made: a kept layer over an image or a directory, with its owner in the user database, a home, and last
// the profile, without which nothing of it is seen. In: a wish. Out: its profile's path, or an error and nothing left.
import { linkSync, lstatSync, mkdirSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectories } from "../directory.ts";
import { TsjailError } from "../error.ts";
import { readFile } from "../host/file.ts";
import { decodeText } from "../host/host.ts";
import type { Account } from "../host/identity.ts";
import type { Layered } from "../host/layered.ts";
import { LinkFinder } from "../host/links.ts";
import type { MakerName } from "../host/makers.ts";
import { describeImage, resolveImage } from "../image/resolve.ts";
import { preparePlan, type Surroundings } from "../launch/prepare.ts";
import { keepLayer, type Over } from "../layer/keep.ts";
import { layerPlaces } from "../layer/place.ts";
import { removeLayer } from "../layer/remove.ts";
import { quoteWord } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";
import { makeVolumes } from "../volume/make.ts";
import { volumePlaces } from "../volume/place.ts";
import { removeVolume } from "../volume/remove.ts";
import { addAccount } from "./account.ts";
import { type EnvPlaces, envPlaces } from "./place.ts";
import { type EnvWish, formatEnvProfile } from "./profile.ts";

export interface CreateWish extends Omit<EnvWish, "shell" | "home"> {
  readonly ownHome: boolean;
}

/** The root below the layer, for looking things up in it. */
interface Base {
  readonly over: Over;
  readonly layered: Layered;
}

/** @throws TsjailError `usage` where there is one of that name, `image_not_found`, `env_failed`, and whatever a start with
 * its profile would throw */
export function createEnv(wish: CreateWish, caller: Account, around: Surroundings): EnvPlaces {
  const places = envPlaces(around.environment, wish.name);
  const volume = join(places.volumes, places.home);
  for (const [path, what] of [
    [places.profile, "an environment"],
    [places.layer, "a kept layer"],
    ...(wish.ownHome ? [[volume, "a volume"] as const] : []),
  ] as const) {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
      throw new TsjailError("usage", `There is ${what} of that name already: ${quoteWord(path)}.`, {
        hint: "Give another name, or remove it.",
      });
  }
  const base = findBase(wish, around);
  const shell = findShell(base, caller.shell);
  const draft = `${places.profile}.${process.pid}.new`;
  const made: (() => void)[] = [];
  try {
    makeDirectories(places.envs);
    made.push(() => unlinkSync(draft));
    const home = wish.ownHome ? places.home : undefined;
    writeFileSync(draft, formatEnvProfile({ ...wish, shell, home }), { mode: 0o600, flag: "wx" });
    const maker = findMaker(draft, around);
    made.push(() => removeLayer(places.layer));
    makeLayer(places, base, maker, { ...caller, shell });
    if (wish.ownHome) {
      made.push(() => removeVolume(volume));
      makeHome(places, base, wish, caller.home);
    }
    // Never in the place of another: link(2).
    linkSync(draft, places.profile);
    unlinkSync(draft);
  } catch (error) {
    for (const undo of made.reverse()) tryTo(undo);
    if (error instanceof TsjailError) throw error;
    throw new TsjailError("env_failed", `The environment can't be made: ${describeErrno(error)}.`, {
      hint: `Look at ${quoteWord(places.data)}: is there room, and is it yours?`,
      cause: error,
    });
  }
  return places;
}

function tryTo(undo: () => void): void {
  try {
    undo();
  } catch {
    // It was not made yet.
  }
}

/** Who is going to write to the layer. With it all that is wrong with the profile is found, before anything is made. */
function findMaker(draft: string, around: Surroundings): MakerName {
  const request = { profile: draft, overrides: [], passFds: [], statusFd: undefined };
  return preparePlan(request, [], around).host.makers["/"]?.by ?? "kernel";
}

function findBase({ root }: CreateWish, { environment }: Surroundings): Base {
  if (root.type === "directory") {
    const { path } = root;
    if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw new TsjailError("usage", `${quoteWord(path)} is no directory, and no root of anything.`);
    return { over: { type: "directory", path }, layered: { root: path, layers: [path] } };
  }
  const image = resolveImage(root.image, environment);
  return {
    over: { type: "image", name: image.name, layers: image.digests },
    layered: describeImage(image),
  };
}

/** A file of the root, links followed inside it; undefined where there is none. */
function findFile({ layered }: Base, path: string): string | undefined {
  const finder = new LinkFinder(layered);
  const place = finder.resolve({ root: layered.root, path });
  const found = place === undefined ? undefined : finder.locate(place);
  return found !== undefined && lstatSync(found, { throwIfNoEntry: false })?.isFile() ? found : undefined;
}

function findShell(base: Base, wanted: string): string {
  return [wanted, "/bin/bash", "/bin/sh"].find((path) => findFile(base, path) !== undefined) ?? "/bin/sh";
}

function makeLayer({ layer }: EnvPlaces, base: Base, maker: MakerName, account: Account): void {
  keepLayer(layer, base.over, maker, true, { file: "command line" });
  const read = (path: string) => {
    const file = findFile(base, path);
    return file === undefined ? "" : (decodeText(readFile(file)) ?? "");
  };
  const { passwd, group } = addAccount({ passwd: read("/etc/passwd"), group: read("/etc/group") }, account);
  const etc = join(layerPlaces(layer).upper, "etc");
  mkdirSync(etc, { mode: 0o755 });
  writeFileSync(join(etc, "passwd"), passwd, { mode: 0o644 });
  writeFileSync(join(etc, "group"), group, { mode: 0o644 });
}

/** As useradd(8) fills it. Projects in the home have their mount points made: jails make none on the host. */
function makeHome({ volumes, home }: EnvPlaces, { layered }: Base, wish: CreateWish, path: string): void {
  const directory = join(volumes, home);
  const skeleton = findDirectory(layered, "/etc/skel");
  const copy = skeleton ? { layers: layered.layers, path: "/etc/skel", leftOut: [] } : undefined;
  const origin = { file: "command line" };
  makeVolumes([{ kind: "name", name: home, directory, profile: `@${wish.name}`, origin, copy }]);
  for (const project of wish.projects) {
    if (project.startsWith(`${path}/`)) {
      mkdirSync(join(volumePlaces(directory).data, project.slice(path.length)), { recursive: true });
    }
  }
}

function findDirectory(layered: Layered, path: string): boolean {
  const finder = new LinkFinder(layered);
  const place = finder.resolve({ root: layered.root, path });
  return place !== undefined && finder.probe(place) === "directory";
}
