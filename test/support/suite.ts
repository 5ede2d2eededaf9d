// Our thin layer over uvu; every test file imports it, none imports uvu itself.
//
//   import { suite, skip } from "./support/suite.ts";
//   import * as assert from "./support/assert.ts"; // uvu/assert, plus rejects()
//
//   const test = suite("profile");               // no .run(): it starts when the file is loaded
//   test("refuses an unknown key", () => { … });                    // sync or async
//   test("survives a big tree", { timeLimit: 60 }, async ({ signal, cleanup }) => {
//     cleanup(() => rmSync(dir, { recursive: true }));              // runs however the test ends
//   });                                          // 30 s unless told; `signal` aborts at the limit
//   test.needs("userns", "command:strace")("spawns nothing", …);    // else a skip, with the reason
//   test.needs("root")(…)                        // root, user, x64, arm64: not counted elsewhere
//   test("…", () => { if (…) skip("why"); });    // a skip FAILS under TSJAIL_MUST_WORK=1
//   test.before(…); test.after(…);               // once per suite; a throw fails its tests
//
// What happened is written to the file named by TSJAIL_TEST_REPORT; test/run.ts reads it.
import { realpathSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { suite as uvuSuite } from "uvu";
import "./cache.ts";
import { type Capability, isInapplicable, whyMissing } from "./capability.ts";

export interface TestContext {
  /** Aborted when the test's time limit is reached. */
  signal: AbortSignal;
  /** Registers work to be done, last in first out, however the test ends. */
  cleanup(work: () => unknown): void;
}
export interface TestOptions {
  /** Seconds; 30 unless told. */
  timeLimit?: number;
}
export type TestBody = (context: TestContext) => unknown;

export interface Register {
  (title: string, body: TestBody): void;
  (title: string, options: TestOptions, body: TestBody): void;
}
export interface Suite extends Register {
  needs(...capabilities: Capability[]): Register;
  before(body: () => unknown): void;
  after(body: () => unknown): void;
}

/** What a test process leaves for the runner. */
export interface Report {
  registered: number;
  passed: number;
  failed: number;
  inapplicable: number;
  skipped: { title: string; reason: string }[];
}

class Skip extends Error {
  override name = "Skip";
}

const report: Report = { registered: 0, passed: 0, failed: 0, inapplicable: 0, skipped: [] };
const pending: (() => void)[] = [];
const mustWork = process.env.TSJAIL_MUST_WORK === "1";
const grep = process.env.TSJAIL_TEST_GREP ?? "";

/** Ends the running test as skipped. */
export function skip(reason: string): never {
  throw new Skip(reason);
}

/** A named group of tests. */
export function suite(name: string): Suite {
  const inner = uvuSuite(name);
  let prepare: () => unknown = () => {};
  let prepared: Promise<unknown> | undefined;

  const register = (
    capabilities: Capability[],
    title: string,
    options: TestOptions,
    body: TestBody,
  ): void => {
    if (!`${name} ${title}`.includes(grep)) return;
    if (capabilities.some(isInapplicable)) {
      report.inapplicable++;
      return;
    }
    report.registered++;
    inner(title, () =>
      settle(title, async () => {
        for (const capability of capabilities) {
          const reason = await whyMissing(capability);
          if (reason !== undefined) skip(reason);
        }
        prepared ??= (async () => prepare())();
        await prepared;
        await runLimited(body, options.timeLimit ?? 30);
      }),
    );
  };
  const registerFor = (capabilities: Capability[]): Register => {
    return (title: string, ...rest: [TestBody] | [TestOptions, TestBody]) => {
      if (rest.length === 1) register(capabilities, title, {}, rest[0]);
      else register(capabilities, title, rest[0], rest[1]);
    };
  };

  pending.push(() => inner.run());
  return Object.assign(registerFor([]), {
    needs: (...capabilities: Capability[]) => registerFor(capabilities),
    before: (body: () => unknown) => {
      prepare = body;
    },
    after: (body: () => unknown) => inner.after(() => tidyUp(name, body)),
  });
}

/** Runs one test and books its outcome. uvu sees only Errors: it dies on anything else thrown. */
async function settle(title: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    report.passed++;
  } catch (thrown) {
    if (thrown instanceof Skip && !mustWork) {
      report.skipped.push({ title, reason: thrown.message });
      return;
    }
    report.failed++;
    if (thrown instanceof Skip) throw new Error(`skipped under TSJAIL_MUST_WORK=1: ${thrown.message}`);
    if (thrown instanceof Error) throw thrown;
    throw new Error(`the test threw something that is not an Error: ${String(thrown)}`);
  } finally {
    if (isDone()) watchForLeftovers();
  }
}

/** A server or child that a test left open would hold the process until the file's time limit. */
function watchForLeftovers(): void {
  const timer = setTimeout(() => {
    console.error(`\nstill open 10 s after the last test: ${process.getActiveResourcesInfo().join(", ")}`);
    process.exit(1);
  }, 10_000);
  timer.unref();
}

const isDone = () => report.passed + report.failed + report.skipped.length >= report.registered;

async function runLimited(body: TestBody, seconds: number): Promise<void> {
  const abort = new AbortController();
  const chores: (() => unknown)[] = [];
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`the test ran into its time limit of ${seconds} s`));
      abort.abort();
    }, seconds * 1000);
  });
  try {
    const context = { signal: abort.signal, cleanup: (work: () => unknown) => void chores.push(work) };
    await Promise.race([(async () => body(context))(), limit]);
  } finally {
    clearTimeout(timer);
    for (const chore of chores.reverse()) await chore();
  }
}

async function tidyUp(name: string, body: () => unknown): Promise<void> {
  try {
    await body();
  } catch (thrown) {
    // uvu would end without a summary here, so the failure is booked and the rest goes on.
    report.failed++;
    console.error(`\nafter() of suite "${name}" failed:`, thrown);
  }
}

/** Resolves when the test file, with every top-level await in it, has been evaluated. */
async function whenLoaded(): Promise<void> {
  const file = process.argv[1];
  if (file === undefined) return;
  // The same URL gives the module that is being loaded already, not a second copy of it.
  await import(pathToFileURL(realpathSync(file)).href);
}

whenLoaded().then(
  () => {
    for (const run of pending) run();
  },
  () => {}, // Node reports a file that can't be loaded, and exits with 1
);

process.on("exit", () => {
  if (report.failed > 0 || !isDone()) process.exitCode = 1;
  const path = process.env.TSJAIL_TEST_REPORT;
  if (path !== undefined) writeFileSync(path, JSON.stringify(report));
});
