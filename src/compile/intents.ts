// In: everything that the profile wants, path by path. Out: the intents that stand, at the places where their paths
// really lead. A later layer wins over an earlier one; within one layer two wishes for one path are an error.
import { formatOrigin, TsjailError } from "../error.ts";
import type { RootEntry } from "../host/host.ts";
import { rootDirectory } from "../host/needs.ts";
import { escapeControls } from "../plan/escape.ts";
import { dropAstray } from "./astray.ts";
import { collectIntents } from "./collect.ts";
import { describeContent, type Intent } from "./intent.ts";
import { comparePaths } from "./path.ts";
import type { Request } from "./request.ts";
import { findHostPath, followHostLinks, followJailLinks, makeView, type View } from "./view.ts";

export interface Resolved {
  /** Shallow before deep, one for each path; those of kind "none" are still among them. */
  readonly intents: readonly Intent[];
  readonly view: View;
  /** Some bind wants what the host mounts later: then the host's mounts travel into the jail, and all others are cut. */
  readonly slave: boolean;
  /** What the root's /etc has, where the jail's is assembled from it (place.ts). */
  readonly etc?: readonly RootEntry[];
}

/** Each round can uncover links for the next; more than a few nested ones are not met in practice. */
const maxRounds = 8;

/** Finds the intents that stand. */
export function resolveIntents(request: Request): Resolved {
  const root = rootDirectory(request.profile, request.host.image);
  const { links } = request.host;
  let intents = collectIntents(request).sort(compareOrigins);
  for (let round = 0; round < maxRounds; round++) {
    const view = makeView(root, pickLatest(intents), links);
    const moved = intents.map((intent) => ({ ...intent, path: followJailLinks(view, intent) }));
    const settled = moved.every((intent, index) => intent.path === intents[index]?.path);
    intents = moved;
    if (settled) break;
  }
  intents = dropAstray(makeView(root, pickLatest(intents), links), intents, request.host.cwd);
  for (const group of groupByPath(intents).values()) checkConflict(group);
  const standing = pickLatest(intents.filter((intent) => !leadsToRoot(intent))).sort((a, b) =>
    comparePaths(a.path, b.path),
  );
  return hideEnds(request, describeStanding(request, standing));
}

/**
 * A hidden symlink means what it leads to. Where the jail does not have the link (in a home of its own, say) but shows
 * its end through some other path, that one is hidden: `hide = ["~/.ssh"]` holds in ~/dotfiles/ssh, too.
 */
function hideEnds(request: Request, resolved: Resolved): Resolved {
  const { view, intents } = resolved;
  if (view.root !== "/") return resolved;
  const ends = intents.flatMap((intent): Intent[] => {
    if (intent.content.kind !== "hide") return [];
    const path = followHostLinks(view, intent.written);
    if (leadsToRoot({ ...intent, path })) return [];
    return findHostPath(view, path) === path && !view.places.has(path) ? [{ ...intent, path }] : [];
  });
  if (ends.length === 0) return resolved;
  const all = pickLatest([
    ...intents,
    ...ends.filter(({ path }) => intents.every((other) => other.path !== path)),
  ]);
  return describeStanding(
    request,
    all.sort((a, b) => comparePaths(a.path, b.path)),
  );
}

/** The same for intents that are sorted and one to a path. */
export function describeStanding(request: Request, intents: readonly Intent[]): Resolved {
  return {
    intents,
    view: makeView(rootDirectory(request.profile, request.host.image), intents, request.host.links),
    slave: intents.some(({ content }) => content.kind === "bind" && content.propagation === "slave"),
  };
}

function compareOrigins(a: Intent, b: Intent): number {
  return (
    comparePaths(a.written, b.written) || a.origin.layer - b.origin.layer || compareText(keyOf(a), keyOf(b))
  );
}

const keyOf = ({ origin }: Intent) => formatOrigin(origin);
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function groupByPath(intents: readonly Intent[]): Map<string, Intent[]> {
  const groups = new Map<string, Intent[]>();
  for (const intent of intents) {
    const group = groups.get(intent.path);
    if (group === undefined) groups.set(intent.path, [intent]);
    else group.push(intent);
  }
  return groups;
}

function pickLatest(intents: readonly Intent[]): Intent[] {
  return [...groupByPath(intents).values()].map((group) =>
    group.reduce((best, intent) => (intent.origin.layer > best.origin.layer ? intent : best)),
  );
}

function leadsToRoot({ path, written, origin, content }: Intent): boolean {
  if (path !== "/") return false;
  if (content.kind === "generated" || content.kind === "none") return true;
  throw new TsjailError("profile_conflict", `${written} is a symlink to /, where nothing can be put.`, {
    origin,
    hint: "What / is, [root] says.",
  });
}

/** Only the layer that wins has to be of one mind. */
function checkConflict(group: readonly Intent[]): void {
  const layer = Math.max(...group.map(({ origin }) => origin.layer));
  // Generated files are nobody's wish.
  if (layer < 0) return;
  const [first, ...rest] = group.filter(({ origin }) => origin.layer === layer) as [Intent, ...Intent[]];
  const other = rest.find(({ content }) => JSON.stringify(content) !== JSON.stringify(first.content));
  if (other === undefined) return;
  const lines = [first, other].map((intent) => {
    const written = intent.written === intent.path ? "" : ` (written as ${intent.written}, a symlink)`;
    return escapeControls(`${formatOrigin(intent.origin)}: ${describeContent(intent.content)}${written}`);
  });
  throw new TsjailError("profile_conflict", `Two keys want different things at ${first.path}.`, {
    detail: lines.join("\n"),
    hint: "Keep one of them. A profile that extends another one, and the command line, may say something else\nabout a path than what they build on; one file may not.",
  });
}
