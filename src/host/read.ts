// In: what needs.ts lists, and what cli.ts knows of its own process. Out: the frozen Host. Every read of this machine
// that a plan depends on happens here, once; src/compile comes next.
import { readCapabilities, readLastCapability, readRelease } from "../facts/kernel.ts";
import {
  lookAtLandlock,
  lookAtMounts,
  lookAtVariable,
  noteDirectory,
  noteUnrepeatable,
} from "../facts/look.ts";
import { readEntries, readFile } from "./file.ts";
import {
  decodeText,
  type FileFact,
  type Host,
  type ImageFact,
  type OwnDirectory,
  type RootFact,
} from "./host.ts";
import { readIdentity } from "./identity.ts";
import { LinkFinder } from "./links.ts";
import { type MakerName, readMakers } from "./makers.ts";
import { generatedFiles, type HostNeeds } from "./needs.ts";

export interface ProcessFacts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The process that the caller has started. Default: this one. */
  readonly pid?: number | undefined;
  /** The directory of the kept layers (layer/place.ts). */
  readonly layers?: string | undefined;
  /** The directory of the volumes (volume/place.ts). */
  readonly volumes?: string | undefined;
  /** Where layers lie on disk that are thrown away (layer/place.ts). */
  readonly scratch?: string | undefined;
  /** image/resolve.ts finds it; none unless given. */
  readonly image?: ImageFact | undefined;
  /** The layer that is kept, and who has made it. */
  readonly layer?: { readonly directory: string; readonly madeBy: MakerName | undefined } | undefined;
  /** launch/own.ts finds them; none unless given. */
  readonly own?: readonly OwnDirectory[];
}

const capSetgid = 6n;
const capSetuid = 7n;

/** Reads this machine. Failures of single reads are facts of the result; only a bug throws. */
export function readHost(needs: HostNeeds, facts: ProcessFacts): Host {
  const uid = process.getuid?.() ?? 0;
  if (needs.directory) noteDirectory();
  const read = createReader();
  const passwd = decodeText(read("/etc/passwd"));
  const account = readIdentity(passwd, uid, facts.environment);
  // Before anything in it is looked at: its times then tell of that too (listFacts() of src/facts/facts.ts).
  const isListed = needs.root !== undefined && facts.image === undefined;
  const root: RootFact = isListed ? readEntries(needs.root) : { kind: "absent" };
  const finder = new LinkFinder(facts.image);
  for (const path of needs.paths) {
    // Where a link leads a path of the current directory matters to compile (astray.ts).
    const isMoved = finder.resolve(path) !== path.path && path.root === "/";
    if (isMoved && path.path.startsWith(`${facts.cwd}/`)) noteDirectory();
  }
  const kernel = readRelease();
  const { makers, server } = readMakers(needs.layers, {
    environment: facts.environment,
    kernel,
    layer: facts.layer?.directory,
    scratch: facts.scratch,
    madeBy: facts.layer?.madeBy,
    resolve: (path) => finder.resolve({ root: "/", path }) ?? path,
  });
  return freezeDeep({
    uid,
    gid: process.getgid?.() ?? 0,
    user: account.name,
    home: lookAtVariable(facts.environment, "HOME") || account.home,
    shell: lookAtVariable(facts.environment, "SHELL") || account.shell,
    cwd: facts.cwd,
    privileged: isPrivileged(readCapabilities()),
    kernel,
    architecture: process.arch,
    lastCapability: readLastCapability(),
    landlock: needs.landlock ? lookAtLandlock() : 0,
    ...(needs.sockets ? readSockets(facts) : { listenFds: 0 }),
    own: facts.own ?? [],
    root,
    image: facts.image,
    etc: readEtc(needs, finder),
    mounts: needs.mounts ? lookAtMounts() : [],
    layers: facts.layers,
    volumes: facts.volumes,
    scratch: facts.scratch,
    makers,
    layerServer: server,
    files: Object.fromEntries(needs.files.map((path) => [path, read(path)])),
    rootFiles: readRootFiles(needs, finder, read, facts.image),
    kinds: probeKinds(needs, finder),
    links: finder.links,
  });
}

/** The two capabilities that mapping a range takes (user_namespaces(7)). */
export function isPrivileged(capabilities: bigint): boolean {
  return ((capabilities >> capSetuid) & (capabilities >> capSetgid) & 1n) === 1n;
}

/** Descriptors for that very process; a LISTEN_PID of somebody else's is not for us (sd_listen_fds(3)). */
export function countListenFds(environment: ProcessFacts["environment"], pid: number): number {
  if (environment.LISTEN_PID !== String(pid)) return 0;
  const count = Number(environment.LISTEN_FDS);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

/** Whose turn it is only the pid says, so such a plan is for this start alone. */
function readSockets({
  environment,
  pid = process.pid,
}: ProcessFacts): Pick<Host, "listenFds" | "listenFdNames"> {
  if (lookAtVariable(environment, "LISTEN_PID") === undefined) return { listenFds: 0 };
  noteUnrepeatable("sockets may have been handed over");
  return { listenFds: countListenFds(environment, pid), listenFdNames: environment.LISTEN_FDNAMES };
}

/** Reads each file once: two looks could see two contents. */
function createReader(): typeof readFile {
  const facts = new Map<string, FileFact>();
  return (path, root) => {
    const fact = facts.get(path) ?? readFile(path, root);
    facts.set(path, fact);
    return fact;
  };
}

/** A link in a root directory that somebody else packed must not lead to a file of the host's. */
function readRootFiles(
  { root, rootFiles }: HostNeeds,
  finder: LinkFinder,
  read: typeof readFile,
  image: ImageFact | undefined,
): Record<string, FileFact> {
  if (root === undefined) return {};
  const facts = rootFiles.map((path): [string, FileFact] => {
    const place = finder.resolve({ root, path });
    if (place === undefined) return [path, { kind: "unreadable", code: "ELOOP" }];
    const real = finder.locate(place);
    const layers = image === undefined ? [] : [image.kept ?? root, ...image.layers];
    const layer = layers.find((each) => real?.startsWith(`${each}/`)) ?? root;
    return [path, real === undefined ? { kind: "absent" } : read(real, layer)];
  });
  return Object.fromEntries(facts);
}

/** Only where a file is missing that tsjail generates; never through a link, which could lead out of the root. */
function readEtc({ root, etc }: HostNeeds, finder: LinkFinder): RootFact {
  if (root === undefined || etc === undefined || finder.probe(etc) !== "directory") return { kind: "absent" };
  const isThere = (path: string) => {
    const place = finder.resolve({ root, path });
    return place !== undefined && finder.probe(place) !== "absent";
  };
  return generatedFiles.every(isThere) ? { kind: "absent" } : readEntries(etc);
}

function probeKinds({ kinds }: HostNeeds, finder: LinkFinder): Host["kinds"] {
  const places = kinds.map((path) => finder.resolve(path)).filter((place) => place !== undefined);
  return Object.fromEntries(places.map((place) => [place, finder.probe(place)]));
}

function freezeDeep<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freezeDeep(part);
  }
  return value;
}
