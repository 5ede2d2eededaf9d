// The values of single options. In: the text after --bind, --user, … Out: keys of the profile with their values.
// options.ts gives each function its option and puts the option's form and an example under a ValueError.
import { resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { TsjailError } from "./error.ts";
import type { Assignments } from "./options.ts";
import { parseDuration, parseSize } from "./profile/units.ts";

/** A value that is not of the option's form; the message says what is wrong with it. */
export class ValueError extends Error {
  override readonly name = "ValueError";
}

/** KEY=VALUE. A value that is a TOML string, number, boolean, array or table is that; any other is text as it is. */
export function readSetting(text: string): Assignments {
  const equals = findEquals(text);
  if (equals === -1) throw new ValueError("there is no =");
  const key = text.slice(0, equals).trim();
  if (key === "") throw new ValueError("there is no key before the =");
  return { [key]: readTomlValue(text.slice(equals + 1).trim()) };
}

/** The first = that is not inside a quoted part of the key. */
function findEquals(text: string): number {
  const key = /^(?:[^="']|"(?:[^"\\]|\\.)*"|'[^']*')*/.exec(text)?.[0] ?? "";
  return key.length < text.length ? key.length : -1;
}

function readTomlValue(text: string): unknown {
  try {
    const value: unknown = parse(`value = ${text}`).value;
    // A date has no place in a profile, so what looks like one is text; the same goes for inf and nan.
    if (value instanceof Date || (typeof value === "number" && !Number.isFinite(value))) return text;
    return value;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    if (/^["'[{]/.test(text))
      throw new ValueError(`the value is not valid TOML (${firstLine(error.message)})`);
    return text;
  }
}

const firstLine = (text: string) => (text.split("\n", 1)[0] ?? "").replace(/^Invalid TOML document: /, "");

/** SRC[:DST][:ro|rw]; SRC is relative to the current directory, DST is the same path when it is left out. */
export function readBind(text: string, cwd: string): Assignments {
  const parts = text.split(":");
  const mode = parts.length > 1 && /^(ro|rw)$/.test(parts.at(-1) ?? "") ? parts.pop() : "ro";
  const [source, target, ...rest] = parts;
  if (rest.length > 0) throw new ValueError(`${rest.length + 2} parts with colons between them are too many`);
  if (source === undefined || source === "") throw new ValueError("there is no source");
  if (target !== undefined && !target.startsWith("/")) {
    throw new ValueError(`the target "${target}" is not an absolute path, nor is it ro or rw`);
  }
  const path = resolve(cwd, source);
  const to = target === undefined ? path : target;
  return { mount: { type: "bind", source: path, target: to, readonly: mode === "ro" } };
}

/** PATH[:SIZE] */
export function readTmpfs(text: string): Assignments {
  const [target, size, ...rest] = text.split(":");
  if (rest.length > 0) throw new ValueError("there are too many colons");
  if (target === undefined || !target.startsWith("/")) throw new ValueError("the path is not absolute");
  if (size === undefined) return { mount: { type: "tmpfs", target: target } };
  const amount = /^\d+$/.test(size) ? Number(size) : size;
  checkUnit("the size", () => parseSize(amount));
  return { mount: { type: "tmpfs", target: target, size: amount } };
}

/** NAME=VALUE sets, NAME passes the caller's value on. */
export function readEnvironment(text: string): Assignments {
  const equals = text.indexOf("=");
  const name = equals === -1 ? text : text.slice(0, equals);
  if (name === "") throw new ValueError("there is no name");
  if (equals === -1) return { "env.pass": [name] };
  return { "env.set": { [name]: text.slice(equals + 1) } };
}

export function readChoice(text: string, choices: readonly string[]): string {
  if (!choices.includes(text)) throw new ValueError(`"${text}" is neither ${choices.join(" nor ")}`);
  return text;
}

export function readRoot(text: string, cwd: string): Assignments {
  if (text === "") throw new ValueError("there is no directory");
  return { root: { type: "directory", path: resolve(cwd, text) } };
}

export function readImage(text: string): Assignments {
  if (text === "") throw new ValueError("there is no name");
  return { root: { type: "image", image: text } };
}

const largestId = 0xffff_fffe; // (uid_t)-1 means "leave it" to setresuid(2)

/** keep, root or UID[:GID]; without a GID the profile says the group. */
export function readUser(text: string): Assignments {
  if (text === "keep" || text === "root") return { user: { uid: text, gid: text } };
  const match = /^(\d+)(?::(\d+))?$/.exec(text);
  if (match === null) throw new ValueError(`"${text}" is neither keep, root nor a number`);
  const [uid, gid] = [Number(match[1]), match[2] === undefined ? undefined : Number(match[2])];
  for (const id of [uid, gid ?? 0]) {
    if (id > largestId) throw new ValueError(`${id} is not an id; the largest is ${largestId}`);
  }
  return { user: gid === undefined ? { uid } : { uid, gid } };
}

/** 90s, 1h30m … */
export function readDuration(text: string): Assignments {
  checkUnit("the duration", () => parseDuration(text));
  return { "process.timeout": text };
}

function checkUnit(what: string, parseUnit: () => unknown): void {
  try {
    parseUnit();
  } catch (error) {
    if (!(error instanceof TsjailError)) throw error;
    throw new ValueError(`${what} ${error.message}`);
  }
}

/** Only looks at a descriptor's number, at least `least`: it is a matter of the run, not of the profile. */
export function readDescriptor(text: string, least: number): Assignments {
  if (!/^\d{1,7}$/.test(text)) throw new ValueError(`"${text}" is not the number of a file descriptor`);
  if (Number(text) < least) {
    throw new ValueError(least === 3 ? "0, 1 and 2 are always passed" : "0 is standard input");
  }
  return {};
}
