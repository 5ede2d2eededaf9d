// A start where Node has to compile the profile, against Node's own start. In: a Bench. Out: entries.
import { join } from "node:path";
import { type Bench, type Candidate, measureTimes, peerSide, type Side, trySide } from "../bench.ts";
import { jailSide, shipped, sides } from "../jail.ts";
import { peers } from "../peers.ts";
import type { Row } from "../row.ts";

const node = "node -e 0";
/** Where the caller's environment has it: Node 20 parses all certificates of that file when it starts. */
const certificates = "NODE_EXTRA_CA_CERTS";
const withCertificates = (side: string) => `${side}, with ${certificates}`;

/** No plan is kept, as after a change of the profile; what V8 has compiled of tsjail itself is, as after any start. */
function coldSide(bench: Bench): Side {
  const cache = join(bench.scratch.directory, "cold-cache");
  const side = {
    ...jailSide(bench, shipped("warm"), ["/bin/true"]),
    env: { ...bench.scratch.env, XDG_CACHE_HOME: cache },
    emptied: join(cache, "tsjail/plans"),
    note: "the kept plan is removed before each start",
  };
  trySide(side);
  return side;
}

const nodeSide = (bench: Bench): Candidate => ({ ...peerSide(bench, peers.node, ["-e", "0"]), side: node });

function addCertificates(candidate: Candidate): Candidate {
  const side = withCertificates(candidate.side);
  const file = process.env[certificates];
  if (file === undefined) return { side, missing: `${certificates} isn't set` };
  return "missing" in candidate
    ? { ...candidate, side }
    : { ...candidate, side, env: { ...candidate.env, [certificates]: file } };
}

export const cold: Row = {
  name: "cold",
  title: "Cold start to exit of /bin/true: Node compiles the profile",
  unit: "time",
  peer: node,
  targets: [
    { sides: [sides.tsjail], peer: node, atMost: 1.5 },
    { sides: [withCertificates(sides.tsjail)], peer: withCertificates(node), atMost: 1.5 },
  ],
  measure: (bench) => {
    const plain = [coldSide(bench), nodeSide(bench)];
    return measureTimes(bench, [...plain, ...plain.map(addCertificates)]);
  },
};
