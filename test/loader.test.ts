// dist/cli.cjs and V8's code in the cache. In: the bundle with a home of its own and a stand-in for the executor.
// Out: what it leaves in $XDG_CACHE_HOME/tsjail/code, and that it starts whatever lies there.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "./support/assert.ts";
import { suite, type TestContext } from "./support/suite.ts";

const test = suite("loader");
const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const words = ["--set", 'root.type="empty"', "true"];

interface Place {
  readonly home: string;
  /** Where the code is kept. */
  readonly directory: string;
  /** Starts a jail; the executor only says that it was reached. */
  run(options?: readonly string[], environment?: NodeJS.ProcessEnv): void;
  list(): string[];
  /** The one file there is. */
  find(): string;
}

function makePlace({ cleanup }: TestContext): Place {
  const home = mkdtempSync(join(tmpdir(), "tsjail-loader-"));
  cleanup(() => rmSync(home, { recursive: true }));
  const executor = join(home, "executor");
  writeFileSync(executor, "#!/bin/sh\necho reached\n", { mode: 0o755 });
  const directory = join(home, ".cache/tsjail/code");
  const list = () => readdirSync(directory);
  const run = (options: readonly string[] = [], environment: NodeJS.ProcessEnv = {}) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, "dist/cli.cjs"), ...options, ...words],
      {
        encoding: "utf8",
        env: {
          HOME: home,
          TSJAIL_EXECUTOR: executor,
          TSJAIL_FRONT: `version=${version} nofile=1024:4096 ignored=0x0`,
          ...environment,
        },
      },
    );
    assert.equal([status, stdout, stderr], [0, "reached\n", ""]);
  };
  const find = () => {
    const [name, ...more] = list();
    assert.equal(more, []);
    return join(directory, name ?? "");
  };
  return { home, directory, run, list, find };
}

const identify = (path: string) => `${statSync(path).ino} ${statSync(path).mtimeMs}`;

test("the first start keeps the code, for this user alone, and the second one uses it", (context) => {
  const { directory, run, find } = makePlace(context);
  run();
  const path = find();
  assert.is(statSync(directory).mode & 0o777, 0o700);
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.match(path, new RegExp(`/[0-9a-f]{16}-${process.version}-${process.arch}$`));
  const before = identify(path);
  run();
  assert.is(identify(find()), before);
});

test("XDG_CACHE_HOME says where it is, unless it is relative", (context) => {
  const { home, run, find } = makePlace(context);
  run([], { XDG_CACHE_HOME: join(home, "other") });
  assert.is(readdirSync(join(home, "other/tsjail/code")).length, 1);
  run([], { XDG_CACHE_HOME: "relative" });
  find();
});

test("--no-cache and a lack of a home keep nothing", (context) => {
  const { home, run } = makePlace(context);
  run(["--no-cache"]);
  run([], { HOME: "" });
  assert.equal(readdirSync(home), ["executor"]);
});

test("what is cut short, overwritten or made for another program is replaced", (context) => {
  const { run, find } = makePlace(context);
  run();
  const path = find();
  const good = readFileSync(path);
  const end = good.subarray(-16);
  const damages = {
    empty: Buffer.of(),
    short: good.subarray(0, 100),
    half: good.subarray(0, good.length >> 1),
    "without its end": good.subarray(0, -1),
    zeros: Buffer.alloc(good.length),
    "zeros with an end": Buffer.concat([Buffer.alloc(good.length - 16), end]),
    "half with an end": Buffer.concat([good.subarray(0, good.length >> 1), end]),
    "of another V8": Buffer.concat([good.subarray(0, 4), Buffer.from("abcd"), good.subarray(8)]),
    "of another bundle": Buffer.concat([good.subarray(0, -16), Buffer.alloc(16, "0")]),
  };
  for (const [what, bytes] of Object.entries(damages)) {
    writeFileSync(path, bytes);
    const before = statSync(path).ino;
    run();
    assert.is.not(statSync(find()).ino, before, what);
  }
});

test("other options of V8 than those it was made with are no obstacle", (context) => {
  const { run, find } = makePlace(context);
  run();
  run([], { NODE_OPTIONS: "--max-semi-space-size=8" });
  const after = identify(find());
  run([], { NODE_OPTIONS: "--max-semi-space-size=8" });
  assert.is(identify(find()), after);
});

test("what others could have written is not used", (context) => {
  const { run, find } = makePlace(context);
  run();
  for (const mode of [0o620, 0o602, 0o666]) {
    const path = find();
    chmodSync(path, mode);
    run();
    assert.is(statSync(find()).mode & 0o777, 0o600);
  }
});

test("a directory that others can write to is left alone", (context) => {
  const { directory, run, find } = makePlace(context);
  run();
  const path = find();
  for (const mode of [0o720, 0o707, 0o777]) {
    chmodSync(directory, mode);
    writeFileSync(path, "something");
    run();
    assert.is(readFileSync(path, "utf8"), "something");
  }
  chmodSync(directory, 0o700);
  run();
  assert.is.not(readFileSync(path, "utf8"), "something");
});

test("a symbolic link in its place is replaced, not followed", (context) => {
  const { home, run, find } = makePlace(context);
  run();
  const path = find();
  renameSync(path, join(home, "elsewhere"));
  symlinkSync(join(home, "elsewhere"), path);
  const before = identify(join(home, "elsewhere"));
  run();
  assert.ok(statSync(find()).isFile());
  assert.is.not(identify(find()), before);
  assert.is(identify(join(home, "elsewhere")), before);
});

test.needs("root")("another user's file or directory is not used", (context) => {
  const { directory, run, find } = makePlace(context);
  run();
  const path = find();
  chownSync(path, 12345, 12345);
  run();
  assert.is(statSync(find()).uid, 0);
  writeFileSync(path, "something");
  chownSync(directory, 12345, 12345);
  run();
  assert.is(readFileSync(path, "utf8"), "something");
});

test("a file or a dangling link where the directory should be is no obstacle", (context) => {
  const { home, directory, run } = makePlace(context);
  mkdirSync(join(home, ".cache"));
  writeFileSync(join(home, ".cache/tsjail"), "");
  run();
  rmSync(join(home, ".cache/tsjail"));
  mkdirSync(join(home, ".cache/tsjail"));
  symlinkSync("/nowhere", directory);
  run();
  assert.is(existsSync("/nowhere"), false);
});

test("only so many are kept, and the newest", (context) => {
  const { directory, run, list } = makePlace(context);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (let age = 1; age <= 20; age++) {
    const path = join(directory, `${age}`);
    writeFileSync(path, "");
    utimesSync(path, 1e9 - age, 1e9 - age);
  }
  run();
  const names = list();
  assert.is(names.length, 8);
  assert.equal(names.filter((name) => name.length < 3).sort(), ["1", "2", "3", "4", "5", "6", "7"]);
});
