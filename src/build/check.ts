// `npm run check`: everything that can be judged without running tsjail. In: the checkout; out: one
// line per check, the whole output of those that fail, and last "N passed, N failed".
// `npm run format` is the same script with --fix: it rewrites what can be rewritten.
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { notAudited } from "./audit.ts";
import { findProcessor, listFlags } from "./native.ts";
import { isScript, root, runScript } from "./problem.ts";
import { listFiles } from "./stamp.ts";

interface Check {
  name: string;
  command: string;
  argv: string[];
  /** The package to install; without the tool the check is left out, but not in CI. */
  optional?: string;
  /** The exit status that says that it could not be done, for no fault of anybody's here: left out, also in CI. */
  undone?: number;
}

const mustWork = process.env.TSJAIL_MUST_WORK === "1";
const program = (name: string): string => join(root, "node_modules/.bin", name);

function listChecks(): Check[] {
  const generator = join(root, "src/build/generate.ts");
  const script = (name: string) => ["--import", "tsx", join(root, `src/build/${name}.ts`)];
  const checks: Check[] = [
    { name: "types", command: program("tsc"), argv: ["-p", "."] },
    { name: "lint and format", command: program("biome"), argv: ["check", "--error-on-warnings", "."] },
    { name: "lock file", command: process.execPath, argv: script("lock") },
    { name: "npm audit", command: process.execPath, argv: script("audit"), undone: notAudited },
  ];
  if (existsSync(generator)) {
    const argv = [...script("generate"), "--check"];
    checks.push({ name: "generated files", command: process.execPath, argv });
  }
  return [...checks, ...listNativeChecks()];
}

function listNativeChecks(): Check[] {
  const native = (...endings: string[]) => {
    return listFiles(join(root, "native"), ...endings).map((path) => relative(root, path));
  };
  const flags = listFlags({ processor: findProcessor(), hosted: false }).filter((flag) => !isForLinker(flag));
  const checks: Check[] = [
    {
      name: "clang-format",
      command: "clang-format",
      argv: ["--dry-run", "-Werror", ...native(".c", ".h")],
      optional: "clang-format",
    },
  ];
  for (const source of native(".c")) {
    checks.push({
      name: `gcc -fanalyzer ${source}`,
      command: "gcc",
      argv: [...flags, "-fanalyzer", "-c", "-o", "/dev/null", source],
      optional: "gcc",
    });
  }
  for (const source of native(".c")) {
    checks.push({
      name: `clang-tidy ${source}`,
      command: "clang-tidy",
      // clang leaves aside what only gcc optimizes.
      argv: [
        ...["--quiet", "--warnings-as-errors=*", source, "--"],
        ...[...flags, "-Wno-ignored-optimization-argument"],
      ],
      optional: "clang-tidy",
    });
  }
  return checks;
}

const isForLinker = (flag: string): boolean =>
  flag.startsWith("-Wl,") || ["-s", "-static-pie", "-nostdlib"].includes(flag);

type Verdict = "passed" | "failed" | "left out";

async function runCheck({ name, command, argv, optional, undone }: Check): Promise<Verdict> {
  const { execa } = await import("execa");
  const started = performance.now();
  const result = await execa(command, argv, { cwd: root, all: true, reject: false });
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  if (!result.failed) {
    console.log(`ok    ${name} (${seconds})`);
    return "passed";
  }
  if (optional !== undefined && result.code === "ENOENT") {
    console.log(
      `${mustWork ? "FAIL " : "none "} ${name}: ${command} is not installed (apt-get install ${optional})`,
    );
    return mustWork ? "failed" : "left out";
  }
  if (undone !== undefined && result.exitCode === undone) {
    console.log(`none  ${name}: ${result.all}`);
    return "left out";
  }
  console.log(`FAIL  ${name} (${seconds})\n${(result.all ?? result.message).replace(/^/gm, "      | ")}`);
  return "failed";
}

async function check(): Promise<void> {
  const verdicts: Verdict[] = [];
  const queue = listChecks();
  const work = async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) verdicts.push(await runCheck(one));
  };
  await Promise.all([work(), work()]);
  const count = (verdict: Verdict) => verdicts.filter((one) => one === verdict).length;
  const leftOut = count("left out") > 0 ? `, ${count("left out")} left out` : "";
  console.log(`${count("passed")} passed, ${count("failed")} failed${leftOut}`);
  if (count("failed") > 0) process.exitCode = 1;
}

async function format(): Promise<void> {
  const { execa } = await import("execa");
  const options = { cwd: root, stdio: "inherit", reject: false } as const;
  await execa(program("biome"), ["check", "--write", "."], options);
  await execa("clang-format", ["-i", ...listFiles(join(root, "native"), ".c", ".h")], options);
}

if (isScript(import.meta)) await runScript(process.argv.includes("--fix") ? format : check);
