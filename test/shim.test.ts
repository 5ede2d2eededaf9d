// bin/tsjail: wherever it is installed, and by whatever shell it is run, it finds its package and
// the executor without starting a process. In: package layouts with a stand-in executor that prints
// its arguments; test/package.test.ts does the same with real packages.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import * as assert from "./support/assert.ts";
import { suite, type TestContext } from "./support/suite.ts";

const test = suite("shim");
const shim = join(import.meta.dirname, "../bin/tsjail");
const platform = `linux-${process.arch}`;
const other = process.arch === "x64" ? "linux-arm64" : "linux-x64";
const shells: Record<string, string[]> = { dash: ["dash"], bash: ["bash"], busybox: ["busybox", "sh"] };
const awkward = ["--profile", "a b", "", "*", "$HOME", "it's", "--", "\\n", '"'];

interface Call {
  argv: string[];
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

function scratch({ cleanup }: TestContext): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "tsjail shim ")));
  cleanup(() => rmSync(directory, { recursive: true }));
  return directory;
}

function writeExecutor(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\0' "$0" "$@"\n`);
  chmodSync(path, 0o755);
}

function writePackage(root: string, executor: string): string {
  mkdirSync(join(root, "bin"), { recursive: true });
  cpSync(shim, join(root, "bin/tsjail"));
  writeFileSync(join(root, "package.json"), "{}");
  writeExecutor(resolve(root, executor));
  return root;
}

function link(target: string, path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
  return path;
}

function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { TSJAIL_EXECUTOR, ...env } = process.env;
  return { ...env, ...more };
}

/** Runs it, and says which executor and which root it came to. */
function follow({ argv, cwd, env }: Call): { executor: string; root: string } {
  const [command = "", ...rest] = [...argv, ...awkward];
  const options = { encoding: "utf8", cwd: cwd ?? "/", env: environment(env) } as const;
  const { stdout, stderr, status } = spawnSync(command, rest, options);
  assert.is(status, 0, stderr);
  const [executor = "", front, root = "", ...given] = stdout.split("\0").slice(0, -1);
  assert.is(front, "--front");
  assert.equal(given, awkward);
  const at = (path: string) => (path.startsWith("/") ? path : `${cwd}/${path}`);
  // Node takes ".." out of a path as text, the kernel follows links first: both have to arrive.
  assert.is(realpathSync(resolve(at(root))), realpathSync.native(at(root)));
  return { executor: realpathSync.native(at(executor)), root: realpathSync(at(root)) };
}

function countProcesses(call: Call): number {
  const trace = join(mkdtempSync(join(tmpdir(), "tsjail-trace-")), "trace");
  const argv = ["-f", "-qq", "-e", "trace=clone,clone3,fork,vfork", "-o", trace, ...call.argv];
  const { error } = spawnSync("strace", argv, { cwd: call.cwd ?? "/", env: environment(call.env) });
  const lines = error === undefined ? readFileSync(trace, "utf8") : "";
  rmSync(dirname(trace), { recursive: true });
  if (error !== undefined) throw error;
  return lines.split("\n").filter((line) => /\b(clone3?|v?fork)\(/.test(line)).length;
}

interface Layout {
  root: string;
  executor?: string;
  call: Call;
}

const layouts: Record<string, (at: string) => Layout> = {
  "a checkout, called directly": (at) => {
    const root = writePackage(`${at}/my checkout`, `dist/${platform}/tsjail`);
    return { root, call: { argv: [`${root}/bin/tsjail`] } };
  },
  "a relative path": (at) => {
    const root = writePackage(`${at}/checkout`, `dist/${platform}/tsjail`);
    return { root, call: { argv: ["bin/tsjail"], cwd: root } };
  },
  "a relative path that goes up": (at) => {
    const root = writePackage(`${at}/checkout`, `dist/${platform}/tsjail`);
    return { root, call: { argv: ["../bin/tsjail"], cwd: `${root}/dist` } };
  },
  "its own directory": (at) => {
    const root = writePackage(`${at}/checkout`, `dist/${platform}/tsjail`);
    return { root, call: { argv: ["./tsjail"], cwd: `${root}/bin` } };
  },
  "node_modules/.bin": (at) => {
    const modules = `${at}/app with space/node_modules`;
    const root = writePackage(`${modules}/tsjail`, `../@tsjail/${platform}/tsjail`);
    return { root, call: { argv: [link("../tsjail/bin/tsjail", `${modules}/.bin/tsjail`)] } };
  },
  "an executor below the package": (at) => {
    const modules = `${at}/node_modules`;
    const root = writePackage(`${modules}/tsjail`, `node_modules/@tsjail/${platform}/tsjail`);
    return { root, call: { argv: [link("../tsjail/bin/tsjail", `${modules}/.bin/tsjail`)] } };
  },
  "node_modules/.bin of the checkout": (at) => {
    const root = writePackage(`${at}/checkout`, `dist/${platform}/tsjail`);
    return { root, call: { argv: [link("../../bin/tsjail", `${root}/node_modules/.bin/tsjail`)] } };
  },
  "a global prefix": (at) => {
    const root = writePackage(`${at}/lib/node_modules/tsjail`, `node_modules/@tsjail/${platform}/tsjail`);
    return { root, call: { argv: [link("../lib/node_modules/tsjail/bin/tsjail", `${at}/bin/tsjail`)] } };
  },
  "npm link": (at) => {
    const root = writePackage(`${at}/checkout`, `dist/${platform}/tsjail`);
    link(root, `${at}/lib/node_modules/tsjail`);
    return { root, call: { argv: [link("../lib/node_modules/tsjail/bin/tsjail", `${at}/bin/tsjail`)] } };
  },
  "a directory that is a link": (at) => {
    const root = writePackage(`${at}/checkout`, `dist/${platform}/tsjail`);
    return { root, call: { argv: [`${link(root, `${at}/elsewhere/link`)}/bin/tsjail`] } };
  },
  "pnpm: a package that is a link, called by its wrapper's path": (at) => {
    const store = `${at}/node_modules/.pnpm/tsjail@1.0.0/node_modules`;
    const root = writePackage(`${store}/tsjail`, `../@tsjail/${platform}/tsjail`);
    link(".pnpm/tsjail@1.0.0/node_modules/tsjail", `${at}/node_modules/tsjail`);
    mkdirSync(`${at}/node_modules/.bin`);
    return { root, call: { argv: [`${at}/node_modules/.bin/../tsjail/bin/tsjail`] } };
  },
};

for (const [title, prepare] of Object.entries(layouts)) {
  test(`finds its package: ${title}`, (context) => {
    const { root, call } = prepare(scratch(context));
    assert.is(follow(call).root, realpathSync(root));
  });
  for (const [shell, words] of Object.entries(shells)) {
    test.needs(`command:${words[0]}`, "command:strace")(
      `starts no process in ${shell}: ${title}`,
      (context) => {
        const { root, call } = prepare(scratch(context));
        const through = { ...call, argv: [...words, ...call.argv] };
        assert.is(follow(through).root, realpathSync(root));
        assert.is(countProcesses(through), 0);
      },
    );
  }
}

test("is found through PATH, also in the directory itself", (context) => {
  const root = writePackage(`${scratch(context)}/a b`, `dist/${platform}/tsjail`);
  const call = (PATH: string, cwd: string) => ({ argv: ["tsjail"], cwd, env: { PATH } });
  assert.is(follow(call(`/nowhere:${root}/bin:${process.env.PATH}`, "/")).root, root);
  assert.is(follow(call(`:${process.env.PATH}`, `${root}/bin`)).root, root);
});

test("an unusual link costs a readlink, and works", (context) => {
  const at = scratch(context);
  const root = writePackage(`${at}/opt/tsjail`, `dist/${platform}/tsjail`);
  link(`${root}/bin/tsjail`, `${at}/first/jail`);
  const second = link("../first/jail", `${at}/second/j`);
  assert.is(follow({ argv: [second] }).root, root);
  assert.is(follow({ argv: [`${link(`${root}/bin`, `${at}/tools`)}/tsjail`] }).root, root);
});

test("of several executors it takes this processor's", (context) => {
  const root = writePackage(`${scratch(context)}/checkout`, `dist/${platform}/tsjail`);
  writeExecutor(`${root}/dist/${other}/tsjail`);
  assert.is(follow({ argv: [`${root}/bin/tsjail`] }).executor, `${root}/dist/${platform}/tsjail`);
});

test("TSJAIL_EXECUTOR names another", (context) => {
  const at = scratch(context);
  const root = writePackage(`${at}/checkout`, `dist/${platform}/tsjail`);
  writeExecutor(`${at}/my executor`);
  const call = (executor: string) => ({ argv: [`${root}/bin/tsjail`], env: { TSJAIL_EXECUTOR: executor } });
  assert.is(follow(call(`${at}/my executor`)).executor, `${at}/my executor`);
  fails(call(`${at}/missing`), /TSJAIL_EXECUTOR=.*missing is not an executable file/);
});

function fails({ argv, env }: Call, message: RegExp): void {
  const [command = "", ...rest] = argv;
  const { stdout, stderr, status } = spawnSync(command, rest, { encoding: "utf8", env: environment(env) });
  assert.is(status, 125, stdout + stderr);
  assert.match(stderr, message);
  assert.match(stderr, /^tsjail: /);
  assert.is(stdout, "");
}

test("without an executor it says which are installed, and why", (context) => {
  const modules = `${scratch(context)}/node_modules`;
  const root = writePackage(`${modules}/tsjail`, `../@tsjail/${other}/tsjail`);
  const call = { argv: [`${root}/bin/tsjail`] };
  fails(
    call,
    new RegExp(`@tsjail/${platform} is missing \\(installed: @tsjail/${other}\\)[\\s\\S]*--omit=optional`),
  );
  rmSync(`${modules}/@tsjail`, { recursive: true });
  fails(call, /installed: none of @tsjail\/\*/);
});

test("a checkout that was never built says so", (context) => {
  const root = writePackage(`${scratch(context)}/checkout`, "ignored/tsjail");
  mkdirSync(`${root}/native`);
  fails({ argv: [`${root}/bin/tsjail`] }, /npm run build/);
});

test("a copy outside its package says so", (context) => {
  const root = writePackage(scratch(context), `dist/${platform}/tsjail`);
  rmSync(`${root}/package.json`);
  fails({ argv: [`${root}/bin/tsjail`] }, /can't find the package/);
});
