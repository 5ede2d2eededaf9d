// `npm run build [-- --sanitize] [--force]`: generated files, the bundle, its types, the executor.
// In: the sources; out: dist/. A step whose inputs are unchanged is skipped. `npm ci` runs it as
// "prepare" (npx would too: there it is left out); the published packages run nothing at all.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildBundle, buildTypes } from "./bundle.ts";
import { buildNative, planNative } from "./native.ts";
import { BuildProblem, isScript, root, runScript } from "./problem.ts";
import { listFiles, runStep } from "./stamp.ts";

export interface BuildOptions {
  sanitize?: boolean;
  quiet?: boolean;
}

const dist = join(root, "dist");

export async function build({ sanitize = false, quiet = false }: BuildOptions = {}): Promise<void> {
  const say = (text: string) => {
    if (!quiet) console.log(text);
  };
  const ran = async (what: string, work: Promise<boolean>) =>
    say(`${(await work) ? "built  " : "current"} ${what}`);
  await ran("generated files", generate());
  const steps = await Promise.allSettled([
    ran("dist/cli.cjs, dist/index.js", buildBundle(dist)),
    ran("dist/types", buildTypes(dist)),
    ran("the executor", buildNative(planNative())),
  ]);
  for (const step of steps) if (step.status === "rejected") throw step.reason;
  if (sanitize) await ran("dist/sanitize/tsjail", buildNative(planNative(true)));
}

/** Whatever is generated from the tables in src/ and kept in the repository. */
async function generate(): Promise<boolean> {
  const script = join(root, "src/build/generate.ts");
  if (!existsSync(script)) return false;
  const inputs = [...listFiles(join(root, "src"), ".ts"), join(root, "package.json")];
  return runStep({ name: "generate", inputs, outputs: [join(root, "native/ops.h")] }, async () => {
    const { execa } = await import("execa");
    const argv = ["--import", "tsx", script, "--write"];
    const result = await execa(process.execPath, argv, { cwd: root, all: true, reject: false });
    if (result.failed) throw new BuildProblem(`the generated files can't be written:\n${result.all}`);
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sanitize: { type: "boolean", default: false },
      force: { type: "boolean", default: false },
    },
  });
  if (values.force) rmSync(join(dist, ".stamps"), { recursive: true, force: true });
  await build({ sanitize: values.sanitize });
}

if (isScript(import.meta)) await runScript(main);
