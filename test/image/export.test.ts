// Exports, and what other programs make of them. In: images of the store. Out: OCI layouts and docker archives, the same
// each time, that skopeo and umoci read and that come back as the same image.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { exportImage } from "../../src/image/export.ts";
import { useStore } from "../../src/image/store.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeTar } from "./archive.ts";
import { makeImage, makeLayout } from "./layouts.ts";
import { makeWorld, type World } from "./world.ts";

const test = suite("exporting an image");

const config = { Env: ["A=b"], Cmd: ["/bin/sh"] };
const layers = [
  makeTar({ name: "etc/", flag: "5" }, { name: "etc/issue", content: "lower", uid: 7 }),
  makeTar({ name: "etc/.wh.issue" }, { name: "new", content: "upper" }),
];

async function makeImported(world: World): Promise<void> {
  const layout = makeLayout([makeImage({ layers, name: "a:1", config })]);
  await world.import(world.write("in.tar", makeTar(...layout)));
}

async function write(
  world: World,
  name: string,
  format: "oci" | "docker",
  isDirectory = false,
): Promise<string> {
  const target = join(world.path, name);
  await useStore(world.environment, { lock: "shared", doing: "The export" }, (store) =>
    exportImage(store, { name: "a:1", target, format, isDirectory }),
  );
  return target;
}

function run(program: string, words: readonly string[], world: World): string {
  const { status, stdout, stderr } = spawnSync(program, words, {
    encoding: "utf8",
    cwd: world.path,
    env: { PATH: process.env.PATH, HOME: world.path, TMPDIR: world.path },
  });
  assert.is(status, 0, stderr);
  return stdout;
}

for (const [format, transport] of [
  ["oci", "oci-archive"],
  ["docker", "docker-archive"],
] as const) {
  test.needs("command:skopeo")(
    `skopeo reads and copies an archive in the form of ${format}`,
    async (context) => {
      const world = makeWorld(context);
      await makeImported(world);
      const file = await write(world, "out.tar", format);
      const about = JSON.parse(run("skopeo", ["inspect", `${transport}:${file}`], world));
      assert.equal([about.Env, about.Layers.length, about.Architecture], [["A=b"], 2, "amd64"]);
      run(
        "skopeo",
        ["--insecure-policy", "copy", `${transport}:${file}`, `oci:${world.path}/copied:x`],
        world,
      );
      const [image] = await world.import(join(world.path, "copied"));
      assert.is(image?.name, "copied:x");
      assert.is(readFileSync(join(world.find(image), "etc/issue"), "utf8"), "lower");
    },
  );

  test(`the same image gives the same bytes in the form of ${format}, and comes back as it was`, async (context) => {
    const world = makeWorld(context);
    await makeImported(world);
    const [one, two] = [await write(world, "1.tar", format), await write(world, "2.tar", format)];
    assert.ok(readFileSync(one).equals(readFileSync(two)));
    const [image] = await world.import(one, { name: "back" });
    const [again] = await world.import(`${world.path}/in.tar`);
    assert.equal(image?.layers, again?.layers);
    assert.is(image?.config, again?.config);
    if (format === "oci") assert.is(image?.manifest, again?.manifest);
  });
}

test.needs("command:umoci")("umoci unpacks a layout that is a directory", async (context) => {
  const world = makeWorld(context);
  await makeImported(world);
  const layout = await write(world, "layout", "oci", true);
  run("umoci", ["unpack", "--rootless", "--image", `${layout}:1`, join(world.path, "bundle")], world);
  const rootfs = join(world.path, "bundle/rootfs");
  assert.is(readFileSync(join(rootfs, "new"), "utf8"), "upper");
  assert.not.ok(existsSync(join(rootfs, "etc/issue")));
});

test("what is there already is not written over by a directory, and a failure leaves nothing", async (context) => {
  const world = makeWorld(context);
  await makeImported(world);
  await write(world, "layout", "oci", true);
  await assert.rejects(
    write(world, "layout", "oci", true),
    /layout can't be written: it is there already\.$/,
  );
  await assert.rejects(
    write(world, "missing/out.tar", "oci"),
    /out\.tar can't be written: it does not exist\.$/,
  );
  await assert.rejects(write(world, "d", "docker", true), /What docker reads is an archive/);
  const file = await write(world, "in.tar", "oci");
  assert.ok(statSync(file).size > 0);
});
