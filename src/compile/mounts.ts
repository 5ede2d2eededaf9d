// In: the intents that stand, shallow before deep. Out: the operations that put them into the jail, and what has to be
// done after all of them. dev.ts, proc.ts and sys.ts know the mounts that are more than one operation.
import { formatOrigin, TsjailError } from "../error.ts";
import type { FileFact } from "../host/host.ts";
import type { Operation } from "../plan/operations.ts";
import { compileDev, compileQueues } from "./dev.ts";
import { type Ids, ownerOptions } from "./ids.ts";
import type { BindContent, FileContent, Intent, TmpfsContent } from "./intent.ts";
import type { Resolved } from "./intents.ts";
import type { Mounted, Mounting } from "./mounting.ts";
import { compileOverlay } from "./overlay.ts";
import { depthOf, parentOf } from "./path.ts";
import { compileProc } from "./proc.ts";
import { protectPath } from "./protect.ts";
import { partOf, type Request } from "./request.ts";
import { findEntry, isAssembled } from "./root.ts";
import { compileSys } from "./sys.ts";
import { findHostPathBeneath, findParentCover } from "./view.ts";

/** Makes the operations of all intents. */
export function compileMounts(request: Request, resolved: Resolved, ids: Ids): Required<Mounted> {
  const parents = new Set<string>();
  for (const { path, content } of resolved.intents) {
    // A hidden path below another needs no mount point: there is nothing left to hide.
    if (content.kind === "none" || content.kind === "hide" || content.kind === "protect") continue;
    for (let place = parentOf(path); !parents.has(place); place = parentOf(place)) parents.add(place);
  }
  const claimed = new Set(resolved.intents.map(({ path }) => path));
  const mounting: Mounting = { request, resolved, ids, parents, claimed };
  const all = resolved.intents.map((intent) => compileIntent(mounting, intent));
  return {
    mounts: all.flatMap(({ mounts = [] }) => mounts),
    terminal: all.flatMap(({ terminal = [] }) => terminal),
    masks: dropRepeated(all.flatMap(({ masks = [] }) => masks)),
    seals: all.flatMap(({ seals = [] }) => seals),
  };
}

/** Two protected files hold the same directory. */
function dropRepeated(masks: readonly Operation[]): Operation[] {
  const held = new Set<string>();
  return masks.filter((mask) => mask.op !== "pin" || (!held.has(mask.target) && held.add(mask.target)));
}

function compileIntent(mounting: Mounting, intent: Intent): Mounted {
  const { content, path, origin } = intent;
  switch (content.kind) {
    case "bind":
      return { mounts: [compileBind(mounting, intent, content)] };
    case "tmpfs":
      return compileTmpfs(mounting, intent, content);
    case "overlay":
      return { mounts: [compileOverlay(mounting.request, mounting.resolved, intent, content)] };
    case "file":
      return { mounts: compileFile(mounting, intent, content) };
    case "symlink":
      return { mounts: [{ op: "symlink", origin: formatOrigin(origin), target: path, text: content.text }] };
    case "hide":
      return compileHide(mounting, intent, content.optional === true);
    case "protect":
      return { masks: protectPath(mounting, intent) };
    case "dev":
      return compileDev(mounting, intent, content.shm);
    case "proc":
      return compileProc(mounting, intent);
    case "sys":
      return compileSys(mounting, intent);
    case "mqueue":
      return { mounts: [compileQueues(mounting, path, partOf("mount type mqueue", origin))] };
    default:
      return {};
  }
}

function compileBind({ resolved }: Mounting, intent: Intent, content: BindContent): Operation {
  return {
    op: "bind",
    origin: formatOrigin(intent.origin),
    source: content.source,
    target: intent.path,
    // A tree with submounts that the caller could not take apart himself can only be had whole (mount_namespaces(7)).
    flags: [
      "recursive",
      ...(content.optional ? (["optional"] as const) : []),
      ...(content.volume === undefined ? [] : (["directory"] as const)),
    ],
    set: content.attributes,
    propagation: resolved.slave ? content.propagation : "none",
  };
}

/** A read-only one is sealed only after everything below it has its mount point. */
function compileTmpfs(mounting: Mounting, intent: Intent, content: TmpfsContent): Mounted {
  const { path: target } = intent;
  const origin = formatOrigin(intent.origin);
  const options = [...content.options, ...ownerOptions(mounting.ids)];
  const late = content.attributes.includes("ro") && mounting.parents.has(target);
  const set = late ? content.attributes.filter((name) => name !== "ro") : content.attributes;
  const mount: Operation = { op: "mount", origin, fstype: "tmpfs", target, options, flags: [], set };
  if (!late) return { mounts: [mount] };
  return { mounts: [mount], seals: [{ op: "attributes", origin, target, flags: [], set: ["ro"] }] };
}

function compileFile({ request }: Mounting, intent: Intent, content: FileContent): Operation[] {
  const bytes = readContent(request, intent, content);
  if (bytes === undefined) return [];
  const { mode, optional } = content;
  return [
    {
      op: "file",
      origin: formatOrigin(intent.origin),
      target: intent.path,
      content: bytes,
      mode,
      flags: optional ? ["optional"] : [],
      set: (mode & 0o222) === 0 ? ["ro", "nosuid", "nodev"] : ["nosuid", "nodev"],
    },
  ];
}

/** Undefined for an optional file that is not there. */
function readContent(
  request: Request,
  intent: Intent,
  { from, optional }: FileContent,
): Uint8Array | undefined {
  if ("text" in from) return Buffer.from(from.text, "utf8");
  const fact: FileFact = request.host.files[from.source] ?? { kind: "absent" };
  if (fact.kind === "content") return Buffer.from(fact.content, "latin1");
  if (fact.kind === "absent" && optional) return undefined;
  const why = fact.kind === "absent" ? "does not exist" : `can't be read (${fact.code})`;
  throw new TsjailError("profile_unreadable", `The file ${from.source} ${why}.`, {
    origin: intent.origin,
    hint:
      fact.kind === "absent" ? "Create it, or write optional = true if the jail can do without." : undefined,
  });
}

/** Nothing to see: three ways, the cheapest that serves. */
function compileHide(mounting: Mounting, intent: Intent, isOptional: boolean): Mounted {
  const { request, resolved, parents } = mounting;
  const { path: target } = intent;
  const origin = formatOrigin(intent.origin);
  const cover = findParentCover(resolved.view, target);
  const hasParts = parents.has(target);
  if (cover === undefined && isAssembled(request) && depthOf(target) === 1) {
    const kind = findEntry(request, target)?.kind;
    // On a root of ours, an empty directory is as good as a mount; sealRoot makes it read-only.
    if (kind === "directory") return { mounts: [{ op: "directory", origin, target, mode: 0o755 }] };
    if (kind === undefined) return {};
  }
  // A tmpfs has nothing that could be hidden, and what the profile puts there is meant to be seen.
  if (cover?.content.kind === "tmpfs" || cover?.content.kind === "hide") return {};
  if (!hasParts) return { mounts: [{ op: "hide", origin, target, flags: isOptional ? ["optional"] : [] }] };
  const behind = findHostPathBeneath(resolved.view, target);
  if (behind !== undefined && request.host.kinds[behind] === "absent") return {};
  // Mount points for what the profile wants below can be made on a file system of our own only.
  return compileTmpfs(mounting, intent, {
    kind: "tmpfs",
    options: ["mode=0755"],
    attributes: ["ro", "nosuid", "nodev", "noexec"],
  });
}
