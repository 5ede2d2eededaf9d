// Bundles the command and the library. In: src/cli.ts and src/index.ts; out: cli.js and index.js, each
// whole in one file, and the library's types. Only koffi stays outside.
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";
import { BuildProblem, root } from "./problem.ts";
import { listFiles, runStep, writeAtomically } from "./stamp.ts";

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
  const result = await build({
    entryPoints: ["cli", "index"].map((name) => join(root, `src/${name}.ts`)),
    outdir: directory,
    bundle: true,
    // A file more costs a start more than code that is not run: what is imported late only waits to be.
    splitting: false,
    format: "esm",
    platform: "node",
    target: "node20",
    plugins: [requireLate],
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module";\nconst require = requireFrom(import.meta.url);',
    },
    legalComments: "none",
    minifySyntax: true,
    minifyWhitespace: true,
    write: false,
    metafile: true,
    logLevel: "silent",
    absWorkingDir: root,
  }).catch((error: unknown) => {
    throw new BuildProblem(`src/ can't be bundled: ${error instanceof Error ? error.message : error}`);
  });
  for (const file of result.outputFiles) writeAtomically(file.path, file.contents);
  return Object.keys(result.metafile.inputs);
}

/**
 * Node's modules and koffi are asked for with require(), by the module that needs them, when that is run: an import
 * would load all of them before the first line, and Node's by way of a facade that reads each of their getters
 * (`fs.ReadStream` brings all streams with it).
 */
const requireLate: Plugin = {
  name: "require late",
  setup({ onResolve, onLoad }) {
    const namespace = "late";
    onResolve({ filter: /^(node:.*|koffi)$/ }, ({ path, namespace: from }) =>
      from === namespace ? { path, external: true } : { path, namespace },
    );
    onLoad({ filter: /./, namespace }, ({ path }) => ({ contents: writeLate(path) }));
  },
};

function writeLate(path: string): string {
  const whole = `const whole = require(${JSON.stringify(path)});\nexport default whole;\n`;
  if (!path.startsWith("node:")) return whole;
  const properties = Object.entries(Object.getOwnPropertyDescriptors(createRequire(import.meta.url)(path)));
  const names = properties.filter(([name, { get }]) => get === undefined && /^[A-Za-z_]\w*$/.test(name));
  return `${whole}export const { ${names.map(([name]) => name).join(", ")} } = whole;\n`;
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
