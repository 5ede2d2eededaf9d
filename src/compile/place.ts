// In: a file that tsjail generates, and what the jail shows where it belongs. Out: whether it can be put there. A mount
// point is never made on the host, so in an /etc of the host's that lacks the file there is none; then the jail's /etc
// is assembled as its root is (root.ts), with room for it. What the profile asks for by name must not get lost.
import { TsjailError } from "../error.ts";
import type { RootEntry } from "../host/host.ts";
import type { GeneratedContent, Intent } from "./intent.ts";
import type { Resolved } from "./intents.ts";
import { isOverlaid } from "./overlay.ts";
import { depthOf, listAncestors } from "./path.ts";
import { isSaid, type Request } from "./request.ts";
import { findEntry, isAssembled } from "./root.ts";
import { findCover, findHostPathBeneath, findParentCover } from "./view.ts";

/** Whether there is something at a path to put a file over, or a directory of the jail's own around it. */
export function hasPlace(request: Request, { view }: Resolved, path: string): boolean {
  const behind = findHostPathBeneath(view, path);
  if (behind === undefined || request.host.kinds[behind] !== "absent") return true;
  if (findParentCover(view, path) !== undefined) return false;
  // In a layer over a directory of the host's, whose parts belong to ids that aren't mapped: at its top.
  if (isOverlaid(request, path)) return depthOf(path) === 2;
  // On a root of ours a whole new branch can be made; in a writable one the executor makes mount points.
  return !isAssembled(request) || findEntry(request, listAncestors(path)[0] ?? path) === undefined;
}

/** The entries of which an /etc can be assembled; undefined where it is not the root's, or can't be listed. */
export function listOwnEtc(request: Request, { view }: Resolved): readonly RootEntry[] | undefined {
  const { etc } = request.host;
  if (
    !isAssembled(request) ||
    isOverlaid(request, "/etc") ||
    etc.kind !== "entries" ||
    findCover(view, "/etc") !== undefined
  )
    return undefined;
  return findEntry(request, "/etc")?.kind === "directory" ? etc.entries : undefined;
}

/** Whether nothing else has to be at its place in /etc, from where a link of the root's may have led it away. */
export function isFree({ view }: Resolved, { written, content }: Intent<GeneratedContent>): boolean {
  const there = view.places.get(written)?.content;
  return there === undefined || there === content;
}

/** @throws TsjailError where a file without a place carries what the profile says */
export function refuseWish(request: Request, { view }: Resolved, intent: Intent<GeneratedContent>): void {
  const { host, loaded } = request;
  const { name } = intent.content;
  const isRoot = findParentCover(view, intent.path) === undefined;
  const key = findWish(request, name, isRoot);
  if (key === undefined) return;
  const behind = findHostPathBeneath(view, intent.path);
  const unlisted = isRoot && host.etc.kind === "unreadable" ? host.etc : undefined;
  throw new TsjailError("host_unsupported", `There is no place for the jail's own ${name}.`, {
    origin: loaded.origin(key),
    detail: unlisted
      ? `${behind} can't be reached, or does not exist, and its directory can't be listed (${unlisted.code}).`
      : `${behind} does not exist, and nothing can be made there.`,
    hint: unlisted
      ? "Make the directory readable for yourself, or create the file, empty: what is generated is put over it."
      : "Create it as an empty file: what is generated is put over it.",
  });
}

/** The key whose value a generated file carries. What programs are called by, the kernel tells them as well. */
function findWish(request: Request, name: string, isRoot: boolean): string | undefined {
  const { hosts, dns, search } = request.profile.network;
  if (name === "/etc/hosts" && Object.keys(hosts).length > 0) return "network.hosts";
  if (name === "/etc/resolv.conf" && dns.length > 0) return "network.dns";
  if (name === "/etc/resolv.conf" && search.length > 0) return "network.search";
  const isNamed = name === "/etc/hostname" && isRoot && isSaid(request, "hostname");
  return isNamed ? "hostname" : undefined;
}
