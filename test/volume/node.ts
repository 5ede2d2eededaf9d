// Processes of a start: the Node that makes the plan, and who has a file open. In: the pid of the executor, a path. Used by
// test/jail/volume.test.ts.
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/** Every process below one. */
function listBelow(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    const children = text.split(" ").filter(Boolean).map(Number);
    return children.flatMap((child) => [child, ...listBelow(child)]);
  } catch {
    return [];
  }
}

/** kill -9 for the Node that an executor has started and waits for. */
export function killNode(executor: number): void {
  const found = listBelow(executor).find(
    (pid) => readlinkSync(`/proc/${pid}/exe`) === realpathSync(process.execPath),
  );
  if (found === undefined) throw new Error(`process ${executor} has no Node`);
  process.kill(found, "SIGKILL");
}

/** How many of the processes below one have a file open, as far as we may see. */
export function countHolders(pid: number, path: string): number {
  const opens = (each: number) =>
    tryList(`/proc/${each}/fd`).some((fd) => tryLink(`/proc/${each}/fd/${fd}`) === path);
  return listBelow(pid).filter(opens).length;
}

/** Node ends while the jail begins. */
function tryList(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function tryLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // closed meanwhile
  }
}
