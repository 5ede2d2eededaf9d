// What lays layers over one another, for `root.overlay` and for mounts of type "overlay". Part of schema.ts.
import { choice } from "./field.ts";

export const layerMaker = () => choice(["auto", "kernel", "fuse"]);
