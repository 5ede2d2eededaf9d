// One large layer becomes a root file system: how long it takes, and how much memory. In: a Bench. Out: entries.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { makeTar } from "../../test/image/archive.ts";
import { type Bench, type Candidate, measureStarts, peerSide, type Side } from "../bench.ts";
import { makeFiles } from "../content.ts";
import { writeLayout } from "../images.ts";
import { findLink, sides } from "../jail.ts";
import { findProgram, peers } from "../peers.ts";
import type { Row } from "../row.ts";

const name = "large";
const umoci = "umoci";
const skopeo = "skopeo, tar";

/** Some 300 MiB in 20,000 files; less in a short run. */
function findOrWriteLayout(bench: Bench): string {
  const directory = join(bench.scratch.directory, "layouts", name);
  if (existsSync(directory)) return directory;
  const count = bench.runs < 3 ? 400 : 20_000;
  return writeLayout(bench, name, [makeTar(...makeFiles("usr", { count, least: 64, most: 114_000 }))]);
}

/** A directory that is empty at each start. */
function makePlace(bench: Bench, side: string): string {
  const place = join(bench.scratch.directory, "imported", side);
  mkdirSync(place, { recursive: true });
  return place;
}

function ownSide(bench: Bench, layout: string): Side {
  const place = makePlace(bench, "tsjail");
  const argv = [findLink(bench), "image", "import", layout, "--name", name];
  return { side: sides.tsjail, argv, env: { ...bench.scratch.env, XDG_DATA_HOME: place }, emptied: place };
}

function umociSide(bench: Bench, layout: string): Candidate {
  const place = makePlace(bench, "umoci");
  const words = ["unpack", "--rootless", "--image", `${layout}:${name}`, join(place, "bundle")];
  const side = peerSide(bench, peers.umoci, words);
  return "missing" in side ? side : { ...side, emptied: place };
}

/** skopeo checks and copies what it is given; tar unpacks the largest blob, which is the layer. */
function skopeoSide(bench: Bench, layout: string): Candidate {
  if (findProgram(peers.skopeo.program, bench.scratch.env.PATH ?? "") === undefined)
    return { side: skopeo, missing: `not installed (${peers.skopeo.install})` };
  const place = makePlace(bench, "skopeo");
  const script = `set -e
skopeo copy --quiet --insecure-policy "oci:$0:$1" "dir:$2/image"
mkdir "$2/root"
tar -xzf "$2/image/$(ls -S "$2/image" | head -n 1)" -C "$2/root"`;
  const argv = ["/bin/sh", "-c", script, layout, name, place];
  return { side: skopeo, argv, env: bench.scratch.env, emptied: place };
}

/** Both rows are of the same starts. */
function findOrMeasure(bench: Bench): ReturnType<typeof measureStarts> {
  const known = measured.get(bench);
  if (known !== undefined) return known;
  const layout = findOrWriteLayout(bench);
  const sides = [ownSide(bench, layout), umociSide(bench, layout), skopeoSide(bench, layout)];
  const fresh = measureStarts(bench, sides);
  measured.set(bench, fresh);
  return fresh;
}
const measured = new WeakMap<Bench, ReturnType<typeof measureStarts>>();

export const importTime: Row = {
  name: "import",
  title: "A layer of 300 MiB in 20,000 files is imported",
  unit: "time",
  peer: umoci,
  targets: [
    { sides: [sides.tsjail], peer: umoci, atMost: 1 },
    { sides: [sides.tsjail], peer: skopeo, atMost: 1 },
  ],
  about:
    "An OCI layout with one layer, packed with gzip. tsjail and skopeo keep the archive beside what it unpacks to; " +
    "tsjail and umoci check its digest before and after unpacking, skopeo before.",
  measure: (bench) => findOrMeasure(bench).times,
};

export const importMemory: Row = {
  name: "import-memory",
  title: "The same import: resident memory at its largest",
  unit: "memory",
  peer: umoci,
  targets: [{ sides: [sides.tsjail], atMost: 200 * 2 ** 20 }],
  about: "Of the largest process of each side, as wait4(2) has it.",
  measure: (bench) => findOrMeasure(bench).peaks,
};
