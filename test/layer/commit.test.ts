// `tsjail commit`: a kept layer becomes an image. In: upper directories as overlayfs leaves them. Out: layers in the form
// of images, the same for the same content, over the image that was there.

import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { readDocument } from "../../src/image/blobs.ts";
import { fromText } from "../../src/image/bytes.ts";
import { listImages } from "../../src/image/images.ts";
import { configSchema, manifestSchema } from "../../src/image/oci.ts";
import { blobPath } from "../../src/image/place.ts";
import { makeWhiteout, readAttributes, setAttribute, setTimes, tryLock } from "../../src/image/system.ts";
import { runLine } from "../commands/fixture.ts";
import { makeTar } from "../image/archive.ts";
import { makeWorld, readOwners, type World } from "../image/world.ts";
import * as assert from "../support/assert.ts";
import { watch } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("committing a layer");

/** A world with an image, and a kept layer "work" over it. */
async function makeLayer(context: TestContext): Promise<{ world: World; upper: string; layer: string }> {
  const world = makeWorld(context);
  const file = world.write(
    "base.tar",
    makeTar(
      { name: "etc/", flag: "5" },
      { name: "etc/shadow", gid: 42, mode: 0o640 },
      { name: "bin/su", mode: 0o4755 },
    ),
  );
  // An image of a plain archive is as old as that is.
  utimesSync(file, 1_500_000_000, 1_500_000_000);
  const [base] = await world.import(file);
  const layer = join(world.store, "../layers/work");
  const upper = join(layer, "upper");
  mkdirSync(join(upper, "etc"), { recursive: true });
  const over = {
    type: "image",
    name: "base",
    layers: base?.layers.map((_, index) => world.find(base, index)),
  };
  writeFileSync(join(layer, "layer.json"), JSON.stringify({ created: "2024-01-01T00:00:00Z", over }));
  return { world, upper, layer };
}

function fill(upper: string): void {
  mkdirSync(join(upper, "new/sub"), { recursive: true });
  mkdirSync(join(upper, "bin"));
  writeFileSync(join(upper, "etc/shadow"), "changed", { mode: 0o640 });
  writeFileSync(join(upper, "bin/su"), "changed");
  writeFileSync(join(upper, "bin/own"), "changed");
  writeFileSync(join(upper, "bin/replaced"), "changed");
  writeFileSync(join(upper, "new/file"), "content");
  linkSync(join(upper, "new/file"), join(upper, "new/hard"));
  symlinkSync("/etc/passwd", join(upper, "new/link"));
  writeFileSync(join(upper, "new/secret"), "hidden");
  makeWhiteout(join(upper, "etc/gone"));
  setAttribute(join(upper, "new"), "user.overlay.opaque", Buffer.from("y"));
  setAttribute(join(upper, "new/file"), "user.mine", Buffer.from("kept"));
  mkdirSync(join(upper, "mnt"));
  setAttribute(join(upper, "mnt"), "user.tsjail.mount_point", Buffer.from("1"));
  chmodSync(join(upper, "bin/su"), 0o755);
  chmodSync(join(upper, "bin/own"), 0o2755);
  chmodSync(join(upper, "new/secret"), 0);
  chmodSync(join(upper, "new/sub"), 0);
}

const commit = (world: World, name: string, epoch?: number, ...options: string[]) =>
  runLine(["commit", ...options, "work", name, "--json"], {
    cwd: world.path,
    environment: {
      ...world.environment,
      ...(epoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(epoch) }),
    },
  }).then(
    ({ stdout }) =>
      JSON.parse(stdout) as {
        layers: string[];
        manifest: string;
        config: string;
        created: string;
        name: string;
      },
  );

test("what is in the layer is in the image, and what it hides is hidden", async (context) => {
  const { world, upper } = await makeLayer(context);
  fill(upper);
  const image = await commit(world, "made:1", 1_700_000_000, "-m", "with things");
  assert.equal([image.name, image.layers.length, image.created], ["made:1", 2, "2023-11-14T22:13:20.000Z"]);
  const fs = world.find(image, 1);
  assert.is(readFileSync(join(fs, "new/file"), "utf8"), "content");
  assert.is(lstatSync(join(fs, "new/hard")).ino, lstatSync(join(fs, "new/file")).ino);
  assert.is(lstatSync(join(fs, "etc/gone")).rdev, 0);
  assert.equal([...readAttributes(join(fs, "new"))].map(String), ["user.overlay.opaque,y"]);
  assert.is(readAttributes(join(fs, "new/file")).get("user.mine")?.toString(), "kept");
  assert.equal([existsSync(join(fs, "mnt")), lstatSync(join(fs, "new/sub")).mode & 0o777], [false, 0]);
  const modes = { "bin/own": { mode: 0o2755 }, "bin/su": { mode: 0o4755 }, "etc/shadow": { gid: 42 } };
  assert.equal(readOwners(fs), modes);
  const config = readDocument({ directory: world.store }, configSchema, image.config, "");
  const { history } = config as unknown as { history: Record<string, string>[] };
  assert.equal(history.at(-1), {
    created: image.created,
    created_by: "tsjail commit work",
    comment: "with things",
  });
  assert.equal(history.length, 2);
  // The layer itself is as it was.
  assert.equal(
    [lstatSync(join(upper, "new/secret")).mode & 0o777, lstatSync(join(upper, "new/sub")).mode & 0o777],
    [0, 0],
  );
});

test("the same content at another time gives the same digest, with SOURCE_DATE_EPOCH", async (context) => {
  const one = await makeLayer(context);
  const two = await makeLayer(context);
  for (const { upper } of [one, two]) fill(upper);
  setTimes(fromText(join(two.upper, "new/file")), 1_750_000_000_000_000_001n);
  const [first, second] = [
    await commit(one.world, "a", 1_600_000_000),
    await commit(two.world, "a", 1_600_000_000),
  ];
  assert.is(first.manifest, second.manifest);
  writeFileSync(join(two.upper, "new/file"), "other");
  assert.is.not((await commit(two.world, "a", 1_600_000_000)).manifest, first.manifest);
});

test("the archive holds whiteouts as images have them", async (context) => {
  const { world, upper } = await makeLayer(context);
  fill(upper);
  const image = await commit(world, "made");
  const { layers } = readDocument({ directory: world.store }, manifestSchema, image.manifest, "");
  const { gunzipSync } = await import("node:zlib");
  const tar = gunzipSync(
    readFileSync(blobPath({ directory: world.store }, layers[1]?.digest ?? "")),
  ).toString("latin1");
  assert.match(tar, "etc/.wh.gone\0");
  assert.match(tar, "new/.wh..wh..opq\0");
  assert.not.match(tar, "user.overlay");
  assert.not.match(tar, "mnt");
});

test("a name that would remove another one is refused, and nothing is made", async (context) => {
  const { world, upper } = await makeLayer(context);
  for (const name of [".wh.shadow", ".wh..wh..opq"]) {
    writeFileSync(join(upper, "etc", name), "");
    await assert.rejects(commit(world, "made"), /etc\/\.wh\..* can't be in an image/);
    unlinkSync(join(upper, "etc", name));
  }
  mkdirSync(join(upper, "etc/.wh.shadow"));
  await assert.rejects(commit(world, "made"), /can't be in an image/);
  rmdirSync(join(upper, "etc/.wh.shadow"));
  writeFileSync(join(upper, "etc/.whatever"), "");
  assert.is((await commit(world, "made")).name, "made");
});

test("a layer can be committed again and again, each image over the last one's base", async (context) => {
  const { world, upper } = await makeLayer(context);
  writeFileSync(join(upper, "one"), "1");
  await commit(world, "first");
  writeFileSync(join(upper, "two"), "2");
  const image = await commit(world, "second");
  assert.is(image.layers.length, 2);
  assert.ok(existsSync(join(world.find(image, 1), "one")) && existsSync(join(world.find(image, 1), "two")));
});

test("what can't be committed says why", async (context) => {
  const { world, layer } = await makeLayer(context);
  const refuses = (name: string, message: RegExp) =>
    assert.rejects(
      runLine(["commit", name, "made"], { cwd: world.path, environment: world.environment }),
      message,
    );
  await refuses("missing", /There is no kept layer "missing"/);
  await refuses("../layers/work", /There is no kept layer/);
  await assert.rejects(commit(world, "bad name"), /can't be the name of an image/);
  const fd = openSync(join(layer, "lock"), "w");
  assert.ok(tryLock(fd, "exclusive"));
  await refuses("work", /A jail is writing to the layer work/);
  writeFileSync(join(layer, "layer.json"), JSON.stringify({ over: { type: "host" } }));
  await refuses("work", /lies over the host's tree, which is no image/);
  writeFileSync(
    join(layer, "layer.json"),
    JSON.stringify({ over: { type: "image", name: "x", layers: [] } }),
  );
  await refuses("work", /The image that the layer work lies over is gone: x/);
  writeFileSync(join(layer, "layer.json"), "{");
  await refuses("work", /is damaged/);
});

test("killed at any moment: there is no new image, or all of it", { timeLimit: 90 }, async (context) => {
  const { world, upper } = await makeLayer(context);
  mkdirSync(join(upper, "many"));
  for (let index = 0; index < 1500; index++)
    writeFileSync(join(upper, "many", `f${index}`), Buffer.alloc(4000, index));
  const argv = ["--import", "tsx", resolve("src/cli.ts"), "commit", "work", "new"];
  const env = { PATH: process.env.PATH, ...world.environment };
  let killed = 0;
  for (const delay of [400, 550, 650, 750, 850, 1000, 1200]) {
    const child = spawn(process.execPath, argv, { env, stdio: ["ignore", "pipe", "pipe"] });
    const { ended } = watch(child, 60);
    setTimeout(() => child.kill("SIGKILL"), delay);
    killed += (await ended).signal === "SIGKILL" ? 1 : 0;
    const image = listImages({ directory: world.store }).find(
      ({ name }) => name === "new:latest" || name === "new",
    );
    if (image === undefined) continue;
    assert.is(readdirSync(join(world.find(image, 1), "many")).length, 1500);
  }
  assert.ok(killed > 0, "none was killed in time");
  const last = watch(spawn(process.execPath, argv, { env, stdio: ["ignore", "pipe", "pipe"] }), 60);
  const { status, stderr } = await last.ended;
  assert.is(status, 0, stderr);
  assert.equal(readdirSync(join(world.store, "tmp")), []);
  // The layer is as it was, and nobody holds it.
  assert.is(readdirSync(join(upper, "many")).length, 1500);
});
