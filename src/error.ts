// One error class for everything that tsjail says to a person. `code` is a closed union; the table here holds the
// exit status and the general meaning of each, and docs/errors.md is generated from it. cli.ts prints it.

import { escapeControls } from "./plan/escape.ts";

interface ErrorType {
  readonly exit: 1 | 2 | 125 | 126 | 127;
  readonly about: string;
}

export const errorTypes = {
  usage: {
    exit: 125,
    about: "The command line can't be understood: an unknown option, a value of the wrong form.",
  },
  profile_not_found: { exit: 125, about: "No profile of that name or path." },
  profile_unreadable: { exit: 125, about: "A profile, or a file that it names, can't be read." },
  profile_syntax: { exit: 125, about: "A profile is not valid TOML." },
  profile_invalid: { exit: 125, about: "A profile has unknown keys or values that don't fit." },
  profile_conflict: { exit: 125, about: "Two parts of a profile contradict each other." },
  profile_cycle: { exit: 125, about: "A profile extends itself, directly or through others." },
  profile_untrusted: { exit: 125, about: "./tsjail.toml has not been trusted, or has changed since." },
  variable_unset: { exit: 125, about: "A profile uses a variable that is not set and has no default." },
  host_unsupported: { exit: 125, about: "This host can't do what the profile asks for." },
  executor_missing: { exit: 125, about: "The native executor for this platform is not installed." },
  executor_mismatch: { exit: 125, about: "The native executor belongs to another version of tsjail." },
  plan_invalid: { exit: 125, about: "A plan file is damaged or belongs to another version of tsjail." },
  layer_not_found: { exit: 125, about: "No layer of that name is kept." },
  layer_busy: { exit: 125, about: "A jail is writing to the layer." },
  layer_failed: { exit: 125, about: "A kept layer can't be read or removed." },
  volume_not_found: { exit: 125, about: "No volume of that name is kept." },
  volume_busy: { exit: 125, about: "A jail has the volume." },
  volume_failed: { exit: 125, about: "A volume can't be made, read or removed." },
  image_not_found: { exit: 125, about: "No image of that name is in the store." },
  image_invalid: { exit: 125, about: "An image or an archive is damaged, hostile or of an unknown form." },
  store_failed: { exit: 125, about: "The store of images can't be read or written, or is in use." },
  registry_failed: {
    exit: 125,
    about: "A registry can't be reached, refuses something, or sends something else than it should.",
  },
  env_not_found: { exit: 125, about: "There is no environment of that name." },
  env_failed: { exit: 125, about: "An environment can't be made, read or removed." },
  start_failed: { exit: 125, about: "The kernel refused a step of the jail's start." },
  command_not_executable: { exit: 126, about: "The command was found and can't be executed." },
  command_not_found: { exit: 127, about: "The command does not exist inside the jail." },
  internal: { exit: 125, about: "A bug in tsjail." },
} as const satisfies Record<string, ErrorType>;

export type ErrorCode = keyof typeof errorTypes;

/** Where something was asked for: a key of a profile, and its place. Lines and columns count from 1. */
export interface Origin {
  readonly file: string;
  readonly key?: string;
  readonly line?: number;
  readonly column?: number;
}

export interface ErrorDetails {
  /** What to do about it, in the imperative; may have several lines. */
  readonly hint?: string | undefined;
  readonly origin?: Origin | undefined;
  /** Shown below the message: a source line with a caret, or a list of further problems. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

export class TsjailError extends Error {
  override readonly name = "TsjailError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly origin: Origin | undefined;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.origin = details.origin;
    this.detail = details.detail;
  }

  /** The exit status of a command line tool that ends with this error. */
  get exitStatus(): number {
    return errorTypes[this.code].exit;
  }
}

/** The same error, with where it was asked for, unless it says so already. What else was thrown stays as it is. */
export function addOrigin(error: unknown, origin: Origin): unknown {
  if (!(error instanceof TsjailError) || error.origin !== undefined) return error;
  const { code, message, hint, detail, cause } = error;
  return new TsjailError(code, message, { hint, detail, cause, origin });
}

/** "files.write[2] in dev.toml:14", as plans and messages write it. */
export function formatOrigin(origin: Origin): string {
  const place = origin.line === undefined ? origin.file : `${origin.file}:${origin.line}`;
  return origin.key === undefined ? place : `${origin.key} in ${place}`;
}

/** The whole message as a person reads it: what failed, where, why, what to do. No trailing newline. Names and values in
 * it may be anybody's: the message and the origin are one line each, whatever is in them. */
export function formatError(error: TsjailError): string {
  const lines = [escapeControls(error.message)];
  // Without a key the message itself says the place: a syntax error's file, line and column.
  if (error.origin?.key !== undefined)
    lines.push(`  asked for by ${escapeControls(formatOrigin(error.origin))}`);
  if (error.detail !== undefined) lines.push(...error.detail.split("\n").map((line) => `  ${line}`));
  if (error.hint !== undefined) {
    const [first, ...rest] = error.hint.split("\n");
    lines.push(`  hint: ${first}`, ...rest.map((line) => `        ${line}`));
  }
  return escapeControls(lines.join("\n"), "\n");
}
