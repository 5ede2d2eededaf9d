// A kept layer, taken away. In: its directory. Out: nothing of it, whatever modes and depths a jail has left there. It
// is renamed first, so that nobody starts in half of one; what an interrupted removal leaves, the next one takes.
import { chmodSync, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";

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

/** Every directory is moved to the top before it is emptied: so no path becomes longer than PATH_MAX, however deep. */
function removeTree(top: string): void {
  chmodSync(top, 0o700);
  let count = 0;
  const left: string[] = [];
  const takeApart = (directory: string) => {
    for (const name of readdirSync(directory, { encoding: "buffer" })) {
      const path = Buffer.concat([Buffer.from(`${directory}/`), name]);
      if (!lstatSync(path).isDirectory()) {
        unlinkSync(path);
        continue;
      }
      // A directory that gets another parent has to be writable itself (rename(2)).
      chmodSync(path, 0o700);
      const moved = join(top, `${prefix}${process.pid}-${count++}`);
      renameSync(path, moved);
      left.push(moved);
    }
    if (directory !== top) rmdirSync(directory);
  };
  takeApart(top);
  for (let next = left.pop(); next !== undefined; next = left.pop()) takeApart(next);
  rmdirSync(top);
}
