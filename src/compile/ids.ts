// In: [user] and who the caller is. Out: the id maps of the new user namespace (user_namespaces(7)), and the switch to
// the ids of the command where a range is mapped.
import { formatOrigin, TsjailError } from "../error.ts";
import { decodeText } from "../host/host.ts";
import { findAccount, findByName } from "../host/identity.ts";
import { escapeControls } from "../plan/escape.ts";
import type { Operation } from "../plan/operations.ts";
import { quoteShort } from "../profile/quote.ts";
import { isSaid, originOf, type Request } from "./request.ts";

export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export type IdKind = "uid" | "gid";

export interface Ids {
  readonly uid: number;
  readonly gid: number;
  readonly ranges: Readonly<Record<IdKind, readonly IdRange[]>>;
  /** The profile maps ranges: init has to switch to the ids of the command. */
  readonly switched: boolean;
}

/** Who the command is inside, and which ids exist there. */
export function findIds(request: Request): Ids {
  const { map } = request.profile.user;
  const ranges = { uid: findRanges(request, "uid"), gid: findRanges(request, "gid") };
  return {
    uid: findId(request, "uid", ranges.uid),
    gid: findId(request, "gid", ranges.gid),
    ranges,
    switched: map.length > 0 && request.host.privileged,
  };
}

export function isMapped(ranges: readonly IdRange[], inside: number): boolean {
  return ranges.some((range) => inside >= range.inside && inside < range.inside + range.count);
}

/** Whether a user of the jail is the host's root: then file modes alone protect nothing of the kernel's. */
export function mapsHostRoot(ids: Ids): boolean {
  return ids.ranges.uid.some(({ outside }) => outside === 0);
}

/** Options that give a tmpfs to the command's user; its maker does that unless a range is mapped (tmpfs(5)). */
export function ownerOptions(ids: Ids): string[] {
  return ids.switched ? [`uid=${ids.uid}`, `gid=${ids.gid}`] : [];
}

/** The `map` phase. */
export function compileMaps(request: Request, ids: Ids): Operation[] {
  const origin = originOf(request, request.profile.user.map.length > 0 ? "user.map" : "user");
  return [
    { op: "setgroups", origin, policy: ids.switched ? "allow" : "deny" },
    { op: "uid_map", origin, map: formatMap(ids.ranges.uid) },
    { op: "gid_map", origin, map: formatMap(ids.ranges.gid) },
  ];
}

/** Init's switch to the command's ids. Groups that the caller had are not the jail's. */
export function compileSwitch(request: Request, ids: Ids): Operation[] {
  if (!ids.switched) return [];
  return [{ op: "ids", origin: originOf(request, "user"), uid: ids.uid, gid: ids.gid, groups: "clear" }];
}

const formatMap = (ranges: readonly IdRange[]) =>
  ranges.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join("");

function findRanges(request: Request, kind: IdKind): IdRange[] {
  const own = request.host[kind];
  const entries = request.profile.user.map.flatMap((entry, index) =>
    entry.kind === "both" || entry.kind === kind ? [{ ...entry, key: `user.map[${index}]` }] : [],
  );
  if (entries.length === 0) return [{ inside: nameId(request, kind), outside: own, count: 1 }];
  const ownOnly = entries.length === 1 && entries[0]?.outside === own && entries[0].count === 1;
  if (!ownOnly && !request.host.privileged) refuseRange(request, kind);
  for (const [index, entry] of entries.entries()) {
    const overlap = entries.slice(0, index).find((earlier) => overlaps(entry, earlier));
    if (overlap !== undefined) refuseOverlap(request, kind, [overlap.key, entry.key]);
  }
  return entries.map(({ inside, outside, count }) => ({ inside, outside, count }));
}

function overlaps(a: IdRange, b: IdRange): boolean {
  const meets = (side: "inside" | "outside") => a[side] < b[side] + b.count && b[side] < a[side] + a.count;
  return meets("inside") || meets("outside");
}

function nameId(request: Request, kind: IdKind): number {
  if (request.host.image !== undefined && !isSaid(request, `user.${kind}`)) return nameImageId(request, kind);
  const wanted = request.profile.user[kind];
  if (wanted === "keep") return request.host[kind];
  return wanted === "root" ? 0 : wanted;
}

/** What the image's configuration says, by its own user database; root where it says nothing. */
function nameImageId(request: Request, kind: IdKind): number {
  const [user = "", group = ""] = (request.host.image?.user ?? "").split(":");
  const passwd = decodeText(request.host.rootFiles["/etc/passwd"]);
  if (kind === "gid" && group !== "") {
    return readImageId(request, group, decodeText(request.host.rootFiles["/etc/group"]));
  }
  const isOther = kind === "gid" && isSaid(request, "user.uid");
  const uid = isOther ? nameId(request, "uid") : user === "" ? 0 : readImageId(request, user, passwd);
  return kind === "uid" ? uid : (findAccount(passwd, uid)?.gid ?? 0);
}

function readImageId(request: Request, word: string, database: string | undefined): number {
  const id = /^\d+$/.test(word) ? Number(word) : findByName(database, word);
  if (id !== undefined && id < 4294967295) return id;
  throw new TsjailError(
    "profile_conflict",
    `The image's own user is ${quoteShort(word)}, of which its user database says nothing.`,
    {
      origin: request.loaded.origin("root.image"),
      hint: 'Say who the command is: user.uid = "root", "keep" or a number.',
    },
  );
}

function findId(request: Request, kind: IdKind, ranges: readonly IdRange[]): number {
  const id = nameId(request, kind);
  if (isMapped(ranges, id)) return id;
  throw new TsjailError("profile_conflict", `user.${kind} is ${id} inside, and user.map has no such id.`, {
    detail: [`user.${kind}`, "user.map"]
      .map((key) => escapeControls(formatOrigin(request.loaded.origin(key))))
      .join("\n"),
    hint: `Set user.${kind} to an id that user.map maps (inside), or add it to the map.`,
  });
}

function refuseRange(request: Request, kind: IdKind): never {
  const capability = kind === "uid" ? "CAP_SETUID" : "CAP_SETGID";
  throw new TsjailError("host_unsupported", `Only a privileged caller can map ${kind}s other than its own.`, {
    origin: request.loaded.origin("user.map"),
    detail: `user_namespaces(7): a range needs ${capability} in the parent user namespace, and this process does not have it.`,
    hint: `Take user.map away: user.${kind} = "root", "keep" or any number maps your own ${kind} to that one.\nOr start tsjail as root.`,
  });
}

function refuseOverlap(request: Request, kind: IdKind, keys: readonly string[]): never {
  throw new TsjailError("profile_conflict", `Two ranges of user.map map the same ${kind}.`, {
    detail: keys.map((key) => escapeControls(formatOrigin(request.loaded.origin(key)))).join("\n"),
    hint: "Every id, inside and outside, may be in one range only.",
  });
}
