// Unpacks one layer. In: an archive in a file. Out: a directory with fs and owners.json in it, and the digest of the
// unpacked archive, which names the layer. Next: layers.ts puts it into the store.
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { formatSize } from "../profile/units.ts";
import { type Compression, readUnpacked } from "./compression.ts";
import { invalid } from "./failure.ts";
import { writeOwners } from "./owners.ts";
import { type Entry, type Sink, TarReader } from "./tar.ts";

/** What an archive may become: a small one can unpack to more than any disk holds. */
export interface Limits {
  /** Bytes of the unpacked archive; a file's holes count as well. */
  readonly size: number;
  readonly entries: number;
}
export const defaultLimits: Limits = { size: 32 * 2 ** 30, entries: 2_000_000 };

export interface Archive {
  readonly path: string;
  readonly compression: Compression;
  /** What it is to a person, as the beginning of a sentence. */
  readonly subject: string;
}

/** Reads an archive to its end, an entry at a time.
 * @returns "sha256:…" of the unpacked archive
 * @throws TsjailError `image_invalid` */
export async function readArchive(
  { path, compression, subject }: Archive,
  limits: Limits,
  visit: (entry: Entry) => Sink | undefined,
): Promise<{ digest: string; hasEnded: boolean; size: number }> {
  const hash = createHash("sha256");
  const reader = new TarReader(subject, guard(subject, limits, visit));
  let size = 0;
  for await (const chunk of readUnpacked(path, compression, subject)) {
    size += chunk.length;
    if (size > limits.size) throw refuseSize(subject, limits);
    hash.update(chunk);
    reader.feed(chunk);
  }
  reader.end();
  return { digest: `sha256:${hash.digest("hex")}`, hasEnded: reader.hasEnded, size };
}

function guard(subject: string, limits: Limits, visit: (entry: Entry) => Sink | undefined) {
  let entries = 0;
  let size = 0;
  return (entry: Entry): Sink | undefined => {
    size += entry.size;
    if (size > limits.size) throw refuseSize(subject, limits);
    if (++entries > limits.entries) {
      throw invalid(
        subject,
        `has more than ${limits.entries} entries`,
        "A real one of that size: please report it.",
      );
    }
    return visit(entry);
  };
}

function refuseSize(subject: string, { size }: Limits): Error {
  const hint = "If that is meant, allow more with --limit SIZE. Nothing was kept.";
  return invalid(subject, `unpacks to more than ${formatSize(size)}`, hint);
}

/** @param directory a new one
 * @param digest what the unpacked archive has to be; without it, the archive has to have its mark of the end
 * @returns the digest of the unpacked archive */
export async function unpackLayer(
  archive: Archive,
  directory: string,
  limits: Limits,
  digest?: string,
): Promise<string> {
  const { Tree } = await import("./tree.ts");
  const fs = join(directory, "fs");
  mkdirSync(fs, { mode: 0o755 });
  const tree = new Tree(fs, archive.subject);
  const found = await readArchive(archive, limits, (entry) => tree.add(entry));
  if (digest !== undefined && found.digest !== digest) {
    throw invalid(
      archive.subject,
      `is not what its image says: it unpacks to ${found.digest}, not ${digest}`,
    );
  }
  if (digest === undefined && !found.hasEnded) {
    const what = found.size === 0 ? "is empty" : "is cut off: it lacks the mark of its end";
    throw invalid(archive.subject, what);
  }
  writeOwners(join(directory, "owners.json"), tree.finish());
  return found.digest;
}
