// Bundles the command and the library. In: src/cli.ts and src/index.ts; out: cli.js, index.js, the
// chunks that both share or load late, and the library's types. Only koffi stays outside.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { BuildProblem, root } from "./problem.ts";
import { listFiles, runStep, writeAtomically } from "./stamp.ts";

/** A running tsjail may still load a chunk of the build before this one. */
const oldChunkAge = 10 * 60_000;

const configuration = ["package.json", "package-lock.json", "tsconfig.json"].map((name) => join(root, name));

function listSources(): string[] {
  const buildScripts = join(root, "src/build/");
  return listFiles(join(root, "src"), ".ts", ".json").filter((path) => !path.startsWith(buildScripts));
}

/** True when there was something to do. */
export async function buildBundle(directory: string): Promise<boolean> {
  const step = {
    name: "bundle",
    inputs: [...listSources(), ...configuration, import.meta.filename],
    outputs: [join(directory, "cli.js"), join(directory, "index.js")],
  };
  return runStep(step, async () => {
    await bundle(directory);
  });
}

/** Bundles now. Out: the files that went in, relative to the root. */
export async function bundle(directory: string): Promise<string[]> {
  const { build } = await import("esbuild");
  const entries = ["cli", "index"].map((name) => join(root, `src/${name}.ts`));
  const result = await build({
    entryPoints: entries,
    outdir: directory,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["koffi"],
    chunkNames: "chunks/[name]-[hash]",
    // execa's dependencies are CommonJS and ask for Node's modules with require().
    banner: {
      js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
    },
    legalComments: "none",
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    write: false,
    metafile: true,
    logLevel: "silent",
    absWorkingDir: root,
  }).catch((error: unknown) => {
    throw new BuildProblem(`src/ can't be bundled: ${error instanceof Error ? error.message : error}`);
  });
  // The entry files last: they name chunks, which have to be there by then.
  const files = result.outputFiles.toSorted((a, b) => Number(isChunk(b.path)) - Number(isChunk(a.path)));
  for (const file of files) writeAtomically(file.path, file.contents);
  removeOldChunks(join(directory, "chunks"), new Set(files.map((file) => basename(file.path))));
  return Object.keys(result.metafile.inputs);
}

const isChunk = (path: string): boolean => path.includes("/chunks/");

function removeOldChunks(directory: string, current: Set<string>): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (!current.has(name) && Date.now() - statSync(path).mtimeMs > oldChunkAge) rmSync(path);
  }
}

/** The library's .d.ts files. True when there was something to do. */
export async function buildTypes(directory: string): Promise<boolean> {
  const output = join(directory, "types");
  const step = {
    name: "types",
    inputs: [...listSources(), ...configuration, import.meta.filename],
    outputs: [join(output, "index.d.ts")],
  };
  return runStep(step, () => emitTypes(output));
}

export async function emitTypes(output: string): Promise<void> {
  mkdirSync(dirname(output), { recursive: true });
  const fresh = mkdtempSync(`${output}.`);
  chmodSync(fresh, 0o755);
  const { execa } = await import("execa");
  try {
    const project = writeProject(fresh);
    const options = { cwd: root, all: true, reject: false } as const;
    const result = await execa(join(root, "node_modules/.bin/tsc"), ["-p", project], options);
    if (result.failed) throw new BuildProblem(`the types can't be emitted:\n${result.all}`);
    rmSync(project);
    rmSync(output, { recursive: true, force: true });
    renameSync(fresh, output);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** tsc takes either a project or files, so there is a project of this one file. */
function writeProject(directory: string): string {
  const path = join(directory, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: join(root, "src"),
    outDir: directory,
    typeRoots: [join(root, "node_modules/@types")],
  };
  const files = [join(root, "src/index.ts")];
  writeAtomically(
    path,
    JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, files, include: [] }),
  );
  return path;
}
