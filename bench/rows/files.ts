// What file systems cost under work with many small files: an archive is unpacked, a repository checked out, packages come
// and go; on the disk itself, and in jails on a bind of it and on overlays of the kernel's and of fuse-overlayfs. In: a
// Bench. Out: entries.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Made, makeTar } from "../../test/image/archive.ts";
import { type Bench, type Candidate, measureTimes, type Side } from "../bench.ts";
import { makeFiles } from "../content.ts";
import { findLink } from "../jail.ts";
import { findProgram } from "../peers.ts";
import { BenchProblem } from "../problem.ts";
import type { Row } from "../row.ts";

const plain = "the disk, no jail";
const layerName = "files";

interface World {
  /** What the work is done from: tree.tar, repository.git and storm. */
  readonly input: string;
  /** The directory on the disk. */
  readonly disk: string;
  /** A root with the host's programs, and a directory to write to. */
  readonly root: string;
}

/** The files of an archive as a commit, in the language of git fast-import(1). */
function formatCommit(files: readonly Made[]): Buffer {
  const parts = files.flatMap(({ name, flag, content = "" }) =>
    flag === "5" ? [] : [`M 100644 inline ${name}\ndata ${content.length}\n`, content, "\n"],
  );
  const head = "commit refs/heads/main\ncommitter bench <bench@example.org> 1600000000 +0000\ndata 0\n";
  return Buffer.concat([head, ...parts].map((part) => Buffer.from(part)));
}

function run(bench: Bench, program: string, words: readonly string[], input: Buffer = Buffer.alloc(0)): void {
  const { status, stderr, error } = spawnSync(program, words, { env: bench.scratch.env, input });
  if (status !== 0)
    throw new BenchProblem(`${program} ${words[0]}: ${error?.message ?? stderr.toString().trim()}`);
}

/** Without git there is no repository, and the row that needs one says so. */
function makeRepository(bench: Bench, path: string, files: readonly Made[]): void {
  if (findProgram("git", bench.scratch.env.PATH ?? "") === undefined) return;
  run(bench, "git", ["init", "--quiet", "--bare", "--initial-branch=main", path]);
  run(bench, "git", ["-C", path, "fast-import", "--quiet"], formatCommit(files));
}

/** The host's /usr is bound into it; what leads there is a link where the host has one. */
function makeRoot(root: string): void {
  for (const name of ["usr", "proc", "dev", "work"]) mkdirSync(join(root, name), { recursive: true });
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    if (lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink())
      symlinkSync(readlinkSync(`/${name}`), join(root, name));
  }
}

function findOrMakeWorld(bench: Bench): World {
  const place = join(bench.scratch.directory, "files");
  const world = { input: join(place, "input"), disk: join(place, "disk"), root: join(place, "root") };
  if (existsSync(place)) return world;
  for (const directory of [world.input, world.disk]) mkdirSync(directory, { recursive: true });
  makeRoot(world.root);
  const files = makeFiles("tree", { count: countFiles(bench), least: 64, most: 24_000 });
  writeFileSync(join(world.input, "tree.tar"), makeTar(...files));
  makeRepository(bench, join(world.input, "repository.git"), files);
  copyFileSync(bench.scratch.storm, join(world.input, "storm"));
  return world;
}

/** Less in a short run. */
const countFiles = (bench: Bench): number => (bench.runs < 3 ? 200 : 10_000);

/** The directories of the top level that are no links to /usr. */
const listTrees = (): string[] =>
  ["/usr", "/bin", "/sbin", "/lib", "/lib64"].filter((path) =>
    lstatSync(path, { throwIfNoEntry: false })?.isDirectory(),
  );

interface Jail {
  readonly side: string;
  /** Lines of [root]. */
  readonly root: string;
  /** Where the work is done: in the jail, and what is emptied on the host. */
  readonly place: string;
  readonly emptied?: string;
  readonly write?: readonly string[];
  readonly note?: string;
}

function listJails(bench: Bench, { disk }: World): Jail[] {
  const kept = (name: string) => join(bench.scratch.env.HOME ?? "", ".local/share/tsjail/layers", name);
  const ephemeral = 'writable = "ephemeral"\n';
  const persistent = (name: string) => `writable = "persistent"\nname = "${name}"\n`;
  const overlays = ["kernel", "fuse"].flatMap((maker): Jail[] => {
    const [title, key] = maker === "kernel" ? ["overlayfs", ""] : ["fuse-overlayfs", 'overlay = "fuse"\n'];
    const name = `${layerName}-${maker}`;
    return [
      { side: `${title}, thrown away`, root: ephemeral + key, place: "/work", note: "the layer is on tmpfs" },
      {
        side: `${title}, kept`,
        root: persistent(name) + key,
        place: "/work",
        emptied: join(kept(name), "upper/work"),
        note: "the layer is on the disk, and written out at the end, as sync(2) does",
      },
    ];
  });
  return [{ side: "a bind", root: "", place: disk, emptied: disk, write: [disk] }, ...overlays];
}

function writeProfile(bench: Bench, world: World, jail: Jail): string {
  const path = join(bench.scratch.directory, `${jail.side.replaceAll(/\W+/g, "-")}.toml`);
  const read = [...listTrees(), world.input];
  writeFileSync(
    path,
    `[root]
type = "directory"
path = ${JSON.stringify(world.root)}
${jail.root}
[files]
read = ${JSON.stringify(read)}
write = ${JSON.stringify(jail.write ?? [])}

[[mount]]
type = "proc"

[[mount]]
type = "dev"

[env]
clear = false
`,
  );
  return path;
}

/** @param script finds the directory to work in as $1 and what to work from as $2 */
function listSides(bench: Bench, script: string): Candidate[] {
  const world = findOrMakeWorld(bench);
  const work = (place: string, text = script) => ["/bin/sh", "-ec", text, "work", place, world.input];
  const { env } = bench.scratch;
  const direct = (side: string, text: string): Side => {
    return { side, argv: work(world.disk, text), env, emptied: world.disk };
  };
  const jails = listJails(bench, world).map((jail): Side => {
    const profile = writeProfile(bench, world, jail);
    const { side, emptied, note } = jail;
    const argv = [findLink(bench), "-p", profile, "--", ...work(jail.place)];
    return { side, argv, env, ...(emptied && { emptied }), ...(note && { note }) };
  });
  return [
    direct(plain, script),
    { ...direct(`${plain}, then sync`, `${script}\nsync -f "$1"`), note: "what a kept layer's end does" },
    ...jails,
  ];
}

function makeRow(name: string, title: string, about: string, makeScript: (bench: Bench) => string): Row {
  return {
    name,
    title,
    unit: "time",
    peer: plain,
    targets: [],
    about,
    measure: (bench) => measureTimes(bench, listSides(bench, makeScript(bench))),
  };
}

export const untar = makeRow(
  "files-untar",
  "tar unpacks 10,000 files",
  "40 MiB of files of 64 bytes to 24 KB, in 211 directories.",
  () => 'tar -xf "$2/tree.tar" -C "$1"',
);

export const git = makeRow(
  "files-git",
  "git checks 10,000 files out, and looks at them",
  "The same files; a clone that shares the repository's objects, `git checkout` and `git status`.",
  () =>
    'git clone -q -s -n "$2/repository.git" "$1/clone"\ncd "$1/clone"\ngit checkout -q main\ntest -z "$(git status --porcelain)"',
);

export const storm = makeRow(
  "files-storm",
  "10,000 small files of 500 packages are written, read and removed",
  "bench/native/storm.c, one process: directories five deep, each file renamed to its name.",
  (bench) => `"$2/storm" "$1" ${countFiles(bench) / 20}`,
);
