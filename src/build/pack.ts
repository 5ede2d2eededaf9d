// `npm run pack`: the packages as they are published, in dist/npm. In: the sources, compiled anew;
// out: tsjail, and one @tsjail/linux-* per processor that can be compiled for here. None of them
// has an install script: npm picks the right executor by os and cpu, as an optional dependency.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundle, emitTypes } from "./bundle.ts";
import { compile, findProcessor, type Processor, version } from "./native.ts";
import { collectNotices } from "./notices.ts";
import { BuildProblem, isScript, root, runScript, shown } from "./problem.ts";
import { listFiles, writeAtomically } from "./stamp.ts";

const crossCompilers: Record<Processor, string> = {
  x64: "x86_64-linux-gnu-gcc",
  arm64: "aarch64-linux-gnu-gcc",
};

type Manifest = Record<string, unknown> & { dependencies: Record<string, string> };

const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Packs everything that can be packed here. Out: the tarballs. */
export async function pack(directory: string): Promise<string[]> {
  const stage = join(directory, "stage");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  const stages = [await stageMain(join(stage, "tsjail"))];
  for (const processor of ["x64", "arm64"] as const) {
    const compiler = await findCompiler(processor);
    if (compiler === undefined) {
      console.log(`left out @tsjail/linux-${processor}: there is no ${crossCompilers[processor]} here`);
      continue;
    }
    stages.push(await stageExecutor(join(stage, `linux-${processor}`), processor, compiler));
  }
  const { execa } = await import("execa");
  for (const one of stages) {
    const argv = ["pack", "--ignore-scripts", "--pack-destination", directory];
    const result = await execa("npm", argv, { cwd: one, all: true, reject: false });
    if (result.failed) throw new BuildProblem(`npm pack failed in ${shown(one)}:\n${result.all}`);
  }
  rmSync(stage, { recursive: true });
  return readdirSync(directory).map((name) => join(directory, name));
}

async function stageMain(stage: string): Promise<string> {
  const bundled = await bundle(join(stage, "dist"));
  await emitTypes(join(stage, "dist/types"));
  for (const name of ["bin", "profiles", "README.md", "LICENSE"]) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(stage, name), { recursive: true });
  }
  writeAtomically(join(stage, "dist/licenses.txt"), collectNotices(bundled));
  const { scripts, devDependencies, allowScripts, dependencies, ...kept } = manifest;
  writeManifest(stage, {
    ...kept,
    dependencies: keepImported(dependencies, stage),
    optionalDependencies: { "@tsjail/linux-x64": version, "@tsjail/linux-arm64": version },
  });
  return stage;
}

/** What the packed files still import: the rest is in the bundle. */
function keepImported(dependencies: Record<string, string>, stage: string): Record<string, string> {
  const text = listFiles(join(stage, "dist"), ".js", ".cjs", ".d.ts").map((path) =>
    readFileSync(path, "utf8"),
  );
  const imports = (name: string) =>
    text.some((one) => new RegExp(`(from ?|import\\(|require\\()"${name}["/]`).test(one));
  return Object.fromEntries(Object.entries(dependencies).filter(([name]) => imports(name)));
}

async function stageExecutor(stage: string, processor: Processor, compiler: string): Promise<string> {
  const source = join(root, "native");
  await compile({ source, output: join(stage, "tsjail"), processor, compiler, hosted: false });
  cpSync(join(root, "LICENSE"), join(stage, "LICENSE"));
  const { license, author, engines, repository } = manifest;
  writeManifest(stage, {
    name: `@tsjail/linux-${processor}`,
    version,
    description: `The executor of tsjail for Linux on ${processor}: a dependency of tsjail, not for direct use`,
    license,
    author,
    repository,
    engines,
    os: ["linux"],
    cpu: [processor],
    files: ["tsjail"],
    // A program can't be started from within Yarn's zip files.
    preferUnplugged: true,
  });
  return stage;
}

async function findCompiler(processor: Processor): Promise<string | undefined> {
  if (processor === findProcessor()) return process.env.CC || "cc";
  const { execa } = await import("execa");
  const { failed } = await execa(crossCompilers[processor], ["--version"], { reject: false });
  return failed ? undefined : crossCompilers[processor];
}

function writeManifest(stage: string, content: object): void {
  writeAtomically(join(stage, "package.json"), `${JSON.stringify(content, null, 2)}\n`);
}

if (isScript(import.meta)) {
  await runScript(async () => {
    for (const tarball of await pack(join(root, "dist/npm"))) console.log(shown(tarball));
  });
}
