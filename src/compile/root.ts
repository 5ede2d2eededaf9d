// In: [root], the top level of its directory, and the intents. Out: what "/" of the jail is, before anything is put on
// it. An assembled root is a tmpfs with one bind for each entry of the directory: so mount points can be made at its
// top level, and nothing is ever made on the host. mounts.ts comes next.
import { TsjailError } from "../error.ts";
import type { RootEntry } from "../host/host.ts";
import type { Operation } from "../plan/operations.ts";
import { type Ids, ownerOptions } from "./ids.ts";
import type { Content, Intent } from "./intent.ts";
import type { Resolved } from "./intents.ts";
import { compileOverlaidEntry, compileRootOverlay, isOverlaid, isServedWhole } from "./overlay.ts";
import { comparePaths, depthOf, joinPath, listAncestors } from "./path.ts";
import { originOf, partOf, type Request } from "./request.ts";
import { findParentCover, followHostLinks, kernelDirectories } from "./view.ts";

/** Whether "/" is a tmpfs of ours rather than the directory itself. */
export function isAssembled(request: Request): boolean {
  const { type, writable } = request.profile.root;
  if (type === "image") return false;
  return writable === "no" || (type === "host" && writable !== "yes" && !isServedWhole(request));
}

/** The key that says what "/" shows. */
export function rootKey({ profile: { root } }: Request): string {
  if (root.type === "directory") return "root.path";
  return root.type === "image" ? "root.image" : "root.type";
}

/** The entry at a path of the root's top level. */
export function findEntry(request: Request, path: string): RootEntry | undefined {
  const { root } = request.host;
  return root.kind === "entries" ? root.entries.find(({ name }) => path === `/${name}`) : undefined;
}

/** The root and what its directory shows. */
export function compileRoot(request: Request, resolved: Resolved, ids: Ids): Operation[] {
  const { root } = request.profile;
  const origin = originOf(request, rootKey(request));
  checkRoot(request);
  if (!isAssembled(request) && root.writable !== "yes") return compileRootOverlay(request, resolved);
  if (!isAssembled(request)) {
    return [{ op: "root_bind", origin, source: root.path as string, set: ["nosuid", "nodev"] }];
  }
  const options = ["mode=0755", ...ownerOptions(ids)];
  const entries = request.host.root.kind === "entries" ? request.host.root.entries : [];
  return [
    { op: "root_tmpfs", origin, options },
    ...entries.flatMap((entry) =>
      entry.name === "etc" && resolved.etc !== undefined
        ? compileOwnEtc(request, resolved, resolved.etc, origin)
        : compileEntry(request, resolved, "/", entry, origin),
    ),
  ];
}

/** A directory of the root's own tmpfs, which sealRoot closes, with a bind for each entry of the root's /etc. */
function compileOwnEtc(
  request: Request,
  resolved: Resolved,
  entries: readonly RootEntry[],
  origin: string,
): Operation[] {
  const mounts = entries.flatMap((entry) => compileEntry(request, resolved, "/etc", entry, origin));
  return [
    { op: "directory", origin, target: "/etc", mode: 0o755 },
    // Locks and drafts come and go there: what is gone since it was listed need not be shown.
    ...mounts.map((mount) =>
      mount.op === "bind" ? { ...mount, flags: [...mount.flags, "optional" as const] } : mount,
    ),
  ];
}

/** At the very end an assembled root takes nothing more: what is made at its top level would be in no layer. Nor does an
 * image that is not to be written to: until then a layer that is thrown away takes its mount points. */
export function sealRoot(request: Request): Operation[] {
  const { type, writable } = request.profile.root;
  if (!isAssembled(request) && !(type === "image" && writable === "no")) return [];
  const origin = originOf(request, "root.writable");
  return [{ op: "attributes", origin, target: "/", flags: [], set: ["ro"] }];
}

/** Mount points that a writable root directory may lack, with the directories on the way to them; the executor passes
 * over what is there, and takes away what it had to make. */
export function compileMountPoints(request: Request, resolved: Resolved): Operation[] {
  const { path: root, writable } = request.profile.root;
  if (writable !== "yes" || root === undefined) return [];
  const points = new Map<string, Operation>();
  for (const intent of resolved.intents) {
    const kind = findPointKind(request, resolved, intent.content);
    if (kind === undefined || findParentCover(resolved.view, intent.path) !== undefined) continue;
    const origin = partOf("mount point", intent.origin);
    const add = (target: string, of: "directory" | "file") => {
      if (!points.has(target)) points.set(target, { op: "mount_point", origin, root, target, kind: of });
    };
    for (const target of listAncestors(intent.path)) add(target, "directory");
    add(intent.path, kind);
  }
  return [...points.keys()].sort(comparePaths).map((target) => points.get(target) as Operation);
}

function findPointKind(
  request: Request,
  { view }: Resolved,
  content: Content,
): "directory" | "file" | undefined {
  switch (content.kind) {
    // What does not exist need not be hidden, and a link is no mount.
    case "none":
    case "hide":
    case "protect":
    case "symlink":
      return undefined;
    case "file":
    case "generated":
      return "file";
    case "bind": {
      const kind = request.host.kinds[followHostLinks(view, content.source)];
      return kind === undefined || kind === "directory" || kind === "absent" ? "directory" : "file";
    }
    default:
      return "directory";
  }
}

function compileEntry(
  request: Request,
  { view, slave }: Resolved,
  directory: string,
  entry: RootEntry,
  origin: string,
): Operation[] {
  const target = joinPath(directory, entry.name);
  const isKernels = directory === "/" && kernelDirectories.has(entry.name);
  if (isKernels || isReplaced(view.places.get(target), entry)) return [];
  if (entry.kind === "symlink") return [{ op: "symlink", origin, target, text: entry.target ?? "" }];
  if (entry.kind === "other") return [];
  if (isOverlaid(request, target)) return [compileOverlaidEntry(request, target)];
  return [
    {
      op: "bind",
      origin,
      // Without links on the way: who may write in the root's directory could lead them elsewhere meanwhile.
      source: joinPath(followHostLinks(view, view.root ?? "/"), target),
      target,
      flags: ["recursive", "nofollow", entry.kind],
      set: ["ro", "nosuid", "nodev"],
      propagation: slave ? "private" : "none",
    },
  ];
}

/** An intent that surely puts something at the entry's place saves its bind. */
function isReplaced(intent: Intent | undefined, entry: RootEntry): boolean {
  if (intent === undefined) return false;
  const { content } = intent;
  if (content.kind === "file") return !content.optional || "text" in content.from;
  if (content.kind === "bind") return !content.optional;
  // An empty directory is put there at the top level only (compileHide).
  return content.kind !== "hide" || (entry.kind === "directory" && depthOf(intent.path) === 1);
}

function checkRoot(request: Request): void {
  const { root } = request.host;
  const { type, path } = request.profile.root;
  if (type === "empty" || type === "image" || root.kind === "entries") return;
  const why = root.kind === "absent" ? "does not exist" : `can't be listed (${root.code})`;
  throw new TsjailError("profile_unreadable", `The root directory ${path ?? "/"} ${why}.`, {
    origin: request.loaded.origin(type === "directory" ? "root.path" : "root.type"),
    hint: "root.path must be a directory that you can read, with a whole system in it: bin, etc, usr, …",
  });
}
