// Where a test process keeps plans: a directory of its own, gone at its end, so that no test is started from a plan
// that another one left, and nothing is left in the home of who runs them. In: nothing. Out: XDG_CACHE_HOME, for every
// tsjail that is started with this environment. suite.ts imports it; the cache itself is tested in test/cache/.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const directory = mkdtempSync(join(tmpdir(), "tsjail-cache-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
process.env.XDG_CACHE_HOME = directory;
