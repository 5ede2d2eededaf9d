// The root of an image: directories over one another, which no path of the host shows as one. In: a path in it. Out: where
// that really lies. Its paths are written as if the uppermost directory had everything (`root`); links.ts and read.ts ask
// here what is behind one.
import { lookAtKind } from "../facts/look.ts";
import { findName } from "../layer/merged.ts";

export interface Layered {
  /** How paths in it begin: the uppermost directory of the image. */
  readonly root: string;
  /** The uppermost first. Nothing in them ever changes. */
  readonly layers: readonly string[];
  /** A kept layer over them, which every jail may change. */
  readonly kept?: string | undefined;
}

export const isInLayers = ({ root }: Layered, path: string): boolean =>
  path === root || path.startsWith(`${root}/`);

/** Where a path in it lies, links not followed; undefined where nothing is. What was seen is noted of a kept layer alone:
 * that the image is the same is known by its name. */
export function locate({ root, layers, kept }: Layered, path: string): string | undefined {
  const all = kept === undefined ? layers : [kept, ...layers];
  let directories: readonly Buffer[] = all.map((layer) => Buffer.from(layer));
  let changing = kept;
  const names = path.slice(root.length).split("/").filter(Boolean);
  for (const [index, name] of names.entries()) {
    if (changing !== undefined) {
      changing = `${changing}/${name}`;
      if (lookAtKind(changing) !== "directory") changing = undefined;
    }
    const found = findName(directories, Buffer.from(name));
    const isLast = index === names.length - 1;
    if (found === undefined || (!isLast && !found.stats.isDirectory())) return undefined;
    directories = found.places;
  }
  return String(directories[0]);
}
