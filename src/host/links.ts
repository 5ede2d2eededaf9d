// In: paths. Out: the symlinks on their way, by physical path. compile uses them to see that two paths of a profile
// are one place, or that one lies below the other, before it sorts them (compile/view.ts).
import { findKind, lookAtKind, lookAtLink, noteUnrepeatable } from "../facts/look.ts";
import type { EntryKind } from "./host.ts";
import { isInLayers, type Layered, locate } from "./layered.ts";
import type { RootedPath } from "./needs.ts";

/** As many as the kernel follows (path_resolution(7)). */
const maxLinks = 40;

type Kind = EntryKind | "absent";

/** Finds symlinks; asks the file system about each place once. */
export class LinkFinder {
  readonly links: Record<string, string> = {};
  readonly kinds = new Map<string, Kind>();
  readonly #image: Layered | undefined;

  /** @param image the jail's root, where it is one */
  constructor(image?: Layered) {
    this.#image = image;
  }

  /** Where a path of a root directory really is, links followed inside it; what is missing is taken as it stands.
   * Undefined when there are too many links. */
  resolve({ root, path }: RootedPath): string | undefined {
    // Normalized both: path.join would only look at each of their characters again.
    const prefix = root === "/" ? "" : root;
    const found = followLinks(path, (place) => this.#read(prefix + place));
    return found === undefined ? undefined : prefix + found;
  }

  /** Every place that is passed on the way to a path of the host, and its end, as resolve() has it. */
  trace(path: string): { path: string; way: string[] } {
    const way = new Set<string>();
    const end = followLinks(path, (place) => {
      way.add(place);
      return this.#read(place);
    });
    return { path: end ?? path, way: [...way] };
  }

  #read(place: string): string | undefined {
    const known = this.links[place];
    if (known !== undefined) return known;
    if (this.probe(place) !== "symlink") return undefined;
    try {
      this.links[place] = lookAtLink(this.locate(place) ?? place);
    } catch {
      // The executor's own look is the one that counts.
      noteUnrepeatable(`${place} was replaced between two looks`);
    }
    return this.links[place];
  }

  /** Where a physical path lies on the host; undefined where the image has nothing there. */
  locate(place: string): string | undefined {
    return this.#image !== undefined && this.#isImages(place) ? locate(this.#image, place) : place;
  }

  #isImages(place: string): boolean {
    return this.#image !== undefined && isInLayers(this.#image, place);
  }

  /** What lies at a physical path. */
  probe(place: string): Kind {
    const known = this.kinds.get(place);
    if (known !== undefined) return known;
    const seen = this.#isImages(place) ? findKind(this.locate(place) ?? "") : lookAtKind(place);
    // EACCES: nobody can pass here, so whatever lies behind has no links for us.
    const kind = seen === "unreadable" ? "absent" : seen;
    this.kinds.set(place, kind);
    return kind;
  }
}

/**
 * Walks a path as the kernel would, with "/" as its root: "..", never above it, and symlinks (path_resolution(7)).
 * Undefined where the kernel would give up, with ELOOP.
 * @param readLink what the symlink at a place says, undefined for everything else; `last` for the end of the path
 */
export function followLinks(
  path: string,
  readLink: (place: string, last: boolean) => string | undefined,
): string | undefined {
  let done = "";
  const left = splitPath(path).reverse();
  let followed = 0;
  while (left.length > 0) {
    const name = left.pop() as string;
    if (name === "..") {
      done = done.slice(0, Math.max(done.lastIndexOf("/"), 0));
      continue;
    }
    const place = `${done}/${name}`;
    const target = readLink(place, left.length === 0);
    if (target === undefined) {
      done = place;
      continue;
    }
    if (++followed > maxLinks) return undefined;
    if (target.startsWith("/")) done = "";
    left.push(...splitPath(target).reverse());
  }
  return done || "/";
}

/** The names of a path, without empty ones and dots. */
export function splitPath(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}
