// In: a path of the jail. Out: what it shows there, and whether that can be written or renamed. Used by own.ts and
// protect.ts, which put read-only mounts over what could.
import { parentOf } from "./path.ts";
import type { Request } from "./request.ts";
import { findCover, traceHostPath, type View } from "./view.ts";

export interface Shown {
  /** The path of the host's. */
  readonly source: string | undefined;
  readonly isWritable: boolean;
  /** What is written there is written on the host, not in a layer over it. */
  readonly reachesHost: boolean;
}

/** What a path shows; more than one thing where an optional bind may be passed over at the start. */
export function listShown({ profile }: Request, view: View, path: string): Shown[] {
  const shown: Shown[] = [];
  for (let at = path; ; ) {
    const cover = findCover(view, at);
    const source = traceHostPath(view, path, cover);
    if (cover?.content.kind !== "bind") {
      const { writable } = profile.root;
      const isRoot = cover === undefined;
      shown.push({
        source,
        isWritable: isRoot && writable !== "no",
        reachesHost: isRoot && writable === "yes",
      });
      return shown;
    }
    const isWritable = !cover.content.attributes.includes("ro");
    shown.push({ source, isWritable, reachesHost: isWritable });
    if (!cover.content.optional) return shown;
    at = parentOf(cover.path);
  }
}

/** Whether something is surely mounted at a path, which then can't be renamed as it is. */
export function isMount(view: View, path: string): boolean {
  const content = view.places.get(path)?.content;
  if (content?.kind === "bind") return !content.optional;
  return content !== undefined && ["tmpfs", "overlay", "proc", "dev", "sys", "mqueue"].includes(content.kind);
}
