// time-limit: 300s
// The packages as users get them: packed, installed by an ordinary user without install scripts,
// and started. In: the sources; out: tarballs in a temporary directory. Their dependencies come
// from npm's cache or its registry.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../src/build/native.ts";
import { pack } from "../src/build/pack.ts";
import { root } from "../src/build/problem.ts";
import * as assert from "./support/assert.ts";
import { suite } from "./support/suite.ts";

const test = suite("package");
const platform = `linux-${process.arch}`;
const scratch = mkdtempSync(join(tmpdir(), "tsjail-package-"));
/** Root installs as somebody else: what an ordinary user gets is what counts. */
const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
let tarballs: string[] = [];

test.before(async () => {
  tarballs = (await pack(join(scratch, "packed"))).filter(
    (path) => !path.includes("linux-") || path.includes(platform),
  );
  chmodSync(scratch, 0o777);
});
test.after(() => rmSync(scratch, { recursive: true }));

interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(cwd: string, command: string, ...argv: string[]): Result {
  const { TSJAIL_EXECUTOR, ...inherited } = process.env;
  const kept = Object.entries(inherited).filter(
    ([name]) => !name.startsWith("npm_") && !name.startsWith("XDG_"),
  );
  const env = {
    ...Object.fromEntries(kept),
    HOME: join(scratch, "home"),
    npm_config_update_notifier: "false",
    npm_config_prefer_offline: "true",
    npm_config_audit: "false",
    npm_config_fund: "false",
  };
  const { status, stdout, stderr, error } = spawnSync(command, argv, { cwd, env, encoding: "utf8", ...user });
  if (error !== undefined) throw error;
  return { code: status, stdout, stderr };
}

/** The command as the user, which has to succeed. */
function succeeds(cwd: string, command: string, ...argv: string[]): string {
  const { code, stdout, stderr } = run(cwd, command, ...argv);
  assert.is(code, 0, `${command} ${argv.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

/** A directory of the user, with the packages installed in it; made once. */
function install(): string {
  const directory = join(scratch, "an app");
  if (existsSync(directory)) return directory;
  for (const path of [join(scratch, "home"), directory]) {
    mkdirSync(path);
    chmodSync(path, 0o777);
  }
  writeFileSync(join(directory, "package.json"), '{ "private": true, "type": "module" }\n');
  chmodSync(join(directory, "package.json"), 0o666);
  succeeds(directory, "npm", "install", "--ignore-scripts", ...tarballs);
  return directory;
}

const readManifest = (directory: string) => JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));

test("the tarballs are ours, for this processor at least", () => {
  assert.is(tarballs.length, 2, tarballs.join());
});

test("no package has a script that npm would run, and versions agree", () => {
  const modules = join(install(), "node_modules");
  const main = readManifest(join(modules, "tsjail"));
  const executor = readManifest(join(modules, `@tsjail/${platform}`));
  assert.is(main.scripts, undefined);
  assert.is(main.devDependencies, undefined);
  assert.is(executor.scripts, undefined);
  assert.is(executor.version, version);
  assert.equal(main.optionalDependencies, { "@tsjail/linux-x64": version, "@tsjail/linux-arm64": version });
  assert.equal([executor.os, executor.cpu], [["linux"], [process.arch]]);
});

test("the package holds what it needs and no more", () => {
  const directory = join(install(), "node_modules/tsjail");
  const expected = ["LICENSE", "bin", "dist", "package.json", "profiles"];
  assert.equal(
    readdirSync(directory)
      .filter((name) => name !== "README.md")
      .sort(),
    expected,
  );
  assert.match(readFileSync(join(directory, "dist/licenses.txt"), "utf8"), /^smol-toml [\d.]+ \(BSD/m);
});

test("the installed command starts, from node_modules/.bin and through npx", { timeLimit: 60 }, () => {
  const directory = install();
  assert.match(succeeds(directory, "node_modules/.bin/tsjail", "--version"), new RegExp(`\\b${version}\\b`));
  assert.match(
    succeeds(directory, "npx", "--no-install", "tsjail", "--version"),
    new RegExp(`\\b${version}\\b`),
  );
});

test("the library can be imported", () => {
  const script = 'const it = await import("tsjail"); console.log(Object.keys(it).length > 0);';
  assert.is(succeeds(install(), "node", "--input-type=module", "-e", script), "true\n");
});

test("its types stand without ours", () => {
  const directory = install();
  writeFileSync(
    join(directory, "user.ts"),
    'import * as tsjail from "tsjail";\nexport const it: object = tsjail;\n',
  );
  const options = ["--noEmit", "--module", "nodenext", "--target", "es2023", "--strict", "--typeRoots"];
  const tsc = join(root, "node_modules/.bin/tsc");
  const argv = [...options, join(root, "node_modules/@types"), "--types", "node", "user.ts"];
  const { status, stdout } = spawnSync(tsc, argv, { cwd: directory, encoding: "utf8" });
  assert.is(status, 0, stdout);
});

test("a global installation starts", { timeLimit: 60 }, () => {
  install();
  const prefix = join(scratch, "home/a prefix");
  succeeds(scratch, "npm", "install", "--ignore-scripts", "--global", "--prefix", prefix, ...tarballs);
  assert.match(succeeds("/", join(prefix, "bin/tsjail"), "--version"), new RegExp(`\\b${version}\\b`));
});

test("without its executor it says why, and what to do", { timeLimit: 60 }, () => {
  install();
  const directory = join(scratch, "home/without");
  succeeds(scratch, "mkdir", directory);
  const [main = ""] = tarballs.filter((path) => !path.includes("linux-"));
  succeeds(directory, "npm", "install", "--ignore-scripts", "--omit=optional", "--prefix", directory, main);
  const { code, stderr } = run(directory, "node_modules/.bin/tsjail", "--version");
  assert.is(code, 125);
  assert.match(
    stderr,
    /^tsjail: the executor package @tsjail\/linux-\w+ is missing \(installed: none of @tsjail/,
  );
});
