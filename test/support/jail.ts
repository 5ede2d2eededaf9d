// Runs the built tsjail for end-to-end tests. In: a profile (a shipped name, a path, or TOML text), options, a
// command. Out: how it ended and what it said. Used by test/jail/ and everything else that needs a real jail.
//
//   const { status, stdout } = await jail({ toml: `hostname = "box"`, command: ["hostname"] });
//   const running = startJail({ profile: "base", command: ["cat"], stdio: [...] });   // to talk to it
//   await running.waitFor("ready\n"); running.child.kill("SIGTERM"); await running.ended;
//   assert.is(await shout({ toml, command }), "text\n");     // stdout; anything but exit status 0 throws
//
// There is no shell in between, and the environment is the caller's own with `env` over it. A plan that is kept for a
// second start of the same command line lies in a directory of this test process's own (cache.ts); where Node has to
// have a part in a start, `options: ["--no-cache"]` says so.
import { type ChildProcess, execFileSync, type StdioOptions, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The launcher of the checkout that this test belongs to. */
export const tsjail = resolve(import.meta.dirname, "../../bin/tsjail");

export interface Jail {
  /** A shipped profile's name, or a path. */
  readonly profile?: string;
  /** A profile's text, which is written to a file of its own; alone, or for a profile that `extends`. */
  readonly toml?: string;
  /** Further options of the command line. */
  readonly options?: readonly string[];
  /** Without one, the profile's own is run. */
  readonly command?: readonly string[];
  /** For standard input, which is empty otherwise. */
  readonly input?: string | Uint8Array;
  /** Over the caller's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** "/" unless told. */
  readonly cwd?: string;
  /** Seconds until SIGKILL and an error; 25 unless told. */
  readonly timeout?: number;
  /** Words before tsjail: a program that executes the rest of its arguments, such as unshare(1). */
  readonly wrapper?: readonly string[];
}

export interface Ending {
  /** null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningJail {
  readonly child: ChildProcess;
  /** What it has written to standard output so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the whole standard output as soon as it contains the text. */
  waitFor(text: string): Promise<string>;
  /** Rejected only when the time is over. */
  readonly ended: Promise<Ending>;
}

const common = `
[env]
pass = ["PATH", "HOME"]

[[mount]]
type = "proc"

[[mount]]
type = "dev"
`;

/** A profile that shows the host's tree, all of it, and hides nothing; tests add further tables. */
export const hostTree = `${common}
[root]
type = "host"
`;

/** The host's programs and libraries, to be put on an empty root or a directory. */
export const hostPrograms = `${common}
${["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc/alternatives", "etc/ld.so.cache"]
  .map((name) => `[[mount]]\ntype = "bind"\nsource = "/${name}"\noptional = true\n`)
  .join("\n")}`;

/** One [[mount]] of a profile's text. */
export function mount(type: string, keys: Readonly<Record<string, string | number | boolean>>): string {
  const lines = Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  return `[[mount]]\ntype = "${type}"\n${lines.join("")}`;
}

/** The command that runs a script, with "$1" and so on for the further words. */
export function sh(script: string, ...words: readonly string[]): string[] {
  return ["sh", "-c", script, "sh", ...words];
}

/** For scripts: `try COMMAND…` says yes or no, by the command's exit status, and nothing of its own words. */
export const attempt = `try() { if "$@" >/dev/null 2>&1; then echo yes; else echo no; fi; }\n`;

/** An empty directory that everybody can read, with no symbolic link in its path; the caller removes it. */
export function makeDirectory(name = "jail"): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), `tsjail-${name}-`)));
  chmodSync(directory, 0o755);
  return directory;
}

/** Takes a directory away, with what is in it, also where modes forbid it. */
export function removeDirectory(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    if (!existsSync(directory)) return;
    execFileSync("chmod", ["-R", "u+rwx", directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Everything below a directory, with what shows that something was done to it: two of them are to be compared. */
export function snapshot(directory: string): Record<string, string> {
  const entries: Record<string, string> = {};
  const visit = (path: string) => {
    const { mode, uid, gid, ino, nlink, size, mtimeMs } = lstatSync(path);
    const facts = [mode.toString(8), uid, gid, ino, nlink, size, mtimeMs];
    entries[path] = facts.join(" ");
    if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) visit(join(path, name));
  };
  visit(directory);
  return entries;
}

/** The whole command line, with the profile's file made; `remove` takes that file away again. */
export function buildCommand(request: Jail): { argv: string[]; remove: () => void } {
  const argv: string[] = [];
  let directory: string | undefined;
  if (request.toml !== undefined) {
    directory = makeDirectory("profile");
    const path = join(directory, "test.toml");
    writeFileSync(path, request.toml);
    argv.push("--profile", path);
  }
  if (request.profile !== undefined) argv.push("--profile", request.profile);
  argv.push(...(request.options ?? []));
  if (request.command !== undefined) argv.push("--", ...request.command);
  return { argv, remove: () => directory !== undefined && removeDirectory(directory) };
}

/** Starts one and leaves it running. With `stdio` of the caller's own nothing is collected. */
export function startJail(request: Jail & { readonly stdio?: StdioOptions }): RunningJail {
  const { argv, remove } = buildCommand(request);
  const cwd = request.cwd ?? "/";
  const [program = tsjail, ...words] = [...(request.wrapper ?? []), tsjail, ...argv];
  const child = spawn(program, words, {
    cwd,
    env: { ...process.env, PWD: cwd, ...request.env },
    stdio: request.stdio ?? "pipe",
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const read = (chunks: Buffer[]) => Buffer.concat(chunks).toString();
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  if (request.stdio === undefined && request.input !== undefined) {
    // A command that does not read its input has closed it: EPIPE is no failure of the test's.
    child.stdin?.on("error", () => {});
    child.stdin?.end(request.input);
  }
  const ended = new Promise<Ending>((fulfil, reject) => {
    const seconds = request.timeout ?? 25;
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      remove();
      reject(
        new Error(
          `the jail ran longer than ${seconds} s: ${argv.join(" ")}\n${read(stdout)}\n${read(stderr)}`,
        ),
      );
    }, seconds * 1000);
    child.once("error", (error) => {
      clearTimeout(timer);
      remove();
      reject(error);
    });
    child.once("close", (status, signal) => {
      clearTimeout(timer);
      remove();
      fulfil({ status, signal, stdout: read(stdout), stderr: read(stderr) });
    });
  });
  // Whoever only waits for a text would otherwise end the process with an unhandled rejection.
  ended.catch(() => {});
  return {
    child,
    stdout: () => read(stdout),
    stderr: () => read(stderr),
    waitFor: (text) => waitForText(child, () => read(stdout), text, ended),
    ended,
  };
}

function waitForText(
  child: ChildProcess,
  read: () => string,
  text: string,
  ended: Promise<Ending>,
): Promise<string> {
  return new Promise((fulfil, reject) => {
    const look = () => {
      if (!read().includes(text)) return;
      child.stdout?.off("data", look);
      fulfil(read());
    };
    child.stdout?.on("data", look);
    look();
    ended.then((ending) => {
      const { status, signal, stdout, stderr } = ending;
      reject(
        new Error(`it ended (${status ?? signal}) without ${JSON.stringify(text)}:\n${stdout}\n${stderr}`),
      );
    }, reject);
  });
}

/** Runs one to its end. Standard input is empty unless `input` is given. */
export function jail(request: Jail): Promise<Ending> {
  return startJail({ ...request, input: request.input ?? "" }).ended;
}

/** Standard output of a jail whose command has to succeed.
 * @throws Error with everything that it said, otherwise */
export async function shout(request: Jail): Promise<string> {
  const { status, signal, stdout, stderr } = await jail(request);
  if (status === 0) return stdout;
  const what = [...(request.options ?? []), ...(request.command ?? [])].join(" ");
  throw new Error(`the jail ended with ${status ?? signal}: ${what}\n${stdout}\n${stderr}`);
}
