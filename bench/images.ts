// Images for rows that measure them: OCI layouts on disk, imported by tsjail itself into the store of the scratch
// directory, and the same layers as directories for the peers. In: entries. Out: paths. Used by rows/image.ts,
// rows/layers.ts and rows/import.ts.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Made, makeTar } from "../test/image/archive.ts";
import { makeImage, makeLayout } from "../test/image/layouts.ts";
import type { Bench } from "./bench.ts";
import { makeFiles } from "./content.ts";
import { findLink } from "./jail.ts";
import { BenchProblem } from "./problem.ts";

/** The command of every image. */
export const insideTrue = ["/usr/bin/inside", "true"];
const fileCount = 200;

function run(bench: Bench, program: string, words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, words, { env: bench.scratch.env, encoding: "utf8" });
  if (status !== 0)
    throw new BenchProblem(`${program} ${words[0]}: ${(error?.message ?? stderr).trim().split("\n")[0]}`);
}

/** @returns the directory of an OCI image layout that has one image, of that name */
export function writeLayout(bench: Bench, name: string, layers: readonly Buffer[]): string {
  const directory = join(bench.scratch.directory, "layouts", name);
  const platform = { os: "linux", architecture: process.arch === "x64" ? "amd64" : process.arch };
  for (const { name: path, flag, content } of makeLayout([makeImage({ layers, name, platform })])) {
    if (flag === "5") mkdirSync(join(directory, path), { recursive: true });
    else writeFileSync(join(directory, path), content ?? "");
  }
  return directory;
}

/** A program, what every root needs, and two hundred files: a file or more in each layer. */
function listLayers(bench: Bench, count: number): Buffer[] {
  const directories = ["dev/", "etc/", "proc/", "usr/", "usr/bin/"].map(
    (name): Made => ({ name, flag: "5" }),
  );
  const program = { name: "usr/bin/inside", mode: 0o755, content: readFileSync(bench.scratch.inside) };
  const all = makeFiles("usr/share", { count: fileCount, least: 64, most: 65536 });
  const [parents, files] = [all.filter(({ flag }) => flag === "5"), all.filter(({ flag }) => flag !== "5")];
  const share = fileCount / count;
  return Array.from({ length: count }, (_, number) => {
    const own = files.slice(number * share, (number + 1) * share);
    const needed = parents.filter(({ name }) => own.some((file) => file.name.startsWith(name)));
    return makeTar(...(number === 0 ? [...directories, program] : []), ...needed, ...own);
  });
}

const unpack = (bench: Bench, archive: string, directory: string): void => {
  mkdirSync(directory, { recursive: true });
  run(bench, "tar", ["-xf", archive, "-C", directory]);
};

export interface Layered {
  /** The image's name in tsjail's store. */
  readonly name: string;
  /** The same layers unpacked, the lowest first. */
  readonly directories: readonly string[];
  /** All of them in one. */
  readonly merged: string;
}

/** The same content in as many layers as are asked for: 1, 10 or 100. */
export function makeLayered(bench: Bench, count: number): Layered {
  const name = `layers-${count}`;
  const place = join(bench.scratch.directory, name);
  const directories = Array.from({ length: count }, (_, number) => join(place, String(number)));
  const merged = join(place, "merged");
  if (!existsSync(place)) {
    const layers = listLayers(bench, count);
    layers.forEach((bytes, number) => {
      const archive = join(place, `${number}.tar`);
      mkdirSync(dirname(archive), { recursive: true });
      writeFileSync(archive, bytes);
      unpack(bench, archive, directories[number] as string);
      unpack(bench, archive, merged);
    });
    run(bench, findLink(bench), ["image", "import", writeLayout(bench, name, layers), "--name", name]);
  }
  return { name, directories, merged };
}

/** What a jail on an image's root is in these rows: bench/profiles/image.toml, with a root. */
export function writeRootProfile(bench: Bench, name: string, root: string): string {
  const base = readFileSync(join(import.meta.dirname, "profiles/image.toml"), "utf8");
  const path = join(bench.scratch.directory, `${name}.toml`);
  writeFileSync(path, `${base}\n[root]\n${root}\n`);
  return path;
}
