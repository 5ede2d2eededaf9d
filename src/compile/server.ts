// In: overlays that fuse-overlayfs lays (host/makers.ts). Out: the operation that says how it is started, or why it can't
// be. It runs beside the jail with the user's own rights, and follows names that it was told: so nothing in the jail
// may change what lies below its layers but through it. index.ts asks here.
import { formatOrigin, TsjailError } from "../error.ts";
import { listLayerWishes } from "../host/makers.ts";
import type { Operation } from "../plan/operations.ts";
import type { KeyOrigin } from "../profile/load.ts";
import type { Ids } from "./ids.ts";
import type { Intent, OverlayContent } from "./intent.ts";
import type { Resolved } from "./intents.ts";
import { isServedWhole } from "./overlay.ts";
import { comparePaths, isBelow, isWithin, moveBelow } from "./path.ts";
import type { Request } from "./request.ts";
import { findCover, findParentCover, followHostLinks, kernelDirectories } from "./view.ts";

/** One mount of fuse-overlayfs's. */
interface Served {
  readonly at: string;
  readonly lower: readonly string[];
  /** What it writes to and is kept. */
  readonly written: readonly string[];
  readonly origin: KeyOrigin;
  readonly intent?: Intent<OverlayContent>;
}

export function compileLayerServer(request: Request, resolved: Resolved, ids: Ids): Operation[] {
  const served = listServed(request, resolved);
  const [first] = served;
  const server = request.host.layerServer;
  if (first === undefined || server === undefined) return [];
  refuseUnfit(request);
  if (server.program === undefined) throw missing(first.origin, server.places);
  for (const each of served) checkReach(request, resolved, each);
  const { size } = request.profile.root;
  return [
    {
      op: "layer_server",
      origin: formatOrigin(first.origin),
      program: server.program,
      // The jail has one id, and to it everything belongs. Without static_nlink a directory is listed whenever it is
      // looked up, and all that comes and goes there is remembered by numbers that the host uses again.
      options: [`squash_to_uid=${ids.uid}`, `squash_to_gid=${ids.gid}`, "static_nlink"],
      scratch: ["mode=0700", ...(size === undefined ? [] : [`size=${size}`])],
      cover: listCovered(request, [
        ...server.kernelMounts,
        ...served.flatMap((each) => listHidden(resolved, each)),
      ]),
    },
  ];
}

function listServed(request: Request, { view, intents }: Resolved): Served[] {
  const { host, loaded, profile } = request;
  const follow = (path: string) => followHostLinks(view, path);
  const mounts = intents.flatMap((intent): Served[] => {
    const { content } = intent;
    if (content.kind !== "overlay" || host.makers[intent.written]?.by !== "fuse") return [];
    const written = [content.upper, content.work].filter((path) => path !== "").map(follow);
    const { path: at, origin } = intent;
    return [{ at, lower: content.lower.map(follow), written, origin, intent: { ...intent, content } }];
  });
  if (!isServedWhole(request)) return mounts;
  const lower = host.image?.layers ?? [follow(profile.root.path ?? "/")];
  return [{ at: "/", lower, written: [], origin: loaded.origin("root.writable") }, ...mounts];
}

/** What the profile asks of fuse-overlayfs by name. */
function refuseUnfit({ profile, host, loaded }: Request): void {
  for (const { at, asked, unfit } of listLayerWishes(profile)) {
    if (asked !== "fuse" || unfit === undefined || host.makers[at]?.by !== "fuse") continue;
    throw new TsjailError("profile_conflict", `fuse-overlayfs can't lay the layers at ${at}: ${unfit}.`, {
      origin: loaded.origin(at === "/" ? "root.overlay" : "mount"),
      hint: 'Let the kernel do it: overlay = "kernel". Or take the other key away.',
    });
  }
}

const missing = (origin: KeyOrigin, places: readonly string[]): TsjailError =>
  new TsjailError("host_unsupported", "fuse-overlayfs is not installed, and is to lay the layers.", {
    origin,
    detail: `It was looked for as ${places.join(", ")}.`,
    hint: 'Install it: sudo apt-get install fuse-overlayfs   # or: sudo dnf install fuse-overlayfs\nOr let the kernel do it, as far as it can: overlay = "kernel"',
  });

/** Debian's files that only root opens, and in which nothing is that the jail would miss. A file that the user can't read
 * can't be copied up, nor removed; empty ones in their place can, and so dpkg, apt and useradd have their locks. */
const rootsEmpty = [
  ...["/etc/.pwd.lock", "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-"],
  ...["/var/lib/dpkg/lock", "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/triggers/Lock"],
  ...["/var/lib/apt/lists/lock", "/var/lib/apt/lists/partial", "/var/lib/apt/daily_lock"],
  ...["/var/cache/apt/archives/lock", "/var/cache/apt/archives/partial", "/var/cache/debconf/passwords.dat"],
  ...["/var/log/apt/term.log"],
];

/** Where the server sees nothing: what tells of processes, its own among them, and what is tsjail's own. */
function listCovered({ host }: Request, others: readonly string[]): string[] {
  const own = host.own.filter(({ access }) => access === "none").map(({ path }) => path);
  const closed = host.uid === 0 ? [] : rootsEmpty;
  const all = [...[...kernelDirectories].map((name) => `/${name}`), ...others, ...own, ...closed];
  const paths = [...new Set(all)].filter((path) => path !== "/").sort(comparePaths);
  return paths.filter((path) => !paths.some((other) => isBelow(path, other)));
}

/** What the jail has something of its own over: what it can't see the server need not see either. */
function listHidden({ view, intents }: Resolved, { at, lower, intent }: Served): string[] {
  const isOver = ({ path, content }: Intent) =>
    (content.kind === "hide" || content.kind === "tmpfs") &&
    isBelow(path, at) &&
    findParentCover(view, path)?.path === intent?.path;
  return intents.filter(isOver).flatMap(({ path }) => lower.map((each) => moveBelow(path, at, each)));
}

/** What the jail may write to on the host, and could put a link into that the server would follow anywhere. */
function listWritable({ profile }: Request, { view, intents }: Resolved): [string, Intent | undefined][] {
  const root: [string, undefined][] =
    profile.root.writable === "yes" ? [[followHostLinks(view, profile.root.path ?? "/"), undefined]] : [];
  const mounts = intents.flatMap((intent): [string, Intent][] => {
    const { content } = intent;
    if (content.kind === "bind" && !content.attributes.includes("ro"))
      return [[followHostLinks(view, content.source), intent]];
    if (content.kind !== "overlay") return [];
    return [content.upper, content.work]
      .filter((path) => path !== "")
      .map((path) => [followHostLinks(view, path), intent]);
  });
  return [...root, ...mounts];
}

/** @throws TsjailError `profile_conflict` where what the jail writes on the host is seen through the server as well */
function checkReach(request: Request, resolved: Resolved, served: Served): void {
  for (const [source, intent] of listWritable(request, resolved)) {
    if (intent?.path === served.intent?.path && served.intent !== undefined) continue;
    const touches = (path: string) => isWithin(path, source) || isWithin(source, path);
    const isReached =
      served.written.some(touches) || served.lower.some((lower) => isSeen(resolved, served, lower, source));
    if (!isReached) continue;
    throw new TsjailError(
      "profile_conflict",
      `The jail may write to ${source}, which fuse-overlayfs shows at ${served.at} as well.`,
      {
        origin: intent?.origin ?? served.origin,
        detail: "It follows paths on the host: a link that is put there meanwhile could lead it anywhere.",
        hint: 'Show it at its own path, or read-only; or let the kernel lay the layers: overlay = "kernel"',
      },
    );
  }
}

/** Where something of the jail's own lies over it, nobody gets to it by way of the server. */
function isSeen({ view }: Resolved, { at, intent }: Served, lower: string, source: string): boolean {
  if (isWithin(lower, source)) return true;
  if (!isWithin(source, lower)) return false;
  const cover = findCover(view, moveBelow(source, lower, at));
  return cover === undefined || cover.path === intent?.path;
}
