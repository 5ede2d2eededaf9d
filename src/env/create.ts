// An environment, made: a kept layer over an image or a directory, with its owner in the user database, a home, and last
// the profile, without which nothing of it is seen. In: a wish. Out: its profile's path, or an error and nothing left.
import { closeSync, linkSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeDirectories } from "../directory.ts";
import { TsjailError } from "../error.ts";
import { readFile } from "../host/file.ts";
import { decodeText } from "../host/host.ts";
import type { Account } from "../host/identity.ts";
import type { Layered } from "../host/layered.ts";
import { LinkFinder, splitPath } from "../host/links.ts";
import type { MakerName } from "../host/makers.ts";
import { removeTree } from "../image/remove.ts";
import { describeImage, resolveImage } from "../image/resolve.ts";
import { makeScratch, sweep } from "../image/scratch.ts";
import { preparePlan, type Surroundings } from "../launch/prepare.ts";
import { keepLayer, type Over } from "../layer/keep.ts";
import { layerPlaces } from "../layer/place.ts";
import { removeLayer } from "../layer/remove.ts";
import { quoteWord } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";
import { makeVolumes } from "../volume/make.ts";
import { makePath } from "../volume/path.ts";
import { volumePlaces } from "../volume/place.ts";
import { removeVolume } from "../volume/remove.ts";
import { addAccount } from "./account.ts";
import { findHome } from "./list.ts";
import { draftDirectory, type EnvPlaces, envPlaces } from "./place.ts";
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
  // That of an environment of this name which was removed without it.
  const kept = wish.ownHome ? findHome(places, wish.name) : undefined;
  const parts = [
    [places.profile, "an environment", "env"],
    [places.layer, "a kept layer", "layer"],
    ...(wish.ownHome && kept === undefined ? [[volume, "a volume", "volume"] as const] : []),
  ] as const;
  for (const part of parts)
    if (lstatSync(part[0], { throwIfNoEntry: false }) !== undefined) throw taken(part);
  const base = findBase(wish, around);
  const shell = findShell(base, caller.shell);
  const made: (() => void)[] = [];
  try {
    withDraft(places, (draft) => {
      const home = wish.ownHome ? places.home : undefined;
      writeFileSync(draft, formatEnvProfile({ ...wish, shell, home }), { mode: 0o600, flag: "wx" });
      const maker = findMaker(draft, around);
      makeDirectories(dirname(places.layer));
      // From here on nobody else makes an environment of that name, and what is undone is ours.
      if (!tryMake(places.layer)) throw taken(parts[1]);
      made.push(() => removeLayer(places.layer));
      makeLayer(places, base, maker, { ...caller, shell });
      if (wish.ownHome) {
        if (kept === undefined) {
          made.push(() => findHome(places, wish.name) && removeVolume(volume));
          makeHome(places, base, wish);
        }
        makeProjects(volume, wish, caller.home);
      }
      // Never in the place of another: link(2).
      linkSync(draft, places.profile);
    });
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

const taken = ([path, what, command]: readonly [path: string, what: string, command: string]): TsjailError =>
  new TsjailError("usage", `There is ${what} of that name already: ${quoteWord(path)}.`, {
    hint: `Give another name, or remove it: tsjail ${command} rm ${basename(path, ".toml")}`,
  });

/** A file that nobody lists. Who is killed meanwhile leaves it to the next one who makes an environment. */
function withDraft({ envs, profile }: EnvPlaces, work: (draft: string) => void): void {
  const drafts = draftDirectory(envs);
  makeDirectories(drafts);
  sweep(drafts);
  const { path, fd } = makeScratch(drafts);
  try {
    work(join(path, basename(profile)));
  } finally {
    removeTree(path);
    closeSync(fd);
  }
}

function tryMake(directory: string): boolean {
  try {
    mkdirSync(directory, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
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

/** Where a path of the root leads, links followed inside it; undefined where they lead nowhere. */
function follow({ layered }: Base, path: string): { finder: LinkFinder; place: string | undefined } {
  const finder = new LinkFinder(layered);
  return { finder, place: finder.resolve({ root: layered.root, path }) };
}

/** A file of the root; undefined where there is none. */
function findFile(base: Base, path: string): string | undefined {
  const { finder, place } = follow(base, path);
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
  // Where a link of the root leads (/etc → usr/etc): a directory in its place would hide all that is behind it.
  const write = (path: string, text: string) => {
    const inside = follow(base, path).place?.slice(base.layered.root.length) ?? path;
    const file = join(layerPlaces(layer).upper, inside);
    mkdirSync(dirname(file), { mode: 0o755, recursive: true });
    writeFileSync(file, text, { mode: 0o644, flag: "wx" });
  };
  write("/etc/passwd", passwd);
  write("/etc/group", group);
}

/** As useradd(8) fills it. */
function makeHome({ volumes, home }: EnvPlaces, base: Base, wish: CreateWish): void {
  const directory = join(volumes, home);
  const { layers } = base.layered;
  const copy = hasDirectory(base, "/etc/skel") ? { layers, path: "/etc/skel", leftOut: [] } : undefined;
  const origin = { file: "command line" };
  makeVolumes([{ kind: "name", name: home, directory, profile: `@${wish.name}`, origin, copy }]);
}

/** Projects in the home have their mount points made: jails make none on the host. */
function makeProjects(volume: string, { projects }: CreateWish, home: string): void {
  const { data } = volumePlaces(volume);
  for (const project of projects) {
    if (project.startsWith(`${home}/`)) makeProject(data, project, project.slice(home.length));
  }
}

/** What is in the home already the root has brought: a link of its own must not lead us out of it. */
function makeProject(data: string, project: string, inside: string): void {
  const origin = { file: "command line" };
  try {
    makePath({ kind: "path", path: project, base: data, names: splitPath(inside), origin }, []);
  } catch (cause) {
    throw new TsjailError("env_failed", `The project ${quoteWord(project)} has no place in the home.`, {
      detail: "The root has something else there in /etc/skel, with which a home begins.",
      hint: "Show it somewhere else, by a [[mount]] of a profile of yours (--profile), or use another root.",
      cause,
    });
  }
}

function hasDirectory(base: Base, path: string): boolean {
  const { finder, place } = follow(base, path);
  return place !== undefined && finder.probe(place) === "directory";
}
