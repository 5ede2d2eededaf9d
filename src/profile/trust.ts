// Which profiles may be used just because they lie in the current directory: those whose present content, with all
// that they extend, somebody has looked at and trusted. One small file for each stands in $XDG_DATA_HOME/tsjail/trusted,
// named by a hash of it, so that any change asks again. Used by load.ts and by `tsjail trust`.
import { linkSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { isOurs, makeDirectories } from "../directory.ts";
import { TsjailError } from "../error.ts";
import { lookAtOwner } from "../facts/look.ts";
import { quoteShell } from "../plan/escape.ts";
import { describeErrno, type Source } from "./parse.ts";
import { explainHome } from "./reach.ts";
import { createLookup, type VariableSource } from "./variables.ts";

/** `changed`: another content of the same file was trusted. `foreign`: the record can't be relied on. */
export type Trust = "trusted" | "unknown" | "changed" | "foreign";

/** @throws TsjailError where there is no home directory to keep records in */
export function trustDirectory(source: VariableSource): string {
  const base = createLookup(source)("XDG_DATA_HOME");
  if (base !== undefined) return join(base, "tsjail", "trusted");
  throw new TsjailError("variable_unset", "There is nowhere to remember what is trusted: HOME is not set.", {
    hint: "Set HOME or XDG_DATA_HOME.",
  });
}

/** The name of the record: real path and content of every file that does not come with tsjail, in order. */
export function nameRecord(sources: readonly Source[]): string {
  // Loaded here, since it takes several milliseconds, and few starts have something to hash.
  const { createHash } = createRequire(import.meta.filename)("node:crypto") as typeof import("node:crypto");
  const hash = createHash("sha256");
  for (const { isShipped, realPath, bytes } of sources) {
    if (isShipped) continue;
    // Lengths, so that no path or content can pass for a part of another.
    hash.update(`${Buffer.byteLength(realPath)}:${realPath}${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}

/** What to do where the directory of records can't be used. */
export function hintAt(error: unknown, source: VariableSource): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EACCES" || code === "EPERM" ? explainHome("XDG_DATA_HOME", source) : undefined;
}

/** @param sources as readChain() gives them, the profile itself first
 * @throws TsjailError `profile_untrusted` where the records can't be read */
export function readTrust(sources: readonly Source[], source: VariableSource): Trust {
  let directory: string;
  try {
    directory = trustDirectory(source);
  } catch {
    return "unknown";
  }
  try {
    return lookUp(sources, directory);
  } catch (error) {
    const message = `What is trusted can't be read in ${directory}: ${describeErrno(error)}.`;
    throw new TsjailError("profile_untrusted", message, { hint: hintAt(error, source), cause: error });
  }
}

function lookUp(sources: readonly Source[], directory: string): Trust {
  const own = describeOwnership(directory, "directory");
  if (own !== "own") return own === "missing" ? "unknown" : "foreign";
  const record = describeOwnership(join(directory, nameRecord(sources)), "file");
  if (record !== "missing") return record === "own" ? "trusted" : "foreign";
  const path = mainPath(sources);
  const known = listRecords(directory).some((name) => readRecord(join(directory, name)) === path);
  return known ? "changed" : "unknown";
}

/** Trusts these files with their present content.
 * @returns the path of the record */
export function recordTrust(sources: readonly Source[], source: VariableSource): string {
  const directory = trustDirectory(source);
  const record = join(directory, nameRecord(sources));
  try {
    makeDirectories(directory);
    if (describeOwnership(directory, "directory") !== "own") throw foreignError(directory);
    const state = describeOwnership(record, "file");
    if (state === "foreign") throw foreignError(record);
    if (state === "missing") writeAtomically(record, `${mainPath(sources)}\n`);
    for (const name of listRecords(directory)) {
      const old = join(directory, name);
      if (old !== record && readRecord(old) === mainPath(sources)) unlinkSync(old);
    }
  } catch (error) {
    if (error instanceof TsjailError) throw error;
    throw new TsjailError(
      "profile_untrusted",
      `The trust can't be recorded in ${directory}: ${describeErrno(error)}.`,
      { hint: hintAt(error, source), cause: error },
    );
  }
  return record;
}

const mainPath = (sources: readonly Source[]) => sources[0]?.realPath ?? "";

/** link(2) instead of rename(2): it doesn't replace what somebody else put there meanwhile. */
function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, text, { flag: "wx", mode: 0o600 });
  try {
    linkSync(temporary, path);
  } catch (error) {
    // Another tsjail has recorded the same just now.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || describeOwnership(path, "file") !== "own")
      throw error;
  } finally {
    unlinkSync(temporary);
  }
}

/** Ours alone to write: the right kind, our own, not a symbolic link, writable for nobody else. */
function describeOwnership(path: string, kind: "file" | "directory"): "own" | "foreign" | "missing" {
  const status = lookAtOwner(path);
  if (status === undefined) return "missing";
  const isKind = kind === "file" ? status.isFile() : status.isDirectory();
  return isKind && isOurs(status) ? "own" : "foreign";
}

const listRecords = (directory: string) =>
  readdirSync(directory).filter((name) => /^[0-9a-f]{64}$/.test(name));

function readRecord(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/\n$/, "");
  } catch {
    return ""; // only for the wording of a message and for tidying up
  }
}

function foreignError(path: string): TsjailError {
  return new TsjailError("profile_untrusted", `${path} is not yours alone: others could write to it.`, {
    hint: `Look at it, then remove it: rm -r ${quoteShell(path)}`,
  });
}
