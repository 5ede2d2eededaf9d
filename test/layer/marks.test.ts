// What a layer says of removed names, as each of its makers writes it, read by diff and by export. In: upper directories
// made by hand, also as fuse-overlayfs writes them where it can make no device. Out: changes, and an archive's names.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { diffLayer } from "../../src/layer/diff.ts";
import { packLayer } from "../../src/layer/pack.ts";
import * as assert from "../support/assert.ts";
import { makeDirectory, removeDirectory } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("layer: marks");

function makeTrees({ cleanup }: TestContext, upper: readonly string[]): { upper: string; lower: string } {
  const directory = makeDirectory("marks");
  cleanup(() => removeDirectory(directory));
  const write = (path: string) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), "");
  };
  for (const name of ["gone", "dir/one", "dir/two", "kept"]) write(`lower/${name}`);
  for (const name of upper) write(`upper/${name}`);
  return { upper: join(directory, "upper"), lower: join(directory, "lower") };
}

const list = (upper: string, lower: string, by: "kernel" | "fuse") =>
  diffLayer(upper, [lower], by).map(({ kind, path }) => `${kind} ${path}`);

function listArchive(upper: string, by: "kernel" | "fuse"): string[] {
  const input = Buffer.concat([...packLayer(upper, by)]);
  return execFileSync("tar", ["-t"], { input, encoding: "utf8" }).trim().split("\n").sort();
}

const marks = [".wh.gone", ".wh.never", "dir/.wh..wh..opq", "dir/new"];

test("files .wh.NAME and .wh..wh..opq are marks in a layer of fuse-overlayfs", (context) => {
  const { upper, lower } = makeTrees(context, marks);
  assert.equal(list(upper, lower, "fuse"), [
    "removed /gone",
    "added /dir/new",
    "removed /dir/one",
    "removed /dir/two",
  ]);
  assert.equal(listArchive(upper, "fuse"), [".wh.gone", ".wh.never", "dir/", "dir/.wh..wh..opq", "dir/new"]);
});

test("and names like others in one of the kernel's", (context) => {
  const { upper, lower } = makeTrees(context, ["dir/.wh.own", "dir/new"]);
  assert.equal(list(upper, lower, "kernel"), ["added /dir/.wh.own", "added /dir/new"]);
});

test("a device 0:0 is one in both", (context) => {
  const { upper, lower } = makeTrees(context, ["kept"]);
  execFileSync("mknod", [join(upper, "gone"), "c", "0", "0"]);
  for (const by of ["kernel", "fuse"] as const) {
    assert.equal(list(upper, lower, by), ["removed /gone"]);
    assert.equal(listArchive(upper, by), [".wh.gone", "kept"]);
  }
});
