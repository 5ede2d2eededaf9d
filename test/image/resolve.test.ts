// What an image's name means at a start. In: a store. Out: directories, lowest first, and the configuration, with
// everything looked at noted; or an error that says what to do.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { recordLooks } from "../../src/facts/look.ts";
import { blobPath } from "../../src/image/place.ts";
import { resolveImage } from "../../src/image/resolve.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeTar } from "./archive.ts";
import { makeImage, makeLayout } from "./layouts.ts";
import { makeWorld } from "./world.ts";

const test = suite("resolving an image");
const layers = [makeTar({ name: "a" }), makeTar({ name: "b" })];
const layout = (name: string) =>
  makeTar(...makeLayout([makeImage({ layers, name, config: { Env: ["A=b"], Cmd: ["sh"] } })]));

test("layers come lowest first, with the configuration; no tag is :latest", async (context) => {
  const world = makeWorld(context);
  const [image] = await world.import(world.write("i.tar", layout("a:latest")));
  const { value, looks } = recordLooks(() => resolveImage("a", world.environment));
  assert.equal(value.layers, [world.find(image, 0), world.find(image, 1)]);
  assert.equal(
    [value.name, value.config.config?.Env, value.config.config?.Cmd],
    ["a:latest", ["A=b"], ["sh"]],
  );
  assert.equal(
    looks.filter(({ type }) => type === "unrepeatable"),
    [],
  );
  const paths = looks.flatMap((look) => ("path" in look ? [look.path] : []));
  assert.ok(
    paths.includes(join(world.store, "images/a.json")) &&
      paths.includes(join(world.store, "images/a%3Alatest.json")),
  );
  assert.ok(value.layers.every((layer) => paths.includes(layer)));
});

test("what isn't there, or damaged, says what to do", async (context) => {
  const world = makeWorld(context);
  assert.throws(() => resolveImage("a", world.environment), /There is no image "a"/);
  const [image] = await world.import(world.write("i.tar", layout("debian:12")));
  assert.throws(
    () => resolveImage("debian:1", world.environment),
    (error) => /Did you mean debian:12/.test(String((error as { hint?: string }).hint)),
  );
  assert.throws(() => resolveImage("../x", world.environment), /can't be the name of an image/);
  assert.is(resolveImage("debian:12", world.environment).layers.length, 2);
  rmSync(world.find(image, 1), { recursive: true });
  assert.throws(() => resolveImage("debian:12", world.environment), /debian:12 is damaged: \S+ is missing/);
  rmSync(blobPath({ directory: world.store }, image?.config ?? ""));
  assert.throws(() => resolveImage("debian:12", world.environment), /its configuration is missing/);
  writeFileSync(join(world.store, "images/debian%3A12.json"), "{");
  assert.throws(() => resolveImage("debian:12", world.environment), /can't be read, or is damaged/);
});
