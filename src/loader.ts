// dist/cli.cjs: starts the bundle (src/cli.ts) with V8's code of an earlier start, where there is one, so that nothing
// has to be parsed and compiled again. In: run.cjs beside it, $XDG_CACHE_HOME/tsjail/code. Out: cli.ts, running; later,
// through launch/code.ts, the code for next time. Nothing here may fail: without the cache everything is as before.
// Each function of Node's is compiled when it is first called, so that few are: no readFileSync(), no Stats but BigIntStats.
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { Script } from "node:vm";
import { readBytes } from "./bytes.ts";
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

/** @param wanted whether it may be used */
function readWhole(
  path: string,
  flags: number,
  wanted: (status: BigIntStats) => boolean,
): Uint8Array<ArrayBuffer> | undefined {
  const descriptor = openSync(path, flags);
  try {
    const status = fstatSync(descriptor, { bigint: true });
    return wanted(status) ? readBytes(descriptor, Number(status.size)) : undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** V8 executes what it is given: nobody else may have had a hand in it. */
function readCode(directory: string, name: string): Uint8Array | undefined {
  try {
    if (!isOurs(lstatSync(directory, { bigint: true }))) return undefined;
    const bytes = readWhole(
      `${directory}/${name}`,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      (status) => status.isFile() && isOurs(status),
    );
    if (bytes === undefined) return undefined;
    // The end of it is there too, whatever happened to the machine while it was written.
    const end = bytes.length - bundleId.length;
    for (let at = 0; at < bundleId.length; at++) {
      if (bytes[end + at] !== bundleId.charCodeAt(at)) return undefined;
    }
    return bytes.subarray(0, end);
  } catch {
    return undefined;
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
  const bytes = readWhole(bundle, constants.O_RDONLY, () => true) ?? new Uint8Array();
  const source = Buffer.from(bytes.buffer).toString("latin1");
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
