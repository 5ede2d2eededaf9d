// An image of ten layers as the root, against crun and runc on a bundle whose root is an overlay of the same layers. In: a
// Bench. Out: entries.
import { join } from "node:path";
import { measureTimes } from "../bench.ts";
import { insideTrue, makeLayered, writeRootProfile } from "../images.ts";
import { jailSides, judged, measureWarm } from "../jail.ts";
import type { Row } from "../row.ts";
import { type Bundle, listBundleSides } from "./bundle.ts";

export const image: Row = {
  name: "image",
  title: "An image root with a 10-layer overlay, against crun on an equal bundle",
  unit: "time",
  peer: "crun",
  targets: [{ sides: judged, peer: "crun", atMost: 0.5 }],
  about:
    "Every side mounts the overlay itself: tsjail as its root, the runtimes at /usr, where all of the image is, since " +
    "crun mounts nothing at the root. Each has namespaces of its own, the network's too, and no limits. tsjail " +
    "filters system calls besides and has Landlock; what the runtimes propose for rootless use has neither.",
  measure: (bench) => {
    const { name, directories } = makeLayered(bench, 10);
    const profile = writeRootProfile(bench, "image", `type = "image"\nimage = "${name}"`);
    const lower = directories.map((directory) => join(directory, "usr")).reverse();
    const usr = {
      destination: "/usr",
      type: "overlay",
      source: "overlay",
      options: ["ro", "userxattr", `lowerdir=${lower.join(":")}`],
    };
    const bundle: Bundle = {
      name: "overlay",
      mounts: [usr],
      links: [],
      command: insideTrue,
      network: "private",
    };
    const sides = [...jailSides(bench, profile, insideTrue), ...listBundleSides(bench, bundle)];
    return measureWarm(bench, sides, (candidates) => measureTimes(bench, candidates));
  },
};
