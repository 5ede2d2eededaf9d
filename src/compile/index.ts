// In: a loaded profile, the host, this run's wishes. Out: the plan. Pure: nothing but the arguments is read, so the same
// arguments give the same plan, byte for byte. Order in a profile means nothing; the order of operations is made here.
import type { Host } from "../host/host.ts";
import type { Operation, Plan } from "../plan/operations.ts";
import type { LoadedProfile } from "../profile/load.ts";
import { findInsideAccount } from "./account.ts";
import { compileEmulation } from "./emulate.ts";
import { compileEnvironment } from "./environment.ts";
import { fillGenerated } from "./etc.ts";
import { compileMaps, compileSwitch, findIds, type Ids } from "./ids.ts";
import { type Resolved, resolveIntents } from "./intents.ts";
import { compileLandlock } from "./landlock.ts";
import { compileMounts } from "./mounts.ts";
import { compileClone, compileNames, compileNesting, compileTime } from "./namespaces.ts";
import { compileLayer, compileScratch, compileScratchDirectory } from "./overlay.ts";
import { hideOwn, holdOwn } from "./own.ts";
import { guardPorts } from "./ports.ts";
import { compileCommand, compileOomScore, compileProcess, compileSupervision } from "./process.ts";
import { partOf, type Request, type Run } from "./request.ts";
import { compileRlimits } from "./rlimits.ts";
import { compileMountPoints, compileRoot, sealRoot } from "./root.ts";
import { compileSeccomp } from "./seccomp.ts";
import { compileSecurity } from "./security.ts";
import { compileLayerServer } from "./server.ts";
import { compileHolds } from "./volume.ts";
import { compileWorkdir } from "./workdir.ts";

export type { Run } from "./request.ts";

/** Compiles a profile for a host. Throws TsjailError when the two, or the profile's own parts, don't fit together. */
export function compile(loaded: LoadedProfile, host: Host, run: Run): Plan {
  const request: Request = { loaded, profile: loaded.profile, host, run };
  const ids = findIds(request);
  const wanted = hideOwn(request, resolveIntents(request));
  const account = findInsideAccount(request, wanted, ids);
  const resolved = fillGenerated(request, wanted, ids, account);
  const jail = compileJail(request, resolved, ids);
  const filters = guardPorts(request, compileSeccomp(request));
  return [
    ...compileSupervision(request, resolved),
    ...compileMountPoints(request, resolved),
    ...compileLayer(request),
    ...compileHolds(request, resolved),
    ...compileScratchDirectory(request, jail),
    ...compileLayerServer(request, resolved, ids),
    ...compileClone(request),
    ...compileMaps(request, ids),
    ...jail,
    ...compileWorkdir(request, resolved, account),
    // Ahead of the limits, one of which is on open files.
    ...compileLandlock(request, jail),
    ...compileProcess(request),
    ...compileRlimits(request),
    ...compileEnvironment(request, account),
    ...compileEmulation(request, ids, filters),
    ...filters,
    ...compileCommand(request),
  ];
}

/** The jail phase: what /proc/self permits only under the first ids, then the ids (an id that is not mapped can own no
 * file, so nothing could be made: EOVERFLOW), the tree, names, and last everything that takes rights away. */
function compileJail(request: Request, resolved: Resolved, ids: Ids): Operation[] {
  const { mounts, terminal, masks, seals } = compileMounts(request, resolved, ids);
  const tree: Operation[] = [
    ...compileRoot(request, resolved, ids),
    ...mounts,
    ...terminal,
    ...compileNesting(request),
    ...masks,
    ...holdOwn(request, resolved),
    ...seals,
    ...sealRoot(request),
  ];
  return [
    ...compileOomScore(request),
    ...compileTime(request),
    ...compileSwitch(request, ids),
    compilePropagation(resolved),
    ...compileStage(tree),
    ...compileScratch(request, tree, ids),
    ...tree,
    ...compileNames(request),
    { op: "pivot", origin: "built in" },
    ...compileSecurity(request, ids),
  ];
}

/** What the jail mounts never reaches the host; what the host mounts reaches the jail only where a bind asks for it. */
function compilePropagation({ slave, intents }: Resolved): Operation {
  const asking = intents.find(({ content }) => content.kind === "bind" && content.propagation === "slave");
  const origin = asking === undefined ? "built in" : partOf("propagation", asking.origin);
  return { op: "propagation", origin, mode: slave ? "slave" : "private" };
}

const staged: ReadonlySet<string> = new Set(["file", "hide", "overlay", "root_overlay"]);

/** Only generated and hidden files, and layers, need it. */
function compileStage(tree: readonly Operation[]): Operation[] {
  const isNeeded = tree.some((each) => staged.has(each.op) && !("by" in each && each.by === "fuse"));
  return isNeeded ? [{ op: "stage", origin: "built in" }] : [];
}
