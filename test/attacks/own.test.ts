// time-limit: 300s
// Attacks on tsjail itself by what it reads: a repository that brings a tsjail.toml, a program that would be the executor.
// In: repository.ts. What it keeps for its next start is attacked in test/jail/own.test.ts and own-ways.test.ts.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as assert from "../support/assert.ts";
import { executor } from "../support/executor.ts";
import { type Outcome, watch } from "../support/process.ts";
import type { TestContext } from "../support/suite.ts";
import { attacks, profiles } from "./attack.ts";
import type { Layer } from "./layers.ts";
import { makeRepository as make, runIn } from "./repository.ts";
import { noteResult } from "./results.ts";

const title = "tsjail's own files";
const { test: suite, world } = attacks(title);
const test = suite.needs("userns", "command:cc");

const note = (name: string, layers: readonly Layer[], cve?: string) =>
  noteResult(title, { name, layers, words: () => [], ...(cve === undefined ? {} : { cve }) }, "own", "held");

const makeRepository = (context: TestContext, name?: string) => make(world(), context, name);
const run = (cwd: string, words: readonly string[]) => runIn(world(), cwd, words);

/** A profile that gives everything away. */
const generous = 'extends = "base"\n[files]\nwrite = ["~"]\n[network]\nmode = "host"\n';

async function showsSecret(
  directory: string,
  words: readonly string[],
): Promise<Outcome & { escaped: boolean }> {
  writeFileSync(join(world().home, "letter"), "a secret of the host\n");
  const result = await run(directory, [...words, "cat", join(world().home, "letter")]);
  return { ...result, escaped: result.stdout.includes("a secret") };
}

test("a tsjail.toml that came with a repository is not used", { timeLimit: 60 }, async (context) => {
  const directory = makeRepository(context);
  const file = join(directory, "tsjail.toml");
  const refused = async (what: string, words: readonly string[] = []) => {
    const { escaped, stdout, stderr } = await showsSecret(directory, words);
    assert.not.ok(escaped, `${what}: ${stdout}${stderr}`);
  };
  writeFileSync(file, generous);
  await refused("as it came");
  // The twin: it is what it says, once somebody has looked at it.
  assert.is((await run(directory, ["trust"])).status, 0);
  assert.ok((await showsSecret(directory, [])).escaped, "the twin");
  writeFileSync(file, `${generous}# changed by a pull\n`);
  await refused("changed after it was trusted");
  rmSync(file);
  writeFileSync(join(directory, "other"), `${generous}# another\n`);
  symlinkSync("other", file);
  await refused("a link");
  rmSync(file);
  spawnSync("mkfifo", [file]);
  await refused("a pipe");
  rmSync(file);
  mkdirSync(file);
  await refused("a directory");
  rmSync(file, { recursive: true });
  symlinkSync("/dev/zero", file);
  await refused("a device");
  note("be used as the profile of a repository that was cloned", ["trust"]);
});

test("what a trusted profile extends is trusted with it, as it was", { timeLimit: 60 }, async (context) => {
  const directory = makeRepository(context);
  writeFileSync(join(directory, "tsjail.toml"), 'extends = "./part.toml"\n');
  writeFileSync(join(directory, "part.toml"), 'extends = "base"\n');
  assert.is((await run(directory, ["trust"])).status, 0);
  assert.not.ok((await showsSecret(directory, [])).escaped);
  writeFileSync(join(directory, "part.toml"), generous);
  assert.not.ok((await showsSecret(directory, [])).escaped, "its part was changed");
  await run(directory, ["trust"]);
  assert.ok((await showsSecret(directory, [])).escaped, "the twin");
  note("change what a trusted profile extends", ["trust"]);
});

test("a file called like a shipped profile does not take its place", { timeLimit: 60 }, async (context) => {
  const directory = makeRepository(context);
  for (const name of profiles) {
    writeFileSync(join(directory, `${name}.toml`), generous.replace('"base"', '["base"]'));
    const { escaped, stderr } = await showsSecret(directory, ["-p", name]);
    assert.not.ok(escaped, `${name}: ${stderr}`);
  }
  assert.ok(
    (await showsSecret(directory, ["-p", "./dev.toml"])).escaped,
    "the twin: by its path it is meant",
  );
  note("take the name of a shipped profile", ["trust"]);
});

test("programs of a repository are not run on the way to the jail", { timeLimit: 60 }, async (context) => {
  const directory = makeRepository(context);
  const mark = join(directory, "mark");
  for (const name of [
    "node",
    "sh",
    "tsjail",
    "id",
    "uname",
    "env",
    "dirname",
    "readlink",
    "node_modules/.bin/node",
  ]) {
    mkdirSync(join(directory, "node_modules/.bin"), { recursive: true });
    writeFileSync(join(directory, name), `#!/bin/sh\necho ${name} >>"${mark}"\nexit 0\n`);
    chmodSync(join(directory, name), 0o755);
  }
  for (const name of [".npmrc", ".node_repl_history", "package.json", "tsconfig.json", ".env"]) {
    writeFileSync(
      join(directory, name),
      name.endsWith("json") ? '{"type":"module","main":"./node"}' : "script-shell=./sh\n",
    );
  }
  writeFileSync(join(directory, "node_modules/koffi"), "throw new Error('run')\n");
  for (const profile of ["base", "dev"]) {
    const { status, stderr } = await run(directory, ["-p", profile, "--no-cache", "--", "/bin/true"]);
    assert.is(status, 0, stderr);
  }
  assert.is(spawnSync("test", ["-e", mark]).status, 1);
  assert.is((await run(directory, ["-p", "dev", "--", "./node"])).status, 0);
  assert.match(readFileSync(mark, "utf8"), "node", "the twin: in the jail, as a command");
  note("have its programs run outside, on the way to the jail", ["trust"]);
});

/** A checkout that belongs to whoever runs the tests and may be written to, with its executor. */
function copyCheckout(directory: string): { launcher: string; executor: string } {
  const checkout = resolve(import.meta.dirname, "../..");
  for (const name of ["bin", "dist", "profiles", "package.json"]) {
    cpSync(join(checkout, name), join(directory, name), { recursive: true });
  }
  symlinkSync(join(checkout, "node_modules"), join(directory, "node_modules"));
  const inside = executor().startsWith(checkout) ? executor().slice(checkout.length + 1) : undefined;
  return {
    launcher: join(directory, "bin/tsjail"),
    executor: join(directory, inside ?? "dist/linux-x64/tsjail"),
  };
}

const hash = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

for (const command of ["/proc/self/exe", "./script", "./link"]) {
  test(`a command that leads to the executor itself can't change it: ${command}`, {
    timeLimit: 60,
  }, async (context) => {
    const repository = makeRepository(context);
    const elsewhere = makeRepository(context, "installed");
    const copy = copyCheckout(elsewhere);
    writeFileSync(join(repository, "script"), "#!/proc/self/exe\n");
    chmodSync(join(repository, "script"), 0o755);
    symlinkSync("/proc/self/exe", join(repository, "link"));
    const before = hash(copy.executor);
    const env = { ...process.env, PWD: repository, ...world().env };
    const words = ["-p", "dev", "--timeout", "3s", "--", command, "--version"];
    await watch(spawn(copy.launcher, words, { cwd: repository, env })).ended;
    assert.is(hash(copy.executor), before);
    // The twin: who may open it can change it.
    const shown = ["-p", "dev", "--bind", `${copy.executor}::rw`.replace("::", `:${copy.executor}:`), "--"];
    const twin = await watch(
      spawn(copy.launcher, [...shown, "sh", "-c", 'echo x >>"$1" || echo busy', "sh", copy.executor], {
        cwd: repository,
        env,
      }),
    ).ended;
    assert.ok(hash(copy.executor) !== before || twin.stdout.includes("busy"), twin.stderr);
    note("overwrite the executor through a command that leads to it", ["init not dumpable"], "CVE-2019-5736");
  });
}
