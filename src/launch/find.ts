// Finds the executor for this processor, and makes sure that it belongs to this tsjail. In: where the package is and
// the environment. Out: the executor's path, or an error that says what is installed and why. Next: start.ts.
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { TsjailError } from "../error.ts";
import { lookAtVariable, noteUnrepeatable } from "../facts/look.ts";
import { readNote } from "../facts/note.ts";
import { quoteWord } from "../plan/escape.ts";
import { planVersion } from "../plan/operations.ts";

export interface Package {
  readonly packageDirectory: string;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** TSJAIL_FRONT, which the executor sets when it starts Node: "version=0.1.0 …". */
  readonly front: string | undefined;
}

/** Processors there is an executor for, by Node's names. */
const processors = ["x64", "arm64"];

/** @throws TsjailError `executor_missing`, `executor_mismatch` */
export async function findExecutor(from: Package, processor: string = process.arch): Promise<string> {
  const path = locateExecutor(from, processor);
  // The executor that started Node has said its version already.
  const version = readNote(from.front, "version") ?? (await askVersion(path));
  if (version !== from.version) throw explainMismatch(path, version, from);
  return path;
}

/** @throws TsjailError `executor_missing` */
export function locateExecutor(from: Package, processor: string = process.arch): string {
  const chosen = lookAtVariable(from.environment, "TSJAIL_EXECUTOR") ?? "";
  if (chosen !== "") {
    noteUnrepeatable("TSJAIL_EXECUTOR names the executor");
    if (isExecutable(chosen)) return resolve(chosen);
    throw new TsjailError(
      "executor_missing",
      `TSJAIL_EXECUTOR names ${chosen}, which is not an executable file.`,
      {
        hint: "Unset TSJAIL_EXECUTOR, or let it name a tsjail executor.",
      },
    );
  }
  const found = listPlaces(from.packageDirectory, `linux-${processor}`).find(isExecutable);
  if (found === undefined) throw explainMissing(from, processor);
  return found;
}

/** A checkout or an unpacked tarball, then npm's two ways to install a dependency. The same as in bin/tsjail. */
function listPlaces(directory: string, platform: string): string[] {
  return [
    join(directory, "dist", platform, "tsjail"),
    join(directory, "node_modules/@tsjail", platform, "tsjail"),
    join(directory, "../@tsjail", platform, "tsjail"),
  ];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path, { bigint: true }).isFile();
  } catch {
    return false;
  }
}

function explainMissing({ packageDirectory, version }: Package, processor: string): TsjailError {
  const platform = `linux-${processor}`;
  if (!processors.includes(processor)) {
    const known = processors.map((one) => `linux-${one}`).join(" and ");
    return new TsjailError("executor_missing", `There is no executor for this processor (${platform}).`, {
      hint: `tsjail runs on ${known}.`,
    });
  }
  if (existsSync(join(packageDirectory, "native"))) {
    return new TsjailError("executor_missing", `This checkout has no executor for ${platform} yet.`, {
      hint: `Run \`npm run build\` in ${quoteWord(packageDirectory)}`,
    });
  }
  const installed = listInstalled(packageDirectory);
  return new TsjailError("executor_missing", `The executor package @tsjail/${platform} is not installed.`, {
    detail:
      installed.length === 0
        ? "No package of @tsjail/* is installed. They are optional dependencies of tsjail, which\n--omit=optional, --no-optional and some lock files leave out."
        : `Installed: ${installed.join(", ")}. A node_modules directory that was copied from another machine looks so.`,
    hint: `Install it again on this machine: npm install tsjail@${version} --include=optional`,
  });
}

function listInstalled(directory: string): string[] {
  return [join(directory, "node_modules/@tsjail"), join(directory, "../@tsjail")].flatMap((scope) => {
    try {
      return readdirSync(scope).map((name) => `@tsjail/${name}`);
    } catch {
      return [];
    }
  });
}

/** `tsjail-executor VERSION plan PLANVERSION`; the version, or what it said instead. */
async function askVersion(path: string): Promise<string> {
  const { spawnSync } = await import("node:child_process");
  const answer = spawnSync(path, ["--version"], { encoding: "utf8", timeout: 10_000 });
  if (answer.error !== undefined) {
    throw new TsjailError(
      "executor_missing",
      `The executor ${path} can't be started (${answer.error.message}).`,
      {
        hint: "Is it a program for this processor, on a file system that is not mounted noexec?",
        cause: answer.error,
      },
    );
  }
  const match = /^tsjail-executor (\S+) plan (\d+)\n$/.exec(answer.stdout);
  if (match === null) return "unknown";
  return Number(match[2]) === planVersion ? (match[1] ?? "") : `${match[1]} with plan version ${match[2]}`;
}

function explainMismatch(path: string, version: string, from: Package): TsjailError {
  const what = version === "unknown" ? "does not say a version" : `is version ${version}`;
  const chosen = (from.environment.TSJAIL_EXECUTOR ?? "") !== "";
  const checkout = existsSync(join(from.packageDirectory, "native"));
  const again = checkout
    ? `Run \`npm run build\` in ${quoteWord(from.packageDirectory)}`
    : `Install both together: npm install tsjail@${from.version} --include=optional`;
  return new TsjailError(
    "executor_mismatch",
    `The executor ${what}, and tsjail is version ${from.version}.`,
    {
      detail: `The executor is ${quoteWord(path)}`,
      hint: chosen ? "Unset TSJAIL_EXECUTOR, or let it name an executor of the same version." : again,
    },
  );
}
