// From what the command line says to a plan. In: a JailRequest and the process around it. Out: the plan, the profile
// it comes from and the host it is for. `plan` prints it, `run` hands it to start.ts.
import { join } from "node:path";
import { planDirectory } from "../cache/place.ts";
import { prepareDirectory } from "../cache/store.ts";
import { compile } from "../compile/index.ts";
import { isForeign } from "../directory.ts";
import { addOrigin, TsjailError } from "../error.ts";
import { type Look, lookAtVariable, recordLooks } from "../facts/look.ts";
import type { Host } from "../host/host.ts";
import { hostNeeds } from "../host/needs.ts";
import { readHost } from "../host/read.ts";
import { describeImage, type ResolvedImage, resolveImage } from "../image/resolve.ts";
import { keepLayer, type Over, readLayer } from "../layer/keep.ts";
import { layerPlaces, layersDirectory, scratchDirectory } from "../layer/place.ts";
import type { JailRequest } from "../options.ts";
import { quoteWord } from "../plan/escape.ts";
import type { Plan } from "../plan/operations.ts";
import { type LoadedProfile, loadProfile, localProfile } from "../profile/load.ts";
import { buildProgram } from "../seccomp/libseccomp.ts";
import type { VolumeWish } from "../volume/make.ts";
import { volumesDirectory } from "../volume/place.ts";
import { isCallersDescriptor } from "./descriptor.ts";
import { type Own, type OwnFiles, settleOwn } from "./own.ts";
import { findMissing } from "./volumes.ts";

export interface Surroundings {
  readonly packageDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The process that the caller has started. Default: this one. */
  readonly pid?: number | undefined;
  /** How to start this program again. */
  readonly self: readonly string[];
  /** A jail is going to be started, so what it must not make itself is made before it; and what keeping the plan will
   * make is made before anyone looks for it. */
  readonly starts?: "kept" | "once";
  /** The file that the plan goes to, where somebody wants it for himself. */
  readonly output?: string;
  /** For messages; undefined where there is none. */
  readonly executor: string | undefined;
}

export interface Prepared {
  readonly plan: Plan;
  /** Everything that the plan depends on. */
  readonly looks: readonly Look[];
  /** Those of them that matter where tsjail's own directories are others, and nobody looks for kept plans. */
  readonly portableLooks: readonly Look[];
  readonly loaded: LoadedProfile;
  readonly host: Host;
  /** Volumes that have to be made before the plan can be carried out (volumes.ts). */
  readonly missing: readonly VolumeWish[];
}

/** @param command its words, empty for the profile's own command */
export function preparePlan(
  request: JailRequest,
  command: readonly string[],
  around: Surroundings,
): Prepared {
  const { value, looks } = recordLooks(() => compileRequest(request, command, around));
  const { own, ...prepared } = value;
  const known = new Set(looks.map(describeLook));
  // They were made first. What has changed meanwhile stands there twice, and such a plan is of no use again.
  const first = own.looks.filter((look) => !known.has(describeLook(look)));
  const all = [...first, ...looks];
  return { ...prepared, looks: all, portableLooks: own.isReached ? all : looks };
}

/** What was seen, without when. */
function describeLook(look: Look): string {
  if (look.type !== "file") return JSON.stringify(look);
  const { dev, ino, size, mtimeNs, ctimeNs } = look.stats;
  return `${look.path} ${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function compileRequest(
  request: JailRequest,
  command: readonly string[],
  around: Surroundings,
): Pick<Prepared, "plan" | "loaded" | "host" | "missing"> & { own: Own } {
  const { environment, cwd, executor } = around;
  const loaded = loadProfile({
    profile: request.profile,
    overrides: request.overrides,
    environment,
    cwd,
    shippedDirectory: `${around.packageDirectory}/profiles`,
  });
  const plans = around.starts === "kept" ? planDirectory(environment) : undefined;
  if (plans !== undefined) prepareDirectory(plans);
  const own = settleOwn(loaded.profile, environment, around.starts !== undefined, listFiles(loaded, around));
  const layers =
    loaded.profile.root.writable === "persistent" ? lookAtPlace(environment, layersDirectory) : undefined;
  const volumes = loaded.profile.volume.some(({ name }) => name !== undefined)
    ? lookAtPlace(environment, volumesDirectory)
    : undefined;
  const scratch =
    loaded.profile.root.scratch === "disk" ? lookAtPlace(environment, scratchDirectory) : undefined;
  if (scratch !== undefined && around.starts !== undefined) checkScratch(loaded, scratch);
  const resolved = findImage(loaded, environment);
  const layer = findLayer(loaded, layers);
  const upper = layer === undefined ? undefined : layerPlaces(layer).upper;
  const image = resolved && describeImage(resolved, upper);
  const host = readHost(hostNeeds(loaded.profile, image, volumes), {
    layers,
    volumes,
    scratch,
    image,
    layer: layer === undefined ? undefined : { directory: layer, madeBy: readLayer(layer)?.by },
    environment,
    cwd,
    pid: around.pid,
    own: own.directories,
  });
  if (layer !== undefined) settleLayer(loaded, layer, resolved, host, around.starts !== undefined);
  const plan = compile(loaded, host, {
    command: command.length === 0 ? undefined : command,
    passFds: request.passFds,
    statusFd: request.statusFd,
    buildProgram,
    explain: [...around.self, "explain", ...(executor === undefined ? [] : ["--executor", executor])],
  });
  return { plan, loaded, host, own, missing: findMissing(loaded, plan, host, upper) };
}

/** Looked up, so that a plan is for those who have the same. */
function lookAtPlace(
  environment: Surroundings["environment"],
  find: (seen: Surroundings["environment"]) => string | undefined,
): string | undefined {
  return find({
    XDG_DATA_HOME: lookAtVariable(environment, "XDG_DATA_HOME"),
    HOME: lookAtVariable(environment, "HOME"),
  });
}

function findImage(
  { profile, origin }: LoadedProfile,
  environment: Surroundings["environment"],
): ResolvedImage | undefined {
  const { type, image } = profile.root;
  if (type !== "image" || image === undefined) return undefined;
  try {
    return resolveImage(image, environment);
  } catch (error) {
    throw addOrigin(error, origin("root.image"));
  }
}

/** The directory of the layer that the profile keeps. */
function findLayer({ profile }: LoadedProfile, layers: string | undefined): string | undefined {
  const { writable, name } = profile.root;
  return writable !== "persistent" || name === undefined || layers === undefined
    ? undefined
    : join(layers, name);
}

function settleLayer(
  { profile, origin }: LoadedProfile,
  layer: string,
  image: ResolvedImage | undefined,
  host: Host,
  starts: boolean,
): void {
  const { type, path = "/" } = profile.root;
  const overOther: Over = type === "directory" ? { type, path } : { type: "host" };
  const over: Over = image ? { type: "image", name: image.name, layers: image.digests } : overOther;
  keepLayer(layer, over, host.makers["/"]?.by ?? "kernel", starts, origin("root.name"));
}

/** The executor makes it, and asks only whose it is once it is there.
 * @throws TsjailError `host_unsupported` where root would make it among another user's directories (sudo(8) without -H) */
function checkScratch({ origin }: LoadedProfile, scratch: string): void {
  if (process.geteuid?.() !== 0 || !isForeign(scratch)) return;
  throw new TsjailError(
    "host_unsupported",
    `A layer can't lie in ${quoteWord(scratch)}: it is another user's.`,
    {
      origin: origin("root.scratch"),
      hint: "Set HOME to root's own directory: sudo -H tsjail …",
    },
  );
}

/** What decides what the jail is, and what the next one here would be. */
function listFiles({ profile, ownInputs }: LoadedProfile, { cwd, output }: Surroundings): OwnFiles {
  const { seccomp } = profile.security;
  const used = [...ownInputs, ...(seccomp.startsWith("/") ? [seccomp] : []), ...(output ? [output] : [])];
  return { used, next: join(cwd, localProfile) };
}

/** @throws TsjailError `usage` where neither the command line nor the profile names a command */
export function requireCommand(
  { loaded, host }: Pick<Prepared, "loaded" | "host">,
  words: readonly string[],
): void {
  const { command } = loaded.profile;
  if (words.length > 0 || command.length > 0 || (host.image?.command.length ?? 0) > 0) return;
  throw new TsjailError("usage", `There is no command, and the profile ${loaded.name} names none.`, {
    hint: "Say what to run, for example: tsjail bash\n`tsjail --help` shows everything else.",
  });
}

/** A descriptor that isn't open would be found out only by the command, and Node's own must not get to it. */
export function checkDescriptors({ passFds, statusFd }: JailRequest): void {
  const asked = passFds.map((fd) => ["--fd", fd] as const);
  for (const [option, fd] of [
    ...asked,
    ...(statusFd === undefined ? [] : [["--status-fd", statusFd] as const]),
  ]) {
    if (isCallersDescriptor(fd)) continue;
    throw new TsjailError("usage", `${option} ${fd}: descriptor ${fd} is not open.`, {
      hint: `Open it for tsjail in the shell, for example: tsjail ${option} ${fd} … ${fd}>file`,
    });
  }
}

/** The descriptors that the executor needs beside 0, 1 and 2, by what the plan says. */
export function listKeptFds(plan: Plan): number[] {
  return plan.flatMap((operation) => {
    if (operation.op === "pass_fd") return [operation.fd];
    if (operation.op === "supervise" && operation.status_fd >= 0) return [operation.status_fd];
    if (operation.op === "seccomp" && operation.notify_fd >= 0) return [operation.notify_fd];
    return [];
  });
}
