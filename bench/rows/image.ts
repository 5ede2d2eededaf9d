// An image root, once tsjail has them. In: nothing. Out: why there is nothing to measure.
import type { Row } from "../row.ts";

export const image: Row = {
  name: "image",
  title: "An image root with a 10-layer overlay, against crun on an equal bundle",
  unit: "time",
  peer: "crun",
  targets: [{ sides: ["tsjail"], peer: "crun", atMost: 0.5 }],
  measure: () => [{ side: "tsjail", samples: [], missing: "not yet: image roots have not landed" }],
};
