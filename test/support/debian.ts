// A Debian for tests, made by debootstrap in a jail as docs/root-emulation.md says, from a mirror on the loopback device.
// In: the mirror that .ci/mirror makes, named by TSJAIL_DEBIAN_MIRROR. Out: one tree for all files of a test run.
//
//   const test = suite("…").needs(...needsDebian);
//   test("…", { timeLimit: 180 }, async (context) => {
//     const tree = await findDebian();                          // to be read only: `tsjail image import` takes it
//     const place = await makePlace(context); await copyDebian(place);    // place.tree can be written to
//     await place.run("tsjail -p ./debian.toml apt-get update");
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { join, normalize, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { readLandlock } from "../../src/facts/landlock.ts";
import { tryLock } from "../../src/image/system.ts";
import type { Capability } from "./capability.ts";
import { scratch } from "./executor.ts";
import { makeDirectory, removeDirectory, tsjail } from "./jail.ts";
import { type Outcome, watch } from "./process.ts";
import type { TestContext } from "./suite.ts";

const mirror = process.env.TSJAIL_DEBIAN_MIRROR ?? "";
const page = resolve(import.meta.dirname, "../../docs/root-emulation.md");
/** Landlock restricts ports since ABI 4, Linux 6.7. */
const restrictsPorts = readLandlock() >= 4;

export const needsDebian: readonly Capability[] = [
  () =>
    existsSync(join(mirror, "suite"))
      ? undefined
      : "no mirror is here: .ci/mirror makes one, and TSJAIL_DEBIAN_MIRROR has to name it",
  "command:debootstrap",
  "userns",
];

type Cleanup = Pick<TestContext, "cleanup">;

/** @returns its port on 127.0.0.1 */
export async function serveMirror({ cleanup }: Cleanup): Promise<number> {
  const server = createServer((request, response) => {
    const path = join(mirror, normalize(decodeURIComponent(request.url ?? "/")));
    const size = statSync(path, { throwIfNoEntry: false });
    if (size?.isFile()) {
      response.writeHead(200, { "content-length": size.size });
      createReadStream(path).pipe(response);
    } else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A directory with the page's profiles, in which its commands work. */
export interface Place {
  readonly directory: string;
  /** directory/debian, which the profiles have as their root */
  readonly tree: string;
  readonly port: number;
  /** A line of the page's, in a shell; 100 s unless told. */
  run(line: string, seconds?: number): Promise<Outcome>;
}

/** What the page has in blocks of a language. */
function readBlocks(language: string): string[] {
  return [...readFileSync(page, "utf8").matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(
    ([, name, text = ""]) => (name === language ? [text] : []),
  );
}

/** The page's commands from nothing to a Debian into which packages are installed: the last does that. */
export function readCommands(): string[] {
  return readBlocks("debian").flatMap((text) =>
    [...text.matchAll(/^\$ (.*)$/gm)].map(([, line = ""]) => line),
  );
}

export interface PlaceWish {
  /** What is to be different about both profiles. */
  readonly change?: (profile: string) => string;
  /** An empty directory, which is the caller's to remove; else one that goes with the test. */
  readonly directory?: string;
  /** Where the mirror is served already. */
  readonly port?: number;
}

export async function makePlace(context: Cleanup, wish: PlaceWish = {}): Promise<Place> {
  const { change = (profile) => profile, directory = makeDirectory("debian") } = wish;
  if (wish.directory === undefined) context.cleanup(() => removeDirectory(directory));
  const port = wish.port ?? (await serveMirror(context));
  const [inside = "", outside = ""] = readBlocks("toml");
  for (const [name, text] of Object.entries({ debian: inside, outside })) {
    const network = `mode = "host"\n${restrictsPorts ? `connect = [${port}]\n` : ""}`;
    writeFileSync(join(directory, `${name}.toml`), change(text.replace('mode = "host"\n', network)));
  }
  copyFileSync(join(mirror, "key.gpg"), join(directory, "key.gpg"));
  const suite = readSuite();
  const here = (line: string) =>
    line
      .replace(/(?<= )debootstrap --foreign (.*) bookworm (\S+)/, (_, options, tree) => {
        return `debootstrap --foreign --keyring="$PWD/key.gpg" ${options} ${suite} ${tree} http://127.0.0.1:${port}`;
      })
      .replace("tsjail", `"${tsjail}"`);
  return {
    directory,
    tree: join(directory, "debian"),
    port,
    run: (line, seconds = 100) => {
      // What the caller's own session says of languages and terminals is not what is tested.
      const env = { PATH: process.env.PATH, HOME: directory, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME };
      return watch(
        spawn("bash", ["-c", here(line)], { cwd: directory, env, stdio: ["ignore", "pipe", "pipe"] }),
        seconds,
      ).ended;
    },
  };
}

/** "bookworm" */
export const readSuite = (): string => readFileSync(join(mirror, "suite"), "utf8").trim();

/** What its packages are signed with, in base64. */
export const mirrorKey = (): string => readFileSync(join(mirror, "key.gpg")).toString("base64");

/** Its apt takes from the mirror at that port, and knows its key. */
export function useMirror({ tree, port }: Pick<Place, "tree" | "port">): void {
  const suite = readSuite();
  writeFileSync(join(tree, "etc/apt/sources.list"), `deb http://127.0.0.1:${port} ${suite} main\n`);
  copyFileSync(join(mirror, "key.gpg"), join(tree, "etc/apt/trusted.gpg.d/mirror.gpg"));
}

async function makeDebian(directory: string): Promise<void> {
  const chores: (() => unknown)[] = [];
  const made = `${directory}.new`;
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made);
  try {
    const place = await makePlace({ cleanup: (work) => void chores.push(work) }, { directory: made });
    for (const line of readCommands().slice(0, -1)) {
      const { status, stdout, stderr } = await place.run(line);
      if (status !== 0) throw new Error(`${line}: ${status}\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`);
    }
    renameSync(place.tree, directory);
  } finally {
    for (const chore of chores) await chore();
    rmSync(made, { recursive: true, force: true });
  }
}

/** Who comes first makes it, and the others wait. It goes with the run. */
export async function findDebian(): Promise<string> {
  const shared = process.env.TSJAIL_TEST_SCRATCH ?? scratch();
  const directory = join(shared, "debian");
  const lock = openSync(`${directory}.lock`, "w");
  try {
    while (!tryLock(lock, "exclusive")) await pause(200);
    if (!existsSync(directory)) await makeDebian(directory);
    return directory;
  } finally {
    closeSync(lock);
  }
}

/** One of the place's own, to be written to. */
export async function copyDebian(place: Place): Promise<void> {
  await promisify(execFile)("cp", ["-a", "--reflink=auto", await findDebian(), place.tree]);
  useMirror(place);
}
