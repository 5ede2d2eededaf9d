// How fast the command's output arrives: through a pipe, which is the caller's own, and through the jail's pty, which the
// monitor copies. In: a Bench. Out: entries.
import { type Bench, type Candidate, measureStream, peerSide, type Side } from "../bench.ts";
import { jailSides, judged, measureWarm, shipped } from "../jail.ts";
import { peers } from "../peers.ts";
import type { Row } from "../row.ts";
import { bubblewrapWords } from "./start.ts";

const pipeBytes = 2 ** 28;
const ptyBytes = 2 ** 22;

const pour = (bench: Bench, bytes: number): string[] => [bench.scratch.inside, "pour", String(bytes)];

const native = (bench: Bench, side: string, bytes: number): Side => {
  return { side, argv: pour(bench, bytes), env: bench.scratch.env };
};

const wrapped = (bench: Bench, bytes: number): Candidate =>
  peerSide(bench, peers.bubblewrap, [...bubblewrapWords, ...pour(bench, bytes)]);

const shrink = (bench: Bench, bytes: number): number => (bench.runs < 20 ? bytes / 64 : bytes);

export const pipe: Row = {
  name: "pipe",
  title: "Standard output through a pipe",
  unit: "throughput",
  peer: "no sandbox",
  // The same pipe: only noise is between them.
  targets: [{ sides: judged, peer: "no sandbox", atLeast: 0.95 }],
  measure: (bench) => {
    const bytes = shrink(bench, pipeBytes);
    const sides = [
      native(bench, "no sandbox", bytes),
      ...jailSides(bench, shipped("warm"), pour(bench, bytes)),
      wrapped(bench, bytes),
    ];
    return measureWarm(bench, sides, (candidates) => measureStream(bench, "pipe", bytes, candidates));
  },
};

export const pty: Row = {
  name: "pty",
  title: "Standard output through a terminal",
  unit: "throughput",
  peer: "plain pty",
  targets: [{ sides: judged, peer: "plain pty", atLeast: 0.5 }],
  about:
    "The output goes to a pty. tsjail and script put a pty of their own before it, so that every byte passes two; " +
    "bubblewrap gives the command the caller's terminal itself, and with it the means to type into it.",
  measure: (bench) => {
    const bytes = shrink(bench, ptyBytes);
    const line = pour(bench, bytes).join(" ");
    const sides = [
      native(bench, "plain pty", bytes),
      ...jailSides(bench, shipped("warm"), pour(bench, bytes)),
      peerSide(bench, peers.script, ["-qec", line, "/dev/null"], "a pty of its own"),
      wrapped(bench, bytes),
    ];
    return measureWarm(bench, sides, (candidates) => measureStream(bench, "pty", bytes, candidates));
  },
};
