// The options of the command line: one table, from which the parser, --help and the shell completions all come.
// In: what arguments.ts split off argv. Out: a JailRequest, whose overrides are one more layer on the profile's
// keys (profile/load.ts). How the values of single options are read: values.ts.
import { resolve } from "node:path";
import { TsjailError } from "./error.ts";
import type { Override } from "./profile/load.ts";
import {
  readBind,
  readChoice,
  readDescriptor,
  readDuration,
  readEnvironment,
  readImage,
  readRoot,
  readSetting,
  readTmpfs,
  readUser,
  ValueError,
} from "./values.ts";

/** What a shell offers in the place of a value or a word. */
export type Completion =
  | "profile"
  | "file"
  | "directory"
  | "variable"
  | "command"
  | "env"
  | "layer"
  | "volume"
  | readonly string[];

interface Common {
  readonly description: string;
  /** One letter. */
  readonly alias?: string;
}
interface Flag extends Common {
  readonly type: "boolean";
  /** What it says in the profile's terms. */
  readonly overrides?: Assignments;
}
interface Valued extends Common {
  readonly type: "string";
  /** The form of the value, as help and errors show it. */
  readonly valueHint: string;
  readonly example: string;
  readonly complete?: Completion;
  /** May be given more than once; of the others the last one counts. */
  readonly repeat?: true;
  /** What a value says in the profile's terms.
   * @throws ValueError for a value of another form */
  readonly read?: (value: string, cwd: string) => Assignments;
}
export type Option = Flag | Valued;
export type OptionTable = Readonly<Record<string, Option>>;
/** Profile keys and their values. */
export type Assignments = Readonly<Record<string, unknown>>;

export const helpOption = {
  help: { type: "boolean", alias: "h", description: "Show this help" },
} as const satisfies OptionTable;

export const versionOption = {
  version: { type: "boolean", alias: "V", description: "Print the version" },
} as const satisfies OptionTable;

export const jsonOption = {
  json: { type: "boolean", description: "Print JSON, for programs" },
} as const satisfies OptionTable;

/** Options of `run` and `plan`: what the jail is. */
export const jailOptions = {
  profile: {
    type: "string",
    alias: "p",
    valueHint: "NAME|FILE",
    description: "The profile, or @ENVIRONMENT (default: a trusted ./tsjail.toml, else base)",
    example: "--profile dev",
    complete: "profile",
  },
  set: {
    type: "string",
    valueHint: "KEY=VALUE",
    repeat: true,
    description: "Any key of the profile, the value as in TOML",
    example: "--set rlimits.nofile=512",
    read: readSetting,
  },
  bind: {
    type: "string",
    valueHint: "SRC[:DST][:ro|rw]",
    repeat: true,
    description: "Show a host file or directory inside (default: ro)",
    example: "--bind ./data:/data:rw",
    complete: "file",
    read: readBind,
  },
  tmpfs: {
    type: "string",
    valueHint: "PATH[:SIZE]",
    repeat: true,
    description: "An empty directory of the jail's own",
    example: "--tmpfs /scratch:512M",
    complete: "directory",
    read: readTmpfs,
  },
  hide: {
    type: "string",
    valueHint: "PATH",
    repeat: true,
    description: "Put an empty file or directory over a path",
    example: "--hide ~/.ssh",
    complete: "file",
    read: (value, cwd) => ({ "files.hide": [resolve(cwd, value)] }),
  },
  env: {
    type: "string",
    valueHint: "NAME[=VALUE]",
    repeat: true,
    description: "Set a variable, or pass the caller's on",
    example: "--env LANG=C.UTF-8",
    complete: "variable",
    read: readEnvironment,
  },
  net: {
    type: "string",
    valueHint: "none|host",
    description: "The network: only loopback, or the host's",
    example: "--net none",
    complete: ["none", "host"],
    read: (value) => ({ "network.mode": readChoice(value, ["none", "host"]) }),
  },
  root: {
    type: "string",
    valueHint: "DIR",
    description: "A directory that becomes the jail's /",
    example: "--root ./debian",
    complete: "directory",
    read: readRoot,
  },
  image: {
    type: "string",
    valueHint: "NAME",
    description: "An image that becomes the jail's /",
    example: "--image debian:12",
    read: readImage,
  },
  user: {
    type: "string",
    valueHint: "keep|root|UID[:GID]",
    description: "Who the command is inside",
    example: "--user root",
    complete: ["keep", "root"],
    read: readUser,
  },
  hostname: {
    type: "string",
    valueHint: "NAME",
    description: "The host name inside",
    example: "--hostname box",
    read: (value) => ({ hostname: value }),
  },
  workdir: {
    type: "string",
    valueHint: "DIR",
    description: "Where the command starts",
    example: "--workdir /tmp",
    complete: "directory",
    read: (value, cwd) => ({ workdir: resolve(cwd, value) }),
  },
  timeout: {
    type: "string",
    valueHint: "DURATION",
    description: "End the jail after this time (exit status 124)",
    example: "--timeout 90s",
    read: readDuration,
  },
  tty: {
    type: "boolean",
    description: "Give the command a terminal of its own",
    overrides: { "process.tty": "always" },
  },
  "no-tty": {
    type: "boolean",
    description: "Plain descriptors, no terminal",
    overrides: { "process.tty": "never" },
  },
  "no-init": {
    type: "boolean",
    description: "The command itself is pid 1",
    overrides: { "process.init": false },
  },
  "no-cache": {
    type: "boolean",
    description: "Compile the profile anew, and keep nothing of it",
  },
  fd: {
    type: "string",
    valueHint: "N",
    repeat: true,
    description: "Pass an open file descriptor on",
    example: "--fd 3",
    read: (value) => readDescriptor(value, 3),
  },
  "status-fd": {
    type: "string",
    valueHint: "N",
    description: "Write JSON lines about the jail to descriptor N",
    example: "--status-fd 3",
    read: (value) => readDescriptor(value, 1),
  },
} as const satisfies OptionTable;

/** One option as it was given: `text` is how messages and origins name it, e.g. "--bind /a:/b". */
export interface Given {
  readonly name: string;
  readonly value: string;
  readonly text: string;
}

/** What the command line says about a jail. */
export interface JailRequest {
  readonly profile: string | undefined;
  readonly overrides: readonly Override[];
  /** Descriptors of the caller's that the command keeps, beside 0, 1 and 2. */
  readonly passFds: readonly number[];
  readonly statusFd: number | undefined;
}

export function readJailRequest(given: readonly Given[], cwd: string): JailRequest {
  const overrides = dropOverridden(given).flatMap((one) =>
    Object.entries(readAssignments(one, cwd)).map(
      ([key, value]): Override => ({ key, value, option: one.text }),
    ),
  );
  const values = (name: keyof typeof jailOptions) =>
    given.filter((one) => one.name === name).map((one) => one.value);
  const statusFd = values("status-fd").at(-1);
  return {
    profile: values("profile").at(-1),
    overrides,
    passFds: [...new Set(values("fd").map(Number))],
    statusFd: statusFd === undefined ? undefined : Number(statusFd),
  };
}

function readAssignments(given: Given, cwd: string): Assignments {
  const option: Option | undefined = (jailOptions as OptionTable)[given.name];
  if (option === undefined) return {};
  if (option.type === "boolean") return option.overrides ?? {};
  try {
    return option.read?.(given.value, cwd) ?? {};
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const form = `--${given.name} ${option.valueHint}`;
    throw new TsjailError("usage", `${given.text}: ${error.message}.`, {
      hint: `Write ${form}, for example: ${option.example}`,
      cause: error,
    });
  }
}

/** Of an option that says one thing, only the last counts; --tty and --no-tty are one option in that sense. */
function dropOverridden(given: readonly Given[]): Given[] {
  const subject = (one: Given) => (one.name === "no-tty" ? "tty" : one.name);
  return given.filter((one, index) => {
    const option: Option | undefined = (jailOptions as OptionTable)[one.name];
    if (option?.type === "string" && option.repeat === true) return true;
    return !given.slice(index + 1).some((later) => subject(later) === subject(one));
  });
}
