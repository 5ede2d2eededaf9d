// `package-lock.json` as far as what is installed depends on it. In: the lock file's and package.json's data. Out: what
// is wrong with them, a line each: a package without a hash, from elsewhere than the registry, or with a script that
// runs when it is installed. A script of `npm run check`; `npm ci` itself refuses a lock that does not fit package.json.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BuildProblem, isScript, root, runScript } from "./problem.ts";

/** Packages that may run something when they are installed, and what: whoever adds one here has read it. */
const knownScripts: Readonly<Record<string, string>> = {
  esbuild: "puts the binary of this platform in the place of its launcher",
  fsevents: "compiles, on macOS only",
  koffi: "takes the binary of this platform, or compiles one",
};

export interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

export interface Lock {
  readonly lockfileVersion?: number;
  readonly packages?: Readonly<Record<string, LockedPackage>>;
}

const hash = /^sha512-[A-Za-z0-9+/]{86}==$/;

function findPackageProblems(path: string, each: LockedPackage): string[] {
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const problems: string[] = [];
  if (!path.startsWith("node_modules/") || each.link === true) problems.push("is not from the registry");
  // .npmrc leaves the registry's address out (omit-lockfile-registry-resolved): what has one comes from elsewhere.
  else if (each.resolved !== undefined) problems.push(`comes from ${each.resolved}, not from the registry`);
  if (!hash.test(each.integrity ?? "")) problems.push("has no sha512 hash");
  if (each.hasInstallScript && !Object.hasOwn(knownScripts, name))
    problems.push("runs a script when it is installed: read it, then name it in src/build/lock.ts");
  return problems.map((problem) => `${path} ${problem}`);
}

/** All that is wrong, in words. */
export function findLockProblems({ lockfileVersion, packages = {} }: Lock): string[] {
  const problems = lockfileVersion === 3 ? [] : [`lockfileVersion is ${lockfileVersion}, not 3`];
  const locked = Object.entries(packages).filter(([path]) => path !== "");
  if (locked.length === 0) problems.push("it names no package");
  return [...problems, ...locked.flatMap(([path, each]) => findPackageProblems(path, each))];
}

async function checkLock(): Promise<void> {
  const problems = findLockProblems(
    JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock,
  );
  if (problems.length > 0) throw new BuildProblem(`package-lock.json: ${problems.join("\n  ")}`);
}

if (isScript(import.meta)) await runScript(checkLock);
