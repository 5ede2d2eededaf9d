// What a layer has made of what it lies over. In: an upper directory, and those below it, the uppermost first. Out: the
// paths that were added, changed or removed. Who has written it has marks of its own for that (image/marks.ts).
import { readFileSync, readlinkSync, type Stats } from "node:fs";
import type { MakerName } from "../host/makers.ts";
import { type LayerMarks, layerMarks } from "../image/marks.ts";
import { readAttribute } from "../image/system.ts";
import { below, type Found, findName, isWhiteout, listAll, listNames, look } from "./merged.ts";
import { isMountPoint } from "./pack.ts";

export interface Change {
  readonly kind: "added" | "changed" | "removed";
  /** As the jail sees it. A name that is not UTF-8 is shown as well as that goes. */
  readonly path: string;
}

/** By the marks of who has written it. */
function isOpaque(path: Buffer, marks: LayerMarks): boolean {
  const text = path.toString("latin1");
  return marks.isOpaque(
    (name) => readAttribute(text, name),
    (name) => look(below(path, Buffer.from(name))) !== undefined,
  );
}

/** Sorted by path, a directory before what is in it. */
export function diffLayer(upper: string, lower: readonly string[], by: MakerName): Change[] {
  const changes: Change[] = [];
  const marks = layerMarks[by];
  const places = lower.map((path) => Buffer.from(path === "/" ? "" : path));
  diffDirectory({ changes, marks }, Buffer.from(upper), places, "");
  return changes;
}

interface Comparison {
  readonly changes: Change[];
  readonly marks: LayerMarks;
}

function diffDirectory(to: Comparison, upper: Buffer, lower: readonly Buffer[], path: string): void {
  const { changes, marks } = to;
  const names = listNames(upper);
  for (const name of names) {
    const place = below(upper, name);
    const stats = look(place);
    const text = name.toString("latin1");
    if (stats === undefined || marks.isNothing(text)) continue;
    const removed = marks.findRemoved(text, isWhiteout(stats));
    const there = Buffer.from(removed ?? text, "latin1");
    const old = findName(lower, there);
    if (removed === undefined) diffName(to, place, stats, old, `${path}/${name}`);
    else if (old !== undefined) changes.push({ kind: "removed", path: `${path}/${there}` });
  }
  if (!isOpaque(upper, marks)) return;
  const there = new Set(names.map((name) => name.toString("latin1")));
  for (const name of listAll(lower)) {
    if (!there.has(name.toString("latin1"))) changes.push({ kind: "removed", path: `${path}/${name}` });
  }
}

function diffName(to: Comparison, place: Buffer, stats: Stats, old: Found | undefined, path: string): void {
  const { changes } = to;
  if (old === undefined && isMountPoint(place.toString("latin1"))) return;
  const isMerged = stats.isDirectory() && old?.stats.isDirectory() === true;
  if (old === undefined) changes.push({ kind: "added", path });
  else if (isMerged ? !hasSameMode(stats, old.stats) : !isSame(place, stats, old))
    changes.push({ kind: "changed", path });
  if (stats.isDirectory()) diffDirectory(to, place, isMerged && old ? old.places : [], path);
}

const hasSameMode = (one: Stats, other: Stats): boolean => (one.mode & 0o7777) === (other.mode & 0o7777);

/** A file that was only touched, or written with what it had, is no change. */
function isSame(place: Buffer, stats: Stats, { stats: old, places }: Found): boolean {
  const other = places[0] as Buffer;
  if ((stats.mode & 0o170000) !== (old.mode & 0o170000)) return false;
  if (stats.isSymbolicLink()) return readlinkSync(place) === readlinkSync(other);
  if (!hasSameMode(stats, old)) return false;
  if (!stats.isFile()) return stats.rdev === old.rdev;
  return stats.size === old.size && hasSameContent(place, other);
}

function hasSameContent(one: Buffer, other: Buffer): boolean {
  try {
    return readFileSync(one).equals(readFileSync(other));
  } catch {
    return false; // who can't read it can't have written what it had
  }
}
