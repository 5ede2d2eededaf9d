// In: the caller's directory and what the jail shows. Out: where the command starts.
import type { Operation } from "../plan/operations.ts";
import type { InsideAccount } from "./account.ts";
import type { Resolved } from "./intents.ts";
import { isBelow } from "./path.ts";
import { originOf, type Request } from "./request.ts";
import { findCover, findHostPath, type View } from "./view.ts";

/** The profile's choice, else the caller's directory if the jail shows it, else the image's, else home if it is inside,
 * else "/". */
export function compileWorkdir(request: Request, { view }: Resolved, account: InsideAccount): Operation[] {
  const { workdir } = request.profile;
  const { path, key } =
    workdir === undefined ? findWorkdir(request, view, account.home) : { path: workdir, key: "workdir" };
  return [{ op: "workdir", origin: originOf(request, key), path }];
}

/** With the key that is to blame. */
function findWorkdir(
  { host: { cwd, image } }: Request,
  view: View,
  home: string,
): { path: string; key: string } {
  const key = "workdir";
  if (cwd.startsWith("/") && findHostPath(view, cwd) === cwd) return { path: cwd, key };
  if (image?.workdir !== undefined) return { path: image.workdir, key: "root.image" };
  return { path: isInside(view, home) ? home : "/", key };
}

/** Whether a directory is surely there: put there by an intent, on the way to one, or shown from the host. */
function isInside(view: View, path: string): boolean {
  const cover = findCover(view, path);
  if (cover?.path === path || [...view.places.keys()].some((place) => isBelow(place, path))) return true;
  if (cover === undefined) return view.root === "/";
  return cover.content.kind === "bind";
}
