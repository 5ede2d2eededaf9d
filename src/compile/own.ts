// In: the intents that stand, and where tsjail keeps what it relies on at its next start: plans, records of trust,
// profiles, also those of the project. Out: those places hidden or read-only wherever the jail would show them, and held in place: who could
// write there from inside would decide what the next jail is like. Next: etc.ts.
import { TsjailError } from "../error.ts";
import type { OwnDirectory } from "../host/host.ts";
import { rootDirectory } from "../host/needs.ts";
import type { Operation } from "../plan/operations.ts";
import type { KeyOrigin } from "../profile/load.ts";
import type { Intent } from "./intent.ts";
import { describeStanding, type Resolved } from "./intents.ts";
import { comparePaths, isBelow, isWithin, moveBelow } from "./path.ts";
import type { Request } from "./request.ts";
import { isMount, listShown } from "./shown.ts";
import { findCover, followHostLinks } from "./view.ts";

/** A tree of the host's in the jail. */
interface Tree {
  /** Physical. */
  readonly source: string;
  readonly path: string;
  readonly isWritable: boolean;
  readonly origin: KeyOrigin;
  /** It is one of several layers of a mount. */
  readonly isLayer?: true;
}

/** A part of the way to a directory of our own, at a path where the jail shows it. */
interface Sight {
  readonly own: OwnDirectory;
  readonly isEnd: boolean;
  readonly path: string;
  readonly isWritable: boolean;
}

/** Hides what is nobody's business.
 * @throws TsjailError `profile_conflict` where the profile asks for a directory of our own itself */
export function hideOwn(request: Request, resolved: Resolved): Resolved {
  refuseOwn(request, resolved);
  const paths = listSights(request, resolved)
    .filter(({ own, isEnd }) => isEnd && own.access === "none")
    .map(({ path }) => path);
  if (paths.length === 0) return resolved;
  const origin: KeyOrigin = { file: "built in", layer: Number.MAX_SAFE_INTEGER };
  const hides = [...new Set(paths)].map(
    (path): Intent => ({ path, written: path, origin, content: { kind: "hide", optional: true } }),
  );
  // Sorting keeps the order of equal paths: below an optional bind at the same place, in case that one is passed over.
  const intents = [...hides, ...resolved.intents].sort((a, b) => comparePaths(a.path, b.path));
  return describeStanding(request, intents);
}

/** What comes over all mounts: the way to our directories is held, and profiles are read-only. */
export function holdOwn(request: Request, resolved: Resolved): Operation[] {
  const sights = listSights(request, resolved).filter(({ isWritable }) => isWritable);
  const pins = sights.filter(({ path, isEnd }) => !isEnd && !isMount(resolved.view, path));
  const ends = sights.filter(({ own, isEnd }) => isEnd && own.access === "read");
  const list = (some: readonly Sight[]) => [...new Set(some.map(({ path }) => path))].sort(comparePaths);
  return [
    ...list(pins).map((target): Operation => ({ op: "pin", origin: "built in", target })),
    ...list(ends).map(
      (target): Operation => ({ op: "readonly", origin: "built in", target, flags: ["optional"] }),
    ),
  ];
}

function listTrees(request: Request, { view, intents }: Resolved): Tree[] {
  const root = rootDirectory(request.profile, request.host.image);
  const trees: Tree[] = [];
  // An image has nothing of the host's, and is not written to.
  if (root !== undefined && request.host.image === undefined) {
    const { path, type, writable } = request.profile.root;
    const origin = request.loaded.origin(path === undefined ? "root.type" : "root.path");
    trees.push({
      source: followHostLinks(view, root),
      path: "/",
      isWritable: type === "directory" && writable === "yes",
      origin,
    });
  }
  for (const { path, content, origin } of intents) {
    if (content.kind === "overlay") {
      const add = (layer: string, isWritable: boolean) =>
        trees.push({ source: followHostLinks(view, layer), path, isWritable, origin, isLayer: true });
      for (const layer of content.lower) add(layer, false);
      for (const layer of [content.upper, content.work]) if (layer !== "") add(layer, true);
    }
    // A volume with a name is tsjail's own, and meant to be shown: nothing that the next start relies on is in it.
    if (content.kind !== "bind" || content.volume?.name !== undefined) continue;
    const isWritable = !content.attributes.includes("ro");
    trees.push({ source: followHostLinks(view, content.source), path, isWritable, origin });
  }
  return trees;
}

function refuseOwn(request: Request, resolved: Resolved): void {
  for (const { source, isWritable, origin } of listTrees(request, resolved)) {
    for (const { path, access, isFile } of request.host.own) {
      if (!isWithin(source, path)) continue;
      if (access === "none") {
        throw new TsjailError("profile_conflict", `${source} is tsjail's own: no jail may have it.`, {
          origin,
          hint: "Who can write there decides what the next jail is like. `tsjail cache ls` lists what is kept.",
        });
      }
      if (isWritable) {
        const what = isFile ? "is what jails are made by" : "has your profiles";
        throw new TsjailError("profile_conflict", `${source} ${what}: no jail may write there.`, {
          origin,
          hint: "Who can write there decides what the next jail is like. Show it read-only, or start elsewhere.",
        });
      }
    }
  }
}

/** Whether a place that a tree has at a path can be written there; undefined where something else covers it. */
function findReach(
  request: Request,
  { view }: Resolved,
  tree: Tree,
  path: string,
  place: string,
): boolean | undefined {
  if (tree.isLayer) return findCover(view, path)?.path === tree.path ? tree.isWritable : undefined;
  const shown = listShown(request, view, path).filter(({ source }) => source === place);
  return shown.length === 0 ? undefined : shown.some((one) => one.reachesHost);
}

/** Wherever a place on the way to a directory of our own is shown, or could be. */
function listSights(request: Request, resolved: Resolved): Sight[] {
  const trees = listTrees(request, resolved);
  const sights: Sight[] = [];
  for (const own of request.host.own) {
    for (const place of new Set([...own.way, own.path])) {
      for (const tree of trees) {
        if (!isBelow(place, tree.source)) continue;
        const path = moveBelow(place, tree.source, tree.path);
        const isWritable = findReach(request, resolved, tree, path, place);
        if (isWritable === undefined) continue;
        sights.push({ own, isEnd: place === own.path, path, isWritable });
      }
    }
  }
  return sights;
}
