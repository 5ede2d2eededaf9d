// What the mounts of a jail let its command do, as Landlock is told it. In: the operations that build the tree, in their
// order. Out: the rights to each place that has more than those above it: rights only ever grow along a path
// (landlock(7)), so what is read-only below something writable is guarded by its mount alone. Next: landlock.ts.
import { type FileRight, readRights, writeRights } from "../plan/landlock.ts";
import type { mountAttributes, Operation } from "../plan/operations.ts";
import { comparePaths, isBelow, isWithin, parentOf } from "./path.ts";

/** What is mounted somewhere. */
interface Place {
  readonly path: string;
  readonly origin: string;
  readonly rights: ReadonlySet<FileRight>;
}

export interface PathRule {
  readonly path: string;
  readonly origin: string;
  readonly rights: readonly FileRight[];
}

type Attributes = readonly (keyof typeof mountAttributes)[];

/** Lists the rules, shallow before deep. */
export function listRules(tree: readonly Operation[]): PathRule[] {
  const places = listPlaces(tree);
  const root = places.get("/");
  // A rule for each place that can be executed from keeps what is written from being executed. One will do where there
  // is nothing to write to but /proc and /dev, whose mounts are noexec, or where noexec keeps nobody from anything.
  const written = [...places.values()].filter((place) => isWritable(place) && !isKernels(place));
  const isGuarded = written.length > 0 && written.every((place) => !place.rights.has("execute"));
  if (root !== undefined && !isGuarded)
    places.set("/", { ...root, rights: new Set([...root.rights, "execute"]) });
  const given = new Map<string, ReadonlySet<FileRight>>();
  const rules: PathRule[] = [];
  for (const path of [...places.keys()].sort(comparePaths)) {
    const above = findGiven(given, path);
    const { origin, rights } = places.get(path) as Place;
    if ([...rights].every((right) => above.has(right))) continue;
    given.set(path, new Set([...above, ...rights]));
    rules.push({ path, origin, rights: [...rights] });
  }
  return rules;
}

const none: ReadonlySet<FileRight> = new Set();

function findGiven(given: ReadonlyMap<string, ReadonlySet<FileRight>>, path: string): ReadonlySet<FileRight> {
  for (let place = path; ; place = parentOf(place)) {
    const rights = given.get(place);
    if (rights !== undefined) return rights;
    if (place === "/") return none;
  }
}

function listPlaces(tree: readonly Operation[]): Map<string, Place> {
  const places = new Map<string, Place>();
  const add = (path: string, origin: string, rights: readonly FileRight[]) => {
    // What is optional may be passed over, and then the place is what it was before.
    const before = places.get(path)?.rights ?? none;
    places.set(path, { path, origin, rights: new Set([...before, ...rights]) });
  };
  for (const operation of tree) {
    const { origin } = operation;
    switch (operation.op) {
      case "root_tmpfs":
        add("/", origin, [...readRights, ...writeRights]);
        break;
      case "root_bind":
        add("/", origin, [...readRights, ...listRights(operation.set)]);
        break;
      case "root_overlay":
        add("/", origin, [...readRights, ...listRights(operation.set)]);
        break;
      case "bind":
      case "overlay":
      case "mount":
        add(operation.target, origin, listRights(operation.set));
        break;
      case "device":
        add(operation.target, origin, deviceRights);
        break;
      case "file":
        add(
          operation.target,
          origin,
          listRights((operation.mode & 0o111) === 0 ? ["noexec", ...operation.set] : operation.set),
        );
        break;
      case "attributes":
        if (operation.set.includes("ro")) close(places, operation);
        break;
      default:
    }
  }
  return places;
}

/** They can be written through read-only mounts, too. */
const deviceRights: readonly FileRight[] = ["write_file", "ioctl_dev"];

function listRights(set: Attributes): FileRight[] {
  const rights = new Set<FileRight>();
  if (!set.includes("noexec")) rights.add("execute");
  if (!set.includes("nodev")) for (const right of deviceRights) rights.add(right);
  if (!set.includes("ro")) for (const right of writeRights) rights.add(right);
  return [...rights];
}

/** A mount that is made read-only in the end. One of our own with something writable below is left to its mount: it has
 * nothing but mount points, and one rule for all of it costs less than one for each. */
function close(
  places: Map<string, Place>,
  { target, flags }: Extract<Operation, { op: "attributes" }>,
): void {
  for (const place of places.values()) {
    const { path } = place;
    if (path !== target && !(flags.includes("recursive") && isWithin(path, target))) continue;
    if (path !== "/" && [...places.values()].some((other) => isBelow(other.path, path) && isWritable(other)))
      continue;
    const isDevice = place.rights.has("ioctl_dev");
    const rights = [...place.rights].filter(
      (right) => !writeRights.includes(right) || (isDevice && deviceRights.includes(right)),
    );
    places.set(path, { ...place, rights: new Set(rights) });
  }
}

const isKernels = ({ path }: Place): boolean => isWithin(path, "/dev") || isWithin(path, "/proc");

const isWritable = ({ rights }: Place): boolean => rights.has("make_reg");
