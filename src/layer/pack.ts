// A kept layer as an archive, in the form that images have. In: an upper directory. Out: pieces of the archive, without
// what the executor has made to mount something on. `layer export` writes it, commit.ts makes a layer of an image of it.
import { type BigIntStats, chmodSync, lstatSync, readdirSync } from "node:fs";
import type { MakerName } from "../host/makers.ts";
import { type ByteString, toPath } from "../image/bytes.ts";
import { layerMarks } from "../image/marks.ts";
import { type PackWish, packTree } from "../image/pack.ts";
import { readAttribute } from "../image/system.ts";

const mark = "user.tsjail.mount_point";

/** @param by who has written it */
export function packLayer(
  upper: string,
  by: MakerName,
  wish: Pick<PackWish, "owners" | "newest"> = {},
): Generator<Buffer> {
  const isLeftOut: PackWish["isLeftOut"] = (path, attributes, stats) =>
    attributes.has(mark) && isMountPoint(path, stats);
  return packTree(upper, { ...wish, marks: layerMarks[by], unlock, isLeftOut });
}

/** What the executor had to make for a mount (native/target.c), if there is nothing else in it. */
export function isMountPoint(
  path: ByteString,
  stats: BigIntStats = lstatSync(toPath(path), { bigint: true }),
): boolean {
  if (readAttribute(path, mark) === undefined) return false;
  if (!stats.isDirectory()) return stats.isFile() && stats.size === 0n;
  return listNames(path).every((name) => isMountPoint(`${path}/${name}`));
}

/** None where it can't be listed. */
function listNames(path: ByteString): ByteString[] {
  try {
    return readdirSync(toPath(path), "latin1");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return [];
    throw error;
  }
}

/** Files and directories that even their owner may not read, as /etc/shadow of mode 000. */
function unlock(path: ByteString, stats: BigIntStats): (() => void) | undefined {
  const mode = Number(stats.mode) & 0o7777;
  const needed = stats.isDirectory() ? 0o700 : 0o400;
  if ((mode & needed) === needed || process.geteuid?.() === 0) return undefined;
  chmodSync(toPath(path), mode | needed);
  return () => chmodSync(toPath(path), mode);
}
