// What layers cost: the same content as one directory, and as an image of 1, 10 and 100 layers. In: a Bench. Out: entries.
import { spawnSync } from "node:child_process";
import { type Bench, type Candidate, measureTimes, peerSide } from "../bench.ts";
import { insideTrue, type Layered, makeLayered, writeRootProfile } from "../images.ts";
import { checkWarm, jailSide, measureWarm } from "../jail.ts";
import { findProgram, peers, readVersion } from "../peers.ts";
import type { Row } from "../row.ts";

const counts = [1, 10, 100];
const directory = "a directory";
const plural = (count: number): string => (count === 1 ? "1 layer" : `${count} layers`);

function rootSide(bench: Bench, side: string, name: string, root: string): Candidate {
  const profile = writeRootProfile(bench, name, root);
  const { note: _, ...rest } = jailSide(bench, profile, insideTrue);
  return checkWarm(bench, { ...rest, side });
}

/** bubblewrap has overlays since 0.11. */
function bubblewrapSide(bench: Bench, { directories }: Layered): Candidate {
  const side = `bubblewrap, ${plural(directories.length)}`;
  const program = findProgram(peers.bubblewrap.program, bench.scratch.env.PATH ?? "");
  const help = program === undefined ? "" : spawnSync(program, ["--help"], { encoding: "utf8" }).stdout;
  if (program !== undefined && !help.includes("--overlay-src")) {
    const version = readVersion(peers.bubblewrap, bench.scratch.env);
    return { side, missing: `bubblewrap ${version} has no --overlay-src` };
  }
  const words = [
    ...["--unshare-all", "--die-with-parent"],
    ...directories.flatMap((layer) => ["--overlay-src", layer]),
    ...["--tmp-overlay", "/", "--proc", "/proc", "--dev", "/dev"],
    ...insideTrue,
  ];
  return { ...peerSide(bench, peers.bubblewrap, words), side };
}

export const layers: Row = {
  name: "layers",
  title: "An image root of 1, 10 and 100 layers, start to exit",
  unit: "time",
  peer: directory,
  targets: [],
  about:
    "The same two hundred files and one program, as one directory and cut into layers; the kernel's overlayfs. A " +
    "directory that is not written to needs no overlay. bubblewrap's is one that can be written, in memory.",
  measure: (bench) => {
    const images = counts.map((count) => makeLayered(bench, count));
    const merged = images[0]?.merged as string;
    const sides = [
      rootSide(bench, directory, "directory", `type = "directory"\npath = ${JSON.stringify(merged)}`),
      ...images.map(({ name, directories }) =>
        rootSide(bench, plural(directories.length), name, `type = "image"\nimage = "${name}"`),
      ),
      ...images.map((image) => bubblewrapSide(bench, image)),
    ];
    return measureWarm(bench, sides, (candidates) => measureTimes(bench, candidates));
  },
};
