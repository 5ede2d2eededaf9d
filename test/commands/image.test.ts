// `tsjail image`: what it prints, and how it fails. In: a home with a store. Out: lines, JSON, errors.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { makeTar } from "../image/archive.ts";
import { makeWorld } from "../image/world.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { expectRefusal, root, runLine } from "./fixture.ts";

const test = suite("image");

function makeAround(context: TestContext) {
  const world = makeWorld(context);
  const around = { cwd: world.path, environment: world.environment };
  const image = (...words: string[]) => runLine(["image", ...words], around);
  return { world, around, image };
}

test("an image from its import to its removal", async (context) => {
  const { world, image } = makeAround(context);
  assert.match((await image("ls")).log, /^There is no image: /);
  world.write("root.tar", makeTar({ name: "a", content: "x", mtime: 1_600_000_000 }));
  assert.equal(await image("import", "root.tar", "--name", "base:1"), {
    status: 0,
    stdout: "",
    log: "base:1: imported, one layer.\n",
  });
  assert.is((await image("tag", "base:1", "other")).log, "other: the same as base:1 now.\n");
  const { stdout } = await image("ls");
  assert.match(
    stdout,
    /^base:1 {2}[0-9a-f]{12} {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {4}1 layer {5}\S+ KiB\nother {3}/,
  );
  const [row] = JSON.parse((await image("ls", "--json")).stdout);
  const about = JSON.parse((await image("inspect", row.manifest.slice(7, 19))).stdout);
  assert.equal(
    [about.name, about.configuration.os, existsSync(join(about.directories[0], "a"))],
    ["base:1", "linux", true],
  );
  assert.is((await image("export", "base:1", "out.tar")).log, "base:1: written to out.tar.\n");
  assert.match((await image("rm", "other")).log, /^other: removed, with 0 layers and 0 blobs \(0 B\)\.\n$/);
  assert.match(
    (await image("rm", "base:1")).log,
    /^base:1: removed, with 1 layer and 3 blobs \(\S+ KiB\)\.\n$/,
  );
  assert.equal(JSON.parse((await image("prune", "--json")).stdout), { blobs: 0, layers: 0, bytes: 0 });
  assert.is((await image("import", "out.tar")).log, "base:1: imported, one layer.\n");
});

test("a directory with busybox in it becomes an image", async (context) => {
  const { world, image } = makeAround(context);
  mkdirSync(join(world.path, "bb/bin"), { recursive: true });
  copyFileSync("/bin/busybox", join(world.path, "bb/bin/busybox"));
  symlinkSync("busybox", join(world.path, "bb/bin/sh"));
  await image("import", "bb");
  const about = JSON.parse((await image("inspect", "bb")).stdout);
  const program = spawnSync(join(about.directories[0], "bin/sh"), ["-c", "echo it runs"], {
    encoding: "utf8",
  });
  assert.is(program.stdout, "it runs\n");
  assert.is((await image("import", "bb", "--name", "again", "--json")).status, 0);
  const again = JSON.parse((await image("inspect", "again")).stdout);
  assert.equal(again.layers, about.layers);
});

test("standard input is imported, and standard output exported to", { timeLimit: 40 }, async (context) => {
  const { world, image } = makeAround(context);
  const run = (words: string[], input?: Buffer) =>
    spawnSync(process.execPath, ["--import", "tsx", "src/cli.ts", "image", ...words], {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: world.path },
      input,
    });
  assert.is(
    run(["import", "-", "--name", "piped"], makeTar({ name: "a" })).stderr.toString(),
    "tsjail: piped: imported, one layer.\n",
  );
  const { stdout } = run(["export", "piped", "-"]);
  await image("export", "piped", "file.tar");
  assert.ok(stdout.equals(readFileSync(join(world.path, "file.tar"))));
  assert.match(
    run(["import", "-"], makeTar({ name: "a" })).stderr.toString(),
    /standard input has no name of its own/,
  );
});

test("mistakes are told, with what to write instead", async (context) => {
  const { world, around } = makeAround(context);
  const refuses = (words: readonly string[], message: RegExp, code?: string) =>
    expectRefusal(["image", ...words], around, message, code);
  await refuses(["list"], /does not know "list"/);
  await refuses(["import"], /`tsjail image import` needs FILE/);
  await refuses(["ls", "x"], /takes no "x"/);
  await refuses(["tag", "a"], /needs NEW/);
  await refuses(["import", "missing.tar"], /missing\.tar can't be read: it does not exist/);
  await refuses(["import", "x", "--limit", "much"], /--limit much: it is not a size/);
  await refuses(["import", "x", "--name", "a b"], /"a b" can't be the name of an image/);
  await refuses(["export", "a", "b", "--format", "zip"], /--format zip: there is no such format/);
  for (const action of ["rm", "inspect"])
    await refuses([action, "none"], /There is no image "none"/, "image_not_found");
  await expectRefusal(
    ["image", "ls"],
    { ...around, environment: {} },
    /There is no place for images/,
    "variable_unset",
  );
  world.write("root.tar", makeTar({ name: "a" }));
  assert.is((await runLine(["image", "import", "root.tar", "--limit", "1M"], around)).status, 0);
});
