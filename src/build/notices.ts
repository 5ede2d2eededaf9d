// The licences of the packages whose code is in the bundle: they ask to be passed on with it.
// In: the files that were bundled; out: one text, published as dist/licenses.txt.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BuildProblem, root } from "./problem.ts";

export function collectNotices(bundledFiles: string[]): string {
  const packages = new Set<string>();
  for (const file of bundledFiles) {
    const directory = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
    if (directory !== undefined) packages.add(directory);
  }
  const notices = [...packages].sort().map((directory) => readNotice(join(root, directory)));
  return `${notices.join(`\n${"-".repeat(80)}\n\n`)}`;
}

function readNotice(directory: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const file = readdirSync(directory).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  if (file === undefined) throw new BuildProblem(`${name} ${version} has no licence file to pass on.`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(directory, file), "utf8").trim()}\n`;
}
