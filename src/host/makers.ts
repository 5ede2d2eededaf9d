// Who lays layers over one another: the kernel's overlayfs, or the program fuse-overlayfs. In: what a profile asks for
// (needs.ts), and this machine. Out: one of the two for each overlay, with the reason; read.ts puts it into the Host.
// Only what speaks for fuse-overlayfs becomes a fact of a kept plan: where the kernel does it and can't any more, the
// start fails; where fuse-overlayfs does it, what it must not get to depends on every mount.
import { isBelow, isWithin } from "../compile/path.ts";
import {
  lookAtDevice,
  lookAtExecutable,
  lookAtMountTable,
  lookAtVariable,
  type MountPoint,
  noteMounts,
} from "../facts/look.ts";
import type { Profile } from "../profile/schema.ts";

export type MakerName = "kernel" | "fuse";

export interface LayerWish {
  /** Its target as the profile writes it; "/" for the root. */
  readonly at: string;
  readonly asked: "auto" | MakerName;
  readonly lower: readonly string[];
  /** The directory that is written to, where it is kept; undefined for one that is thrown away. */
  readonly upper: string | undefined;
  /** Files of ids that aren't mapped are to be changed: over the host's tree, with root emulated. */
  readonly changesAll: boolean;
  /** What fuse-overlayfs can't do of it, as the rest of a sentence; undefined where it can. */
  readonly unfit: string | undefined;
}

export interface LayerMaker {
  readonly by: MakerName;
  /** "root.overlay says so"; empty where nothing speaks against the kernel. */
  readonly why: string;
}

/** What fuse-overlayfs needs, where it is used. */
export interface LayerServer {
  /** The program; undefined where it isn't installed. */
  readonly program: string | undefined;
  /** Where it was looked for. */
  readonly places: readonly string[];
  /** Where it must see nothing: what is mounted there tells of its own processes and of the host's. */
  readonly kernelMounts: readonly string[];
}

export interface LayerFacts {
  readonly makers: Readonly<Record<string, LayerMaker>>;
  readonly server?: LayerServer;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Root's, and no jail's: what lies there runs as the user, outside of every jail. */
const directories = ["/usr/bin", "/usr/local/bin", "/bin", "/run/current-system/sw/bin"];
const programName = "fuse-overlayfs";

/** The overlays of a profile. */
export function listLayerWishes(profile: Profile): LayerWish[] {
  const { root, user } = profile;
  const mapped = user.map.length > 0 ? "user.map maps ids, all of which it would make one" : undefined;
  const wishes: LayerWish[] = profile.mount.flatMap((mount) =>
    mount.type !== "overlay"
      ? []
      : {
          at: mount.target,
          asked: mount.overlay,
          lower: mount.lower,
          upper: mount.upper,
          changesAll: false,
          unfit: mapped,
        },
  );
  // An image that isn't written to has a layer over it, too: for mount points.
  if (root.type !== "image" && root.writable !== "ephemeral" && root.writable !== "persistent") return wishes;
  const busy =
    root.writable === "persistent" && root.busy === "ephemeral"
      ? 'root.busy is "ephemeral", and it can\'t look into a layer that another writes to'
      : undefined;
  return [
    {
      at: "/",
      asked: root.overlay,
      // Nothing is mounted in an image's.
      lower: root.type === "directory" ? [root.path ?? "/"] : [],
      // The layer's own directory; read.ts knows where it is.
      upper: undefined,
      changesAll: root.type === "host" && user.emulate === true,
      unfit: mapped ?? busy,
    },
    ...wishes,
  ];
}

export interface MakerSurroundings {
  readonly environment: Environment;
  /** "6.1.0-28-amd64" */
  readonly kernel: string;
  /** The directory of the layer that is kept. */
  readonly layer?: string | undefined;
  /** Where layers lie on disk that are thrown away. */
  readonly scratch?: string | undefined;
  /** Who has made it; undefined where it is new. */
  readonly madeBy?: MakerName | undefined;
  /** Links followed. */
  readonly resolve: (path: string) => string;
}

/** Chooses for each, and looks for what the choice needs. */
export function readMakers(wishes: readonly LayerWish[], around: MakerSurroundings): LayerFacts {
  if (wishes.length === 0 || wishes.every(({ asked }) => asked === "kernel")) return { makers: {} };
  const table = lookAtMountTable();
  const wanted = wishes.map((wish) => ({ wish, why: findReason(wish, table.points, around) }));
  if (wanted.every(({ why }) => why === undefined)) return { makers: {} };
  const places = listPlaces(around.environment);
  const program = places.find((path) => path.startsWith("/") && lookAtExecutable(path));
  const isReady = program !== undefined && lookAtDevice("/dev/fuse");
  const makers = wanted.flatMap(({ wish, why }): [string, LayerMaker][] => {
    if (why === undefined) return [];
    if (wish.asked === "fuse" || isReady || isMadeByFuse(wish, around))
      return [[wish.at, { by: "fuse", why }]];
    return [[wish.at, { by: "kernel", why: `${programName} would be of use (${why}), and isn't ready` }]];
  });
  if (!makers.some(([, { by }]) => by === "fuse")) return { makers: Object.fromEntries(makers) };
  noteMounts(table.text);
  const kernelMounts = table.points.filter(({ type }) => kernelTypes.has(type)).map(({ path }) => path);
  return { makers: Object.fromEntries(makers), server: { program, places, kernelMounts } };
}

const isMadeByFuse = ({ at, asked }: LayerWish, { madeBy }: MakerSurroundings): boolean =>
  at === "/" && asked === "auto" && madeBy === "fuse";

/** The program and its device, for whoever only wants to know. */
export function findLayerServer(environment: Environment): { program: string | undefined; isReady: boolean } {
  const program = listPlaces(environment).find((path) => path.startsWith("/") && lookAtExecutable(path));
  return { program, isReady: program !== undefined && lookAtDevice("/dev/fuse") };
}

/** Why fuse-overlayfs is wanted; undefined where the kernel does it. */
export function findReason(
  wish: LayerWish,
  mounts: readonly MountPoint[],
  around: Omit<MakerSurroundings, "environment">,
): string | undefined {
  const { asked, at, lower, changesAll, unfit } = wish;
  const key = at === "/" ? "root.overlay" : "its key overlay";
  if (asked !== "auto") return asked === "fuse" ? `${key} says so` : undefined;
  if (unfit !== undefined) return undefined;
  // What is in a layer is read as its maker wrote it.
  if (at === "/" && around.madeBy !== undefined)
    return around.madeBy === "fuse" ? "it has made this layer" : undefined;
  if (isOlder(around.kernel, 5, 11)) return `Linux ${around.kernel} lets no ordinary user mount overlayfs`;
  for (const directory of lower.map(around.resolve)) {
    const below = mounts.find(({ path }) => isBelow(path, directory));
    if (below !== undefined) return `${below.path} is mounted in ${directory}, which overlayfs doesn't take`;
  }
  const upper = (at === "/" ? around.layer : wish.upper) ?? around.scratch;
  const type = upper === undefined ? undefined : findType(mounts, around.resolve(upper));
  if (type !== undefined && refusedTypes.test(type))
    return `${upper} is on a file system of type ${type}, on which overlayfs keeps no layer`;
  return changesAll ? "user.emulate wants what is root's on the host to be changed" : undefined;
}

function isOlder(release: string, major: number, minor: number): boolean {
  const [, first, second] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  if (first === undefined) return false;
  return Number(first) < major || (Number(first) === major && Number(second) < minor);
}

/** The last one of the nearest mount point: what is mounted over another hides it. */
function findType(mounts: readonly MountPoint[], path: string): string | undefined {
  const around = mounts.filter((mount) => isWithin(path, mount.path));
  const longest = Math.max(...around.map((mount) => mount.path.length));
  return around.findLast((mount) => mount.path.length === longest)?.type;
}

/** Whose directories change behind the kernel's back, or that can't have its whiteouts or attributes. */
const refusedTypes =
  /^(?:nfs4?|cifs|smb3|9p|afs|ceph|coda|lustre|fuse|fuseblk|fuse\..*|overlay|vfat|msdos|exfat|ecryptfs|hfs|hfsplus)$/;

/** File systems of which a process sees what it may see itself, whoever asks it. */
const kernelTypes: ReadonlySet<string> = new Set([
  ...[
    "proc",
    "sysfs",
    "devtmpfs",
    "devpts",
    "mqueue",
    "cgroup",
    "cgroup2",
    "cpuset",
    "securityfs",
    "debugfs",
  ],
  ...["tracefs", "bpf", "pstore", "configfs", "efivarfs", "selinuxfs", "smackfs", "fusectl", "binfmt_misc"],
  ...["nsfs", "rpc_pipefs", "autofs", "resctrl", "nfsd", "functionfs", "gadgetfs"],
]);

/** TSJAIL_FUSE_OVERLAYFS names another one. */
function listPlaces(environment: Environment): string[] {
  const chosen = lookAtVariable(environment, "TSJAIL_FUSE_OVERLAYFS") ?? "";
  return chosen === "" ? directories.map((directory) => `${directory}/${programName}`) : [chosen];
}
