// What a new volume begins with. In: directories over one another, made here. Out: a copy, compared with what it has to
// be. How a start comes to it is in test/jail/volume.test.ts.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import type { TsjailError } from "../../src/error.ts";
import { fromText } from "../../src/image/bytes.ts";
import { removeTree } from "../../src/image/remove.ts";
import { makeWhiteout, readAttribute, setAttribute } from "../../src/image/system.ts";
import { type CopyWish, copyContent } from "../../src/volume/copy.ts";
import * as assert from "../support/assert.ts";
import { makeDirectory } from "../support/jail.ts";
import { pause } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("volume: copy");

interface World {
  readonly path: string;
  write(name: string, text?: string): string;
  copy(path: string, wish?: Partial<CopyWish>): string;
}

function makeWorld({ cleanup }: TestContext): World {
  const path = makeDirectory("copy");
  cleanup(() => removeTree(path));
  let copies = 0;
  return {
    path,
    write(name, text = `${name}\n`) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    copy(from, wish = {}) {
      const to = join(path, `copy-${copies++}`);
      mkdirSync(to);
      copyContent({ layers: [join(path, "root")], path: from, leftOut: [], ...wish }, to);
      return to;
    },
  };
}

const mode = (path: string) => lstatSync(path).mode & 0o7777;

test("content, modes, times, links, names of one file, pipes and attributes are as in the root", (context) => {
  const { path, write, copy } = makeWorld(context);
  const file = write("root/data/deep/file", "content");
  linkSync(file, join(path, "root/data/second"));
  symlinkSync("/etc/passwd", join(path, "root/data/link"));
  symlinkSync("nowhere", join(path, "root/data/dangling"));
  execFileSync("mkfifo", [join(path, "root/data/pipe")]);
  setAttribute(fromText(file), "user.note", Buffer.from("kept"));
  setAttribute(fromText(file), "user.tsjail.mount_point", Buffer.from("1"));
  setAttribute(fromText(join(path, "root/data/deep")), "user.note", Buffer.from("deep"));
  chmodSync(file, 0o640);
  chmodSync(join(path, "root/data/deep"), 0o2550);
  chmodSync(join(path, "root/data"), 0o1777);
  utimesSync(file, 1000, 1000);
  lutimesSync(join(path, "root/data/link"), 2000, 2000);
  utimesSync(join(path, "root/data/deep"), 3000, 3000);
  const to = copy("/data");
  assert.equal(readdirSync(to).sort(), ["dangling", "deep", "link", "pipe", "second"]);
  assert.is(readFileSync(join(to, "deep/file"), "utf8"), "content");
  assert.is(lstatSync(join(to, "deep/file")).ino, lstatSync(join(to, "second")).ino);
  assert.not.equal(lstatSync(join(to, "second")).ino, lstatSync(file).ino);
  assert.is(readlinkSync(join(to, "link")), "/etc/passwd");
  assert.is(readlinkSync(join(to, "dangling")), "nowhere");
  assert.ok(lstatSync(join(to, "pipe")).isFIFO());
  // setuid and setgid would be the user's own.
  assert.equal([mode(to), mode(join(to, "deep")), mode(join(to, "second"))], [0o1777, 0o550, 0o640]);
  const times = ["deep/file", "link", "deep"].map((name) => lstatSync(join(to, name)).mtimeMs);
  assert.equal(times, [1_000_000, 2_000_000, 3_000_000]);
  const read = (name: string, attribute: string) => readAttribute(fromText(join(to, name)), attribute);
  assert.equal([read("second", "user.note"), read("deep", "user.note")], ["kept", "deep"]);
  assert.is(read("second", "user.tsjail.mount_point"), undefined);
});

test("names of images' own, and those that are not UTF-8, are names like any other", (context) => {
  const { path, write, copy } = makeWorld(context);
  for (const name of [".wh.gone", ".wh..wh..opq", " -n"]) write(`root/data/${name}`);
  const odd = Buffer.concat([Buffer.from(join(path, "root/data/")), Buffer.from([0xff, 0xfe])]);
  writeFileSync(odd, "odd");
  const to = copy("/data");
  assert.equal(readdirSync(to, "latin1").sort(), readdirSync(join(path, "root/data"), "latin1").sort());
});

test("holes stay holes", (context) => {
  const { path, write, copy } = makeWorld(context);
  const file = write("root/data/sparse", "begin");
  truncateSync(file, 64 * 1024 * 1024);
  writeFileSync(file, "end", { flag: "a" });
  write("root/data/empty", "");
  truncateSync(write("root/data/hole", ""), 1024 * 1024);
  const to = copy("/data");
  assert.is(lstatSync(join(to, "sparse")).size, 64 * 1024 * 1024 + 3);
  assert.ok(lstatSync(join(to, "sparse")).blocks <= 64, String(lstatSync(join(to, "sparse")).blocks));
  assert.ok(readFileSync(file).equals(readFileSync(join(to, "sparse"))));
  assert.equal([lstatSync(join(to, "hole")).size, lstatSync(join(to, "empty")).size], [1024 * 1024, 0]);
  assert.is(join(path, "root/data/hole").length > 0 && lstatSync(join(to, "hole")).blocks, 0);
});

test("layers are one: whiteouts and opaque directories hide what is below, and only that", (context) => {
  const { path, write, copy } = makeWorld(context);
  for (const name of ["same", "changed", "gone", "turned/in", "opaque/old", "merged/low"])
    write(`low/data/${name}`, `low ${name}`);
  write("mid/data/changed", "mid");
  write("mid/data/opaque/new", "mid");
  setAttribute(fromText(join(path, "mid/data/opaque")), "user.overlay.opaque", Buffer.from("y"));
  makeWhiteout(fromText(join(path, "mid/data/gone")));
  write("top/data/merged/top", "top");
  write("top/data/turned", "a file now");
  const to = copy("/data", { layers: ["top", "mid", "low"].map((name) => join(path, name)) });
  const list = execFileSync("find", [".", "-type", "f"], { cwd: to, encoding: "utf8" })
    .trim()
    .split("\n")
    .sort();
  assert.equal(list, ["./changed", "./merged/low", "./merged/top", "./opaque/new", "./same", "./turned"]);
  assert.is(readFileSync(join(to, "changed"), "utf8"), "mid");
  assert.is(readAttribute(fromText(join(to, "opaque")), "user.overlay.opaque"), undefined);
  // The whole path can be gone, and a layer need not have it.
  const gone = join(path, "gone");
  mkdirSync(gone);
  makeWhiteout(fromText(join(gone, "data")));
  assert.equal(readdirSync(copy("/data", { layers: [gone, join(path, "low")] })), []);
});

test("links on the way to the target lead within the root, and never out of it", (context) => {
  const { path, write, copy } = makeWorld(context);
  write("root/real/file");
  write("outside/key");
  symlinkSync("/real", join(path, "root/absolute"));
  symlinkSync("../../../../../../real", join(path, "root/above"));
  for (const way of ["/absolute", "/above"]) assert.equal(readdirSync(copy(way)), ["file"], way);
  symlinkSync(join(path, "outside"), join(path, "root/out"));
  symlinkSync("loop", join(path, "root/loop"));
  assert.equal(readdirSync(copy("/out")), []);
  assert.throws(() => copy("/loop"), /too many symbolic links/);
  // In what is copied a link stays a link.
  symlinkSync(join(path, "outside"), join(path, "root/real/out"));
  const to = copy("/real");
  assert.ok(lstatSync(join(to, "out")).isSymbolicLink());
  assert.not.ok(existsSync(join(to, "key")));
});

test("whoever swaps a directory for a link meanwhile gets nothing of the host into the copy", async (context) => {
  const { path, write, copy } = makeWorld(context);
  write("outside/key", "secret");
  write("root/data/d/file", "plain");
  symlinkSync(join(path, "outside"), join(path, "link"));
  // As a jail could that writes to the same root, and faster.
  const swap = `const { workerData: [koffi, one, other] } = require("node:worker_threads");
    const call = "int renameat2(int from, str one, int to, str other, unsigned int flags)";
    const [renameat2, AT_FDCWD, RENAME_EXCHANGE] = [require(koffi).load(null).func(call), -100, 2];
    for (;;) renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);`;
  const koffi = createRequire(import.meta.url).resolve("koffi");
  const workerData = [koffi, join(path, "root/data/d"), join(path, "link")];
  const worker = new Worker(swap, { eval: true, workerData });
  context.cleanup(() => worker.terminate());
  const seen = { directory: 0, link: 0, other: 0 };
  for (const end = performance.now() + 4000; performance.now() < end; await pause(0)) {
    const to = copyOrSay(() => copy("/data"));
    const stats = to === undefined ? undefined : lstatSync(join(to, "d"), { throwIfNoEntry: false });
    seen[stats?.isDirectory() ? "directory" : stats ? "link" : "other"]++;
    assert.not.ok(stats?.isDirectory() && existsSync(join(to as string, "d/key")), JSON.stringify(seen));
  }
  assert.ok(seen.directory > 0 && seen.link > 0, JSON.stringify(seen));
});

/** What has changed while it was copied is an error, and that is all. */
function copyOrSay(copy: () => string): string | undefined {
  try {
    return copy();
  } catch (error) {
    assert.match(String(error), /can't be read|ENOENT|ENOTDIR|ELOOP|EINVAL/);
    return undefined;
  }
}

test("what the profile hides is not copied", (context) => {
  const { write, copy } = makeWorld(context);
  for (const name of ["open", "secret/key", "deep/secret", "deep/open"]) write(`root/data/${name}`);
  const to = copy("/data", { leftOut: ["/data/secret", "/data/deep/secret", "/dat", "/else"] });
  const list = execFileSync("find", [".", "-mindepth", "1"], { cwd: to, encoding: "utf8" });
  assert.equal(list.trim().split("\n").sort(), ["./deep", "./deep/open", "./open"]);
});

test("where the root has nothing the copy is empty; a file is refused, for a volume is a directory", (context) => {
  const { write, copy } = makeWorld(context);
  write("root/file");
  for (const from of ["/none", "/none/deeper", "/file/below"])
    assert.equal(readdirSync(copy(from)), [], from);
  assert.throws(() => copy("/file"), /can't begin with \/file of the root: it is no directory/);
});

test("what is too deep for a path is named, with what to do", (context) => {
  const { copy, path } = makeWorld(context);
  // Deeper than one path can say: made at the top, and moved down.
  const name = "d".repeat(200);
  const top = join(path, "root/data");
  mkdirSync(join(top, ...Array(10).fill(name)), { recursive: true });
  copy("/data");
  for (let round = 0; round < 2; round++) {
    mkdirSync(join(path, "next", ...Array(9).fill(name)), { recursive: true });
    renameSync(top, join(path, "next", ...Array(9).fill(name), name));
    renameSync(join(path, "next"), top);
  }
  assert.throws(
    () => copy("/data"),
    (error) => {
      const { code, hint } = error as TsjailError;
      return code === "volume_failed" && /copy = false/.test(hint ?? "");
    },
  );
});

test.needs("user")("what can't be read is named, and not left out silently", (context) => {
  const { path, write, copy } = makeWorld(context);
  write("root/data/closed/file");
  const closed = join(path, "root/data/closed");
  for (const bits of [0o000, 0o400, 0o100]) {
    chmodSync(closed, bits);
    assert.throws(
      () => copy("/data"),
      /can't begin with \/data\/closed of the root: it can't be read \(permission denied\)/,
    );
  }
  chmodSync(closed, 0o700);
  chmodSync(join(closed, "file"), 0o000);
  assert.throws(() => copy("/data"), /can't begin with \/data\/closed\/file/);
  chmodSync(join(closed, "file"), 0o400);
  assert.equal(readdirSync(join(copy("/data"), "closed")), ["file"]);
});
