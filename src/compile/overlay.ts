// In: [root] with a layer over it, and mounts of type "overlay". Out: their operations, and what these need: the lock of
// a kept layer, and room for those that are thrown away. The host's "/" can't be a layer as a whole: the kernel locks
// what is mounted below it (/proc, at least) together in a user namespace, and overlayfs refuses such a tree (EINVAL).
// So each directory of its top level gets layers of its own. root.ts and mounts.ts ask here.
import { formatOrigin, TsjailError } from "../error.ts";
import type { LayerMaker } from "../host/makers.ts";
import type { Operation } from "../plan/operations.ts";
import { type Ids, ownerOptions } from "./ids.ts";
import type { Intent, OverlayContent } from "./intent.ts";
import type { Resolved } from "./intents.ts";
import { isBelow, joinPath } from "./path.ts";
import { originOf, type Request } from "./request.ts";
import { followHostLinks, kernelDirectories } from "./view.ts";

/** Of the host's alone: nothing is installed there, and much is mounted. */
const plainDirectories: ReadonlySet<string> = new Set(["boot", "lost+found", "media", "mnt", "run"]);

/** Whether a path of the jail lies in a directory of the host's top level with a layer over it. */
export function isOverlaid(request: Request, path: string): boolean {
  const { profile, host } = request;
  const { type, writable } = profile.root;
  if (isServedWhole(request)) return false;
  if (type !== "host" || writable === "no" || writable === "yes") return false;
  const [, name = ""] = path.split("/");
  if (kernelDirectories.has(name) || plainDirectories.has(name)) return false;
  const { root } = host;
  const isDirectory =
    root.kind === "entries" &&
    root.entries.some((entry) => entry.name === name && entry.kind === "directory");
  return isDirectory && !host.mounts.some((mount) => isBelow(mount, `/${name}`));
}

/** Whether the root is one overlay, the host's too: fuse-overlayfs takes trees in which something is mounted. */
export function isServedWhole(request: Request): boolean {
  return request.profile.root.type !== "empty" && findMaker(request, "/").by === "fuse";
}

/** The whole root, where it is a directory or an image, or fuse-overlayfs's. */
export function compileRootOverlay(request: Request, { view }: Resolved): Operation[] {
  const { image } = request.host;
  return [
    {
      op: "root_overlay",
      origin: sayMaker(
        findMaker(request, "/"),
        originOf(request, image === undefined ? "root.writable" : "root.image"),
      ),
      lower: image?.layers ?? [followHostLinks(view, view.root ?? "/")],
      ...findUpper(request, ""),
      set: ["nosuid", "nodev"],
      by: findMaker(request, "/").by,
    },
  ];
}

/** A directory of the host's top level. */
export function compileOverlaidEntry(request: Request, target: string): Operation {
  const origin = originOf(request, "root.writable");
  return {
    op: "overlay",
    origin,
    lower: [target],
    ...findUpper(request, target),
    target,
    set: ["nosuid", "nodev"],
    by: "kernel",
  };
}

/** A mount of the profile's own. The executor follows no link to what is written to: those of today are followed here. */
export function compileOverlay(
  request: Request,
  { view }: Resolved,
  intent: Intent,
  { lower, upper, work, attributes }: OverlayContent,
): Operation {
  const maker = findMaker(request, intent.written);
  const origin = sayMaker(maker, formatOrigin(intent.origin));
  const follow = (path: string) => (path === "" ? "" : followHostLinks(view, path));
  return {
    op: "overlay",
    origin,
    lower,
    upper: follow(upper),
    work: follow(work),
    target: intent.path,
    set: attributes,
    by: maker.by,
  };
}

/** What is held on the host: nobody else writes to the layer meanwhile. */
export function compileLayer(request: Request): Operation[] {
  const directory = findLayer(request);
  if (directory === undefined) return [];
  const { busy } = request.profile.root;
  return [{ op: "layer", origin: originOf(request, "root.name"), lock: joinPath(directory, "/lock"), busy }];
}

/** The layers that are thrown away, or may have to be. */
function listThrownAway({ profile: { root } }: Request, tree: readonly Operation[]) {
  return tree.filter(
    (each) =>
      (each.op === "overlay" || each.op === "root_overlay") && (each.upper === "" || root.busy !== "error"),
  ) as Extract<Operation, { op: "overlay" | "root_overlay" }>[];
}

/** On the host, where such layers lie on disk.
 * @throws TsjailError `variable_unset` where there is no home to have them in */
export function compileScratchDirectory(request: Request, tree: readonly Operation[]): Operation[] {
  const { profile, host, loaded } = request;
  if (profile.root.scratch !== "disk" || listThrownAway(request, tree).length === 0) return [];
  if (host.scratch !== undefined)
    return [{ op: "scratch_directory", origin: originOf(request, "root.scratch"), parent: host.scratch }];
  throw new TsjailError(
    "variable_unset",
    "A layer can't lie on disk: neither XDG_DATA_HOME nor HOME is an absolute path.",
    { origin: loaded.origin("root.scratch"), hint: "Set HOME to an absolute path." },
  );
}

/** Their place in the jail, where the kernel lays them. */
export function compileScratch(request: Request, tree: readonly Operation[], ids: Ids): Operation[] {
  const { size } = request.profile.root;
  if (listThrownAway(request, tree).every(({ by }) => by !== "kernel")) return [];
  const options = size === undefined ? [] : [...sizeOptions(size), ...ownerOptions(ids)];
  return [
    {
      op: "scratch",
      origin: originOf(request, size === undefined ? "root.writable" : "root.size"),
      options,
    },
  ];
}

const sizeOptions = (size: number) => ["mode=0700", `size=${size}`];

const findMaker = ({ host }: Request, written: string): LayerMaker =>
  host.makers[written] ?? { by: "kernel", why: "" };

const sayMaker = ({ by, why }: LayerMaker, origin: string): string =>
  by === "kernel" ? origin : `fuse-overlayfs, since ${why}: ${origin}`;

function findUpper(request: Request, place: string): { upper: string; work: string } {
  const directory = findLayer(request);
  if (directory === undefined) return { upper: "", work: "" };
  return { upper: `${directory}/upper${place}`, work: `${directory}/work${place}` };
}

/** The directory of the layer that the profile names; undefined where none is kept. */
function findLayer({ profile, host, loaded }: Request): string | undefined {
  const { writable, name } = profile.root;
  if (writable !== "persistent" || name === undefined) return undefined;
  if (host.layers !== undefined) return joinPath(host.layers, `/${name}`);
  throw new TsjailError("variable_unset", "A layer can't be kept: neither XDG_DATA_HOME nor HOME is set.", {
    origin: loaded.origin("root.writable"),
    hint: "Set HOME to an absolute path.",
  });
}
