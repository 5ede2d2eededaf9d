// A kept layer, taken away. In: its directory. Out: nothing of it, whatever modes and depths a jail has left there. It
// is renamed first, so that nobody starts in half of one; what an interrupted removal leaves, the next one takes.
import { readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { removeTree } from "../image/remove.ts";

/** No name of a layer begins so. */
const prefix = ".removed-";

/** @throws an errno */
export function removeLayer(directory: string): void {
  const layers = dirname(directory);
  const own = join(layers, `${prefix}${process.pid}-${process.hrtime.bigint()}`);
  renameSync(directory, own);
  removeTree(own);
  sweepRemoved(layers);
}

/** Finishes what was interrupted; what another process is removing just now may be gone before we get there. */
function sweepRemoved(layers: string): void {
  for (const name of readdirSync(layers)) {
    try {
      if (name.startsWith(prefix)) removeTree(join(layers, name));
    } catch {}
  }
}
