// What a build script says when it can't go on: one message for a person, no stack trace.
// Every script ends through runScript.
import { relative } from "node:path";

export class BuildProblem extends Error {
  override name = "BuildProblem";
}

export const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** A path as a person would type it in the checkout. */
export const shown = (path: string): string => relative(process.cwd(), path) || ".";

/** Runs a script's main function and sets the exit code. Anything but a BuildProblem is a bug of ours. */
export async function runScript(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof BuildProblem) console.error(`error: ${error.message}`);
    else console.error(error);
  }
}

/** True when the module is the script that was started, not imported by another. */
export const isScript = (meta: ImportMeta): boolean => process.argv[1] === meta.filename;
