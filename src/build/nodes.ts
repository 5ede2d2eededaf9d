// `npm run test:nodes [-- part of a file's name …]`: the test suite on every Node release line that
// tsjail promises to run on. The interpreters are those of the npm package "node", kept in dist/nodes.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "./build.ts";
import { BuildProblem, root, runScript } from "./problem.ts";

const releases = ["20", "22", "24"];

async function installNode(release: string): Promise<string> {
  const directory = join(root, "dist/nodes", release);
  // What the package "node" would fetch with its install script.
  const name = `node-linux-${process.arch}`;
  const program = join(directory, "node_modules", name, "bin/node");
  if (existsSync(program)) return program;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), "{}\n");
  const { execa } = await import("execa");
  const argv = ["install", "--no-save", "--ignore-scripts", `${name}@${release}`];
  const result = await execa("npm", argv, { cwd: directory, all: true, reject: false });
  if (result.failed || !existsSync(program)) {
    throw new BuildProblem(`Node ${release} can't be installed:\n${result.all}`);
  }
  return program;
}

await runScript(async () => {
  await build({ quiet: true });
  const { execa } = await import("execa");
  const failed: string[] = [];
  for (const release of releases) {
    const program = await installNode(release);
    const { stdout: version } = await execa(program, ["--version"]);
    console.log(`\n== Node ${version} ==`);
    const argv = ["--import", "tsx", join(root, "test/run.ts"), "--no-build", ...process.argv.slice(2)];
    // First on PATH too: the executor and the shim start whatever "node" is found there.
    const env = { PATH: `${dirname(program)}:${process.env.PATH}` };
    const result = await execa(program, argv, { cwd: root, stdio: "inherit", reject: false, env });
    if (result.failed) failed.push(version);
  }
  console.log(
    failed.length === 0 ? `\nall of Node ${releases.join(", ")}: good` : `\nfailed on ${failed.join(", ")}`,
  );
  if (failed.length > 0) process.exitCode = 1;
});
