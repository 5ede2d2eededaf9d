// In: intents, and the host's symlinks. Out: what a path shows inside the jail: which intent covers it, which path of
// the host lies behind it, where symlinks lead. So two names of one place are seen to be one place before anything is
// sorted: else `hide = ["~/.ssh"]`, with ~/.ssh a link into a directory that is bound later, would hide nothing.
import type { Host } from "../host/host.ts";
import { followLinks } from "../host/links.ts";
import type { Intent } from "./intent.ts";
import { joinPath, moveBelow, parentOf } from "./path.ts";

export interface View {
  /** The directory that "/" shows; undefined when it is empty. */
  readonly root: string | undefined;
  /** What covers a path, by path. */
  readonly places: ReadonlyMap<string, Intent>;
  readonly links: Host["links"];
}

/** Never shown as the root has them: they come as mounts of the jail's own, or not at all. */
export const kernelDirectories: ReadonlySet<string> = new Set(["proc", "dev", "sys"]);

export function makeView(root: string | undefined, intents: readonly Intent[], links: Host["links"]): View {
  const covering = intents.filter(({ content }) => content.kind !== "none" && content.kind !== "protect");
  return { root, places: new Map(covering.map((intent) => [intent.path, intent])), links };
}

/** The intent at a path or nearest above it; undefined where the root itself shows. */
export function findCover(view: View, path: string): Intent | undefined {
  for (let place = path; place !== "/"; place = parentOf(place)) {
    const intent = view.places.get(place);
    if (intent !== undefined) return intent;
  }
  return undefined;
}

/** What lies below a path, not at it. */
export function findParentCover(view: View, path: string): Intent | undefined {
  return findCover(view, parentOf(path));
}

/** The path of the host that a path of the jail shows; undefined where it shows something of the jail's own. */
export function findHostPath(view: View, path: string): string | undefined {
  return traceHostPath(view, path, findCover(view, path));
}

/** The same for what lies below whatever is put at the path itself. */
export function findHostPathBeneath(view: View, path: string): string | undefined {
  return traceHostPath(view, path, findParentCover(view, path));
}

export function traceHostPath(view: View, path: string, cover: Intent | undefined): string | undefined {
  if (cover === undefined) return findRootPath(view, path);
  if (cover.content.kind !== "bind") return undefined;
  return moveBelow(path, cover.path, followHostLinks(view, cover.content.source));
}

function findRootPath({ root }: View, path: string): string | undefined {
  if (root === undefined || (root === "/" && kernelDirectories.has(path.split("/")[1] ?? "")))
    return undefined;
  return joinPath(root, path === "/" ? "" : path);
}

/** Where a path of the host leads; a path that nobody can follow is left to the executor to fail at. */
export function followHostLinks(view: View, path: string): string {
  return followLinks(path, (place) => view.links[place]) ?? path;
}

/** Where a path leads inside the jail. A link that is itself to be made there is not followed. */
export function followJailLinks(view: View, intent: Intent): string {
  const end = followLinks(intent.written, (place, last) => {
    if (last && intent.content.kind === "symlink") return undefined;
    // At its own end an intent takes the place of what is there, and only what lies beneath counts.
    const cover = last ? findParentCover(view, place) : findCover(view, place);
    if (cover?.path === place) return cover.content.kind === "symlink" ? cover.content.text : undefined;
    const behind = traceHostPath(view, place, cover);
    return behind === undefined ? undefined : view.links[behind];
  });
  return end ?? intent.written;
}
