// The store holds together: two at once, killed at any moment, a full disk, what nobody needs. In: imports in processes
// of their own. Out: whole images, an empty scratch, clear errors.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findImage, listImages, removeName } from "../../src/image/images.ts";
import { pruneStore } from "../../src/image/prune.ts";
import { removeTree } from "../../src/image/remove.ts";
import { makeTemporary, useStore } from "../../src/image/store.ts";
import * as assert from "../support/assert.ts";
import { watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";
import { makeTar } from "./archive.ts";
import { makeImage, makeLayout } from "./layouts.ts";
import { listKept, makeWorld, type World } from "./world.ts";

const test = suite("the store of images");
const root = join(import.meta.dirname, "../..");

/** `tsjail image …` in a process of its own. */
function start(world: World, words: readonly string[], through: readonly string[] = []): ChildProcess {
  const line = [...through, process.execPath, "--import", "tsx", join(root, "src/cli.ts"), "image", ...words];
  const env = { PATH: process.env.PATH, HOME: world.path };
  return spawn(line[0] as string, line.slice(1), { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
}

const manyFiles = (count: number, size = 2000): Buffer =>
  makeTar(
    ...Array.from({ length: count }, (_, index) => ({
      name: `d${index % 50}/f${index}`,
      content: Buffer.alloc(size, index),
    })),
  );

test("two imports of the same at once: one result", { timeLimit: 60 }, async (context) => {
  const world = makeWorld(context);
  const file = world.write("root.tar", manyFiles(2000));
  const both = await Promise.all([1, 2, 3].map(() => watch(start(world, ["import", file]), 50).ended));
  assert.equal(
    both.map(({ status, stderr }) => [status, stderr]),
    Array(3).fill([0, "tsjail: root: imported, one layer.\n"]),
  );
  assert.equal(
    [readdirSync(join(world.store, "layers")).length, readdirSync(join(world.store, "tmp"))],
    [1, []],
  );
  assert.is(listImages({ directory: world.store }).length, 1);
});

test("killed at any moment: what has a name is whole, and the next use sweeps the rest", {
  timeLimit: 120,
}, async (context) => {
  const world = makeWorld(context);
  const layers = [0, 1, 2].map((seed) =>
    makeTar(
      { name: `s${seed}`, content: String(seed) },
      ...[...Array(400).keys()].map((index) => ({ name: `d/f${index}`, content: Buffer.alloc(5000, index) })),
    ),
  );
  const file = world.write("image.tar", makeTar(...makeLayout([makeImage({ layers, name: "a:1" })])));
  let killed = 0;
  for (const delay of [300, 450, 550, 650, 750, 850, 1000, 1300]) {
    const child = start(world, ["import", file]);
    const { ended } = watch(child, 50);
    setTimeout(() => child.kill("SIGKILL"), delay);
    killed += (await ended).signal === "SIGKILL" ? 1 : 0;
    if (!existsSync(world.store)) continue;
    for (const image of listImages({ directory: world.store })) {
      for (const [index, seed] of [0, 1, 2].entries())
        assert.is(readFileSync(join(world.find(image, index), `s${seed}`), "utf8"), String(seed));
    }
  }
  assert.ok(killed > 0, "none was killed in time");
  const [image] = await world.import(file);
  assert.equal([image?.layers.length, readdirSync(join(world.store, "tmp"))], [3, []]);
});

test("what dead makers left is swept, what living ones are at is not", async (context) => {
  const world = makeWorld(context);
  const use = { lock: "shared", doing: "The test" } as const;
  await useStore(world.environment, use, () => {});
  mkdirSync(join(world.store, "tmp/make-dead/locked"), { recursive: true });
  writeFileSync(join(world.store, "tmp/make-dead/locked/file"), "");
  chmodSync(join(world.store, "tmp/make-dead/locked"), 0);
  writeFileSync(join(world.store, "tmp/stray"), "");
  await useStore(world.environment, use, async (outer) => {
    makeTemporary(outer);
    await useStore(world.environment, use, (inner) => {
      assert.ok(existsSync(outer.scratch) && existsSync(inner.scratch));
      assert.is(readdirSync(join(world.store, "tmp")).length, 2);
    });
    assert.ok(existsSync(outer.scratch));
  });
  assert.equal(readdirSync(join(world.store, "tmp")), []);
});

test.needs("userns", "user")(
  "a full disk: a clear error, and nothing kept",
  { timeLimit: 60 },
  async (context) => {
    const world = makeWorld(context);
    const large = world.write("large.tar", manyFiles(3000));
    const small = world.write("small.tar", makeTar({ name: "a", content: "fits" }));
    mkdirSync(join(world.path, ".local/share/tsjail"), { recursive: true });
    const node = `"${process.execPath}" --import tsx "${join(root, "src/cli.ts")}" image`;
    const script = `mount -t tmpfs -o size=9m none "$HOME/.local/share/tsjail" && cd "${root}" && ! ${node} import ${large} &&
    find "$HOME/.local/share/tsjail/store" -mindepth 2 | sort && ${node} import ${small} && ${node} ls`;
    const child = spawn("unshare", ["-m", "--map-current-user", "--keep-caps", "sh", "-c", script], {
      env: { PATH: process.env.PATH, HOME: world.path },
    });
    const { status, stdout, stderr } = await watch(child, 50).ended;
    assert.is(status, 0, stderr);
    assert.match(
      stderr,
      /tsjail: The import failed: no space left \(in \S+\/store\)\.\n {2}hint: Nothing half-made was kept\. The disk is full\. See what it has left: df -h /,
    );
    const [kept, listed] = [
      stdout.split("\n").filter((line) => line.startsWith("/")),
      stdout.trim().split("\n").at(-1),
    ];
    assert.equal(
      kept.map((line) => line.slice(line.indexOf("/store/") + 7)),
      ["blobs/sha256"],
    );
    assert.match(listed ?? "", /^small {2}/);
  },
);

test("prune leaves what an image, a kept layer or an environment needs", async (context) => {
  const world = makeWorld(context);
  const [used, kept, unused] = ["used", "kept", "unused"].map((name) => makeTar({ name, content: name }));
  await world.import(world.write("used.tar", used as Buffer));
  const [two] = await world.import(world.write("kept.tar", kept as Buffer));
  await world.import(world.write("unused.tar", unused as Buffer));
  mkdirSync(join(world.store, "../layers/work"), { recursive: true });
  const record = { over: { type: "image", name: "kept", layers: [world.find(two)] } };
  writeFileSync(join(world.store, "../layers/work/layer.json"), JSON.stringify(record));
  const pruned = await useStore(world.environment, { lock: "exclusive", doing: "The test" }, (store) => {
    removeName(store, "kept");
    removeName(store, "unused");
    return pruneStore(store);
  });
  assert.is(pruned.layers, 1);
  assert.ok(existsSync(join(world.find(two), "kept")));
  assert.equal(
    listKept(world.store).filter((name) => name.startsWith("images/")),
    ["images/used.json"],
  );
  assert.is(readdirSync(join(world.store, "layers")).length, 2);
  await useStore(world.environment, { lock: "shared", doing: "The test" }, (store) => {
    assert.is(findImage(store, "used").name, "used");
  });
});

test("who removes waits for those who make, and then says so", { timeLimit: 40 }, async (context) => {
  const world = makeWorld(context);
  await useStore(world.environment, { lock: "shared", doing: "The test" }, async () => {
    const prune = useStore(world.environment, { lock: "exclusive", doing: "The removal" }, pruneStore);
    await assert.rejects(prune, /^Another tsjail is using the images in /);
  });
  assert.equal(await useStore(world.environment, { lock: "exclusive", doing: "x" }, pruneStore), {
    blobs: 0,
    layers: 0,
    bytes: 0,
  });
});

test("a store that others can write to is not used", async (context) => {
  const world = makeWorld(context);
  mkdirSync(world.store, { recursive: true });
  chmodSync(world.store, 0o777);
  await assert.rejects(
    world.import(world.write("a.tar", makeTar({ name: "a" }))),
    /can be written by others/,
  );
  chmodSync(world.store, 0o700);
  assert.is((await world.import(world.write("a.tar", makeTar({ name: "a" })))).length, 1);
});

test("a layer of directories that their owner may not enter, and of 100,000 files, is removed", {
  timeLimit: 120,
}, async (context) => {
  const world = makeWorld(context);
  const tree = join(world.path, "tree");
  let place = tree;
  for (let depth = 0; depth < 20; depth++) place = join(place, "n".repeat(100));
  mkdirSync(place, { recursive: true });
  for (let index = 0; index < 100_000; index++) {
    if (index % 1000 === 0) mkdirSync(join(tree, `d${index / 1000}`));
    writeFileSync(join(tree, `d${Math.floor(index / 1000)}/f${index}`), "");
  }
  for (let index = 0; index < 100; index += 3)
    chmodSync(join(tree, `d${index}`), index % 2 === 0 ? 0 : 0o500);
  for (; place !== tree; place = join(place, "..")) chmodSync(place, 0o111);
  const started = performance.now();
  removeTree(tree);
  assert.not.ok(existsSync(tree));
  assert.ok(performance.now() - started < 60_000);
});

test("a tree deeper than any path can name is removed", async (context) => {
  const world = makeWorld(context);
  const script =
    "mkdir top; cd top; for i in $(seq 600); do mkdir aaaaaaaaaaaaaaa; cd aaaaaaaaaaaaaaa; done; : > end";
  const { status, stderr } = await watch(spawn("bash", ["-c", script], { cwd: world.path })).ended;
  assert.is(status, 0, stderr);
  removeTree(join(world.path, "top"));
  assert.equal(readdirSync(world.path), []);
});
