// In: what needs.ts lists, and what cli.ts knows of its own process. Out: the frozen Host. Every read of this machine
// that a plan depends on happens here, once; src/compile comes next.
import { release } from "node:os";
import { readEntries, readFile } from "./file.ts";
import { readFront } from "./front.ts";
import { decodeText, type FileFact, type Host, type RootFact } from "./host.ts";
import { readIdentity } from "./identity.ts";
import { LinkFinder } from "./links.ts";
import { generatedFiles, type HostNeeds } from "./needs.ts";

export interface ProcessFacts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The value of TSJAIL_FRONT, when the executor started Node. */
  readonly front?: string | undefined;
}

const capSetgid = 6n;
const capSetuid = 7n;

/** Reads this machine. Failures of single reads are facts of the result; only a bug throws. */
export function readHost(needs: HostNeeds, facts: ProcessFacts): Host {
  const uid = process.getuid?.() ?? 0;
  const read = createReader();
  const passwd = decodeText(read("/etc/passwd"));
  const account = readIdentity(passwd, uid, facts.environment);
  const finder = new LinkFinder();
  for (const path of needs.paths) finder.resolve(path);
  return freezeDeep({
    uid,
    gid: process.getgid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
    user: account.name,
    home: facts.environment.HOME || account.home,
    shell: facts.environment.SHELL || account.shell,
    cwd: facts.cwd,
    environment: cleanEnvironment(facts.environment),
    privileged: isPrivileged(decodeText(readFile("/proc/self/status")) ?? ""),
    kernel: release(),
    architecture: process.arch,
    ...readFront(facts.front, process.ppid),
    lastCapability: readLastCapability(),
    listenFds: countListenFds(facts.environment, process.pid),
    root: needs.root === undefined ? { kind: "absent" } : readEntries(needs.root),
    etc: readEtc(needs, finder),
    files: Object.fromEntries(needs.files.map((path) => [path, read(path)])),
    rootFiles: readRootFiles(needs, finder, read),
    kinds: probeKinds(needs, finder),
    links: finder.links,
  });
}

/** CapEff of /proc/PID/status has the two capabilities that mapping a range takes (user_namespaces(7)). */
export function isPrivileged(status: string): boolean {
  const match = /^CapEff:\s*([0-9a-f]+)$/m.exec(status);
  const mask = match === null ? 0n : BigInt(`0x${match[1]}`);
  return ((mask >> capSetuid) & (mask >> capSetgid) & 1n) === 1n;
}

/** Descriptors for this very process; a LISTEN_PID of somebody else's is not for us (sd_listen_fds(3)). */
export function countListenFds(environment: ProcessFacts["environment"], pid: number): number {
  if (environment.LISTEN_PID !== String(pid)) return 0;
  const count = Number(environment.LISTEN_FDS);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

function readLastCapability(): number {
  const value = Number.parseInt(decodeText(readFile("/proc/sys/kernel/cap_last_cap")) ?? "", 10);
  // CAP_CHECKPOINT_RESTORE, the last one since Linux 5.9: where /proc/sys can't be read.
  return Number.isNaN(value) ? 40 : value;
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
): Record<string, FileFact> {
  if (root === undefined) return {};
  const facts = rootFiles.map((path): [string, FileFact] => {
    const place = finder.resolve({ root, path });
    return [path, place === undefined ? { kind: "unreadable", code: "ELOOP" } : read(place, root)];
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

function cleanEnvironment(environment: ProcessFacts["environment"]): Record<string, string> {
  const entries = Object.entries(environment).filter(([name]) => name !== "TSJAIL_FRONT");
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function freezeDeep<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freezeDeep(part);
  }
  return value;
}
