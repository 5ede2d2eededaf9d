// Bundles the command and the library. In: src/; out, in dist/: cli.cjs (loader.ts), which loads run.cjs; that is what
// the start of a jail needs. Every other command is in program.cjs. index.js is the library. Only koffi stays outside.
// CommonJS, since V8's code can be kept for a vm.Script on every Node; and Node starts it sooner than an ES module.

import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import * as os from "node:os";
import { basename, dirname, join } from "node:path";
import type { BuildOptions, Plugin } from "esbuild";
import { BuildProblem, root } from "./problem.ts";
import { listProfiles, parseProfiles, readUnwritten } from "./profiles.ts";
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
    inputs: [...listSources(), ...listProfiles(), ...configuration, import.meta.filename],
    outputs: ["cli.cjs", "run.cjs", "program.cjs", "index.js"].map((name) => join(directory, name)),
  };
  return runStep(step, async () => {
    await bundle(directory);
  });
}

/** Bundles now. Out: the files that went in, relative to the root. */
export async function bundle(directory: string): Promise<string[]> {
  const inputs = new Set<string>();
  const write = async (output: string, options: BuildOptions, prefix = ""): Promise<string> => {
    const result = await buildOne(options);
    for (const input of Object.keys(result.inputs)) inputs.add(input);
    const id = createHash("sha256").update(result.text).digest("hex").slice(0, 16);
    writeAtomically(join(directory, output), prefix === "" ? result.text : `${prefix}${id}\n${result.text}`);
    return id;
  };
  const cli = join(root, "src/cli.ts");
  await write("index.js", { entryPoints: [join(root, "src/index.ts")], format: "esm" });
  await write("program.cjs", { entryPoints: [cli] });
  const define = {
    ...constants,
    parsedProfiles: JSON.stringify(parseProfiles()),
    unwrittenSections: JSON.stringify(readUnwritten()),
  };
  // Short names: V8 has each of them in what it keeps, and reads it at every start. A frame of a bug's report has its
  // place in the file.
  const plugins = [requireOnce, requireLate, initializeLate, leaveCommands];
  const run = { entryPoints: [cli], define, plugins, minifyIdentifiers: true, ...asFunction };
  const id = await write("run.cjs", run, "//");
  const loader = { entryPoints: [join(root, "src/loader.ts")] };
  await write("cli.cjs", { ...loader, define: { ...constants, bundleId: JSON.stringify(id) } });
  return [...inputs];
}

const constants = { "import.meta.filename": "__filename", "import.meta.dirname": "__dirname" };

/** loader.ts compiles it and calls it: that is what V8's code can be kept for. */
const asFunction = {
  banner: { js: "(function(require,exports,module,__filename,__dirname,keepCode){" },
  footer: { js: "})" },
};

async function buildOne(options: BuildOptions): Promise<{ text: string; inputs: object }> {
  const { build } = await import("esbuild");
  const result = await build({
    bundle: true,
    splitting: false,
    format: "cjs",
    platform: "node",
    target: "node20",
    define: constants,
    plugins: [requireLate],
    external: ["koffi"],
    // A vm.Script has no import() of its own: it becomes require().
    supported: { "dynamic-import": false },
    legalComments: "none",
    minifySyntax: true,
    minifyWhitespace: true,
    ...options,
    write: false,
    metafile: true,
    logLevel: "silent",
    absWorkingDir: root,
  }).catch((error: unknown) => {
    throw new BuildProblem(`src/ can't be bundled: ${error instanceof Error ? error.message : error}`);
  });
  return { text: result.outputFiles?.[0]?.text ?? "", inputs: result.metafile?.inputs ?? {} };
}

/** The names that our files import; of others some are getters, which load what no start wants. */
function listImported(builtin: string): string[] {
  const names = listSources().flatMap((path) => {
    const imports = readFileSync(path, "utf8").matchAll(/^import \{([^}]*)\} from "([^"]*)"/gm);
    return [...imports]
      .filter(([, , from]) => from === builtin)
      .flatMap(([, list = ""]) => list.split(",").map((word) => word.trim()))
      .filter((word) => word !== "" && !word.startsWith("type "))
      .map((word) => word.replace(/ as .*/, ""));
  });
  return [...new Set(names)];
}

/** A require() of what Node has takes 5 µs, each time; esbuild writes one for each file that imports it. */
const requireOnce: Plugin = {
  name: "require once",
  setup({ onResolve, onLoad }) {
    const namespace = "once";
    onResolve({ filter: /^node:(fs|path)$/ }, ({ path, namespace: from }) =>
      from === namespace ? { path, external: true } : { path, namespace },
    );
    onLoad({ filter: /./, namespace }, ({ path }) => ({
      contents: `export const { ${listImported(path).join(", ")} } = require("${path}");\n`,
    }));
  },
};

/**
 * What Node has not loaded by itself waits until it is used: node:os, in the few starts that need it. CommonJS has a
 * require() already, and node:module would bring the loader of ES modules with it.
 */
const requireLate: Plugin = {
  name: "require late",
  setup({ onResolve, onLoad }) {
    const namespace = "late";
    onResolve({ filter: /^node:(module|os)$/ }, ({ path, namespace: from }) =>
      from === namespace ? { path, external: true } : { path, namespace },
    );
    onLoad({ filter: /module$/, namespace }, () => ({
      contents: "export const createRequire = () => require;\n",
    }));
    onLoad({ filter: /os$/, namespace }, ({ path }) => {
      const getters = Object.keys(os.constants).map(
        (name) => `get ${name}() { return require("${path}").constants.${name}; },`,
      );
      const functions = listImported(path)
        .filter((name) => name !== "constants")
        .map((name) => `export const ${name} = (...words) => require("${path}").${name}(...words);`);
      return { contents: `export const constants = { ${getters.join("")} };\n${functions.join("\n")}` };
    });
  },
};

/** Of our own files: few starts want what is in them, and it takes a moment to be made. They export functions alone. */
const late = ["image/resolve.ts", "layer/keep.ts", "reporter.ts", "seccomp/oci.ts"].map((path) =>
  join(root, "src", path),
);

const initializeLate: Plugin = {
  name: "initialize late",
  setup({ onResolve, onLoad }) {
    const namespace = "initialized-late";
    onResolve({ filter: /^\.{1,2}\// }, ({ path, namespace: from, resolveDir }) => {
      const file = join(resolveDir, path);
      return from !== namespace && late.includes(file) ? { path: file, namespace } : undefined;
    });
    onLoad({ filter: /./, namespace }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (/^export (?!function|type|interface)/m.test(text)) {
        throw new BuildProblem(`${path} exports more than functions and can't be initialized late`);
      }
      const functions = [...text.matchAll(/^export function (\w+)/gm)].map(([, name]) => name);
      const contents = functions
        .map(
          (name) =>
            `export const ${name} = (...words) => require(${JSON.stringify(path)}).${name}(...words);`,
        )
        .join("\n");
      return { contents, resolveDir: dirname(path) };
    });
  },
};

/**
 * In the place of the commands that are imported when they are wanted, all but `run`: the whole program, which takes
 * over from the beginning. The import that asked for it never ends.
 */
const leaveCommands: Plugin = {
  name: "leave commands",
  setup({ onResolve, onLoad }) {
    const namespace = "left";
    onResolve({ filter: /^\.\/(commands\/)?\w+\.ts$/ }, ({ path, kind, resolveDir }) => {
      const isCommand = basename(dirname(join(resolveDir, path))) === "commands";
      return kind === "dynamic-import" && isCommand && path !== "./run.ts" ? { path, namespace } : undefined;
    });
    onLoad({ filter: /./, namespace }, () => ({
      contents: 'require("./program.cjs");\nexport const then = () => {};\n',
      resolveDir: root,
    }));
    onResolve({ filter: /program\.cjs$/ }, ({ path }) => ({ path, external: true }));
  },
};

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
