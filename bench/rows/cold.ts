// A start where Node has to compile the profile, against Node's own start. In: a Bench. Out: entries.
import { type Bench, type Candidate, measureTimes, peerSide, type Side, trySide } from "../bench.ts";
import { jailSide, shipped, sides } from "../jail.ts";
import { peers } from "../peers.ts";
import type { Row } from "../row.ts";

/** Without a cache: by the option, or because there is no cache yet. */
function coldSide(bench: Bench): Side {
  const profile = shipped("warm");
  const env = bench.scratch.env;
  const side = { ...jailSide(bench, profile, ["/bin/true"], ["--no-cache"]), env, note: "--no-cache" };
  if (trySide(side).missing === undefined) return side;
  return { ...jailSide(bench, profile, ["/bin/true"]), env, note: "this version has no cache" };
}

function nodeSide(bench: Bench): Candidate {
  const side = peerSide(bench, peers.node, ["-e", "0"]);
  return { ...side, side: "node -e 0" };
}

export const cold: Row = {
  name: "cold",
  title: "Cold start to exit of /bin/true: Node compiles the profile",
  unit: "time",
  peer: "node -e 0",
  targets: [{ sides: [sides.tsjail], peer: "node -e 0", atMost: 1.5 }],
  measure: (bench) => measureTimes(bench, [coldSide(bench), nodeSide(bench)]),
};
