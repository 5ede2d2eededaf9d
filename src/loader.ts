// dist/cli.cjs: starts the bundle (src/cli.ts) with V8's code of an earlier start, where there is one, so that nothing
// has to be parsed and compiled again. In: run.cjs beside it, $XDG_CACHE_HOME/tsjail/code. Out: cli.ts, running; later,
// through launch/code.ts, the code for next time. Nothing here may fail: without the cache everything is as before.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { Script } from "node:vm";
import { cacheDirectory } from "./cache/place.ts";
import { prepareDirectory } from "./cache/store.ts";
import { isOurs } from "./directory.ts";

// A hash of run.cjs, which stands in its first line, too: both come from src/build/bundle.ts.
declare const bundleId: string;

const bundle = `${import.meta.dirname}/run.cjs`;
/** How many are kept: one for each version of Node and of tsjail that is in use. */
const maxFiles = 8;

function findDirectory(): string | undefined {
  const directory = process.argv.includes("--no-cache") ? undefined : cacheDirectory(process.env);
  return directory && `${directory}/code`;
}

/** V8 executes what it is given: nobody else may have had a hand in it. */
function readCode(directory: string, name: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    if (!isOurs(lstatSync(directory))) return undefined;
    descriptor = openSync(
      `${directory}/${name}`,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    const status = fstatSync(descriptor);
    if (!status.isFile() || !isOurs(status)) return undefined;
    const bytes = readFileSync(descriptor);
    // The end of it is there too, whatever happened to the machine while it was written.
    const end = bytes.length - bundleId.length;
    return bytes.toString("latin1", end) === bundleId ? bytes.subarray(0, end) : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function writeCode(directory: string, name: string, code: Buffer): void {
  const fresh = `${directory}/${name}.${process.pid}.new`;
  try {
    if (!prepareDirectory(directory)) return;
    sweep(directory);
    writeFileSync(fresh, Buffer.concat([code, Buffer.from(bundleId)]), { flag: "wx", mode: 0o600 });
    renameSync(fresh, `${directory}/${name}`);
  } catch {
    // The next start tries again.
  }
}

/** Takes away the oldest, and what was left half written. */
function sweep(directory: string): void {
  const files = readdirSync(directory).map((name) => {
    const path = `${directory}/${name}`;
    return { path, time: statSync(path).mtimeMs };
  });
  files.sort((a, b) => b.time - a.time);
  for (const { path } of files.slice(maxFiles - 1)) unlinkSync(path);
}

function load(): void {
  const source = readFileSync(bundle, "latin1");
  const directory = source.startsWith(bundleId, 2) ? findDirectory() : undefined;
  const name = `${bundleId}-${process.version}-${process.arch}`;
  const cachedData = directory === undefined ? undefined : readCode(directory, name);
  const script = new Script(source, { filename: bundle, cachedData });
  const isKept = cachedData !== undefined && script.cachedDataRejected === false;
  const keepCode = (): void => {
    if (directory !== undefined && !isKept) writeCode(directory, name, script.createCachedData());
  };
  script.runInThisContext()(require, exports, module, bundle, import.meta.dirname, keepCode);
}

load();
