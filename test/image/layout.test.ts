// Images in several forms of file: OCI layouts and both forms of `docker save`. In: layouts built here. Out: images with
// shared layers; or one error for what is missing, wrong or contradicts itself.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostArchitecture } from "../../src/image/oci.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeTar } from "./archive.ts";
import { digestOf, makeImage, makeLayout, makeSaved } from "./layouts.ts";
import { makeWorld } from "./world.ts";

const test = suite("images as files");

const lower = makeTar({ name: "etc/", flag: "5" }, { name: "etc/issue", content: "lower" });
const upper = makeTar({ name: "etc/.wh.issue" }, { name: "new", content: "upper" });

test("an OCI layout in an archive: layers in order, shared by the images that have them", async (context) => {
  const world = makeWorld(context);
  const one = makeImage({ layers: [lower, upper], name: "a:1" });
  const two = makeImage({ layers: [lower], name: "b:2" });
  const images = await world.import(world.write("both.tar", makeTar(...makeLayout([one, two]))));
  assert.equal(
    images.map(({ name, layers, manifest }) => [name, layers, manifest]),
    [
      ["a:1", [digestOf(lower), digestOf(upper)], one.descriptor.digest],
      ["b:2", [digestOf(lower)], two.descriptor.digest],
    ],
  );
  assert.is(readFileSync(join(world.find(images[0]), "etc/issue"), "utf8"), "lower");
  assert.is(readFileSync(join(world.find(images[0], 1), "new"), "utf8"), "upper");
  assert.is(readdirSync(join(world.store, "layers")).length, 2);
  const blob = readdirSync(join(world.store, "blobs/sha256"));
  assert.is(blob.length, 2 + 2 + 2);
});

test("the same layout as a directory; a tag alone goes behind the directory's name", async (context) => {
  const world = makeWorld(context);
  const layout = join(world.path, "debian");
  for (const { name, content } of makeLayout([makeImage({ layers: [lower], name: "12" })])) {
    if (content === undefined) continue;
    mkdirSync(dirname(join(layout, name)), { recursive: true });
    writeFileSync(join(layout, name), content);
  }
  const [image] = await world.import(layout);
  assert.equal([image?.name, image?.created], ["debian:12", "2024-01-02T03:04:05Z"]);
  const [named] = await world.import(layout, { name: "mine" });
  assert.is(named?.name, "mine");
});

test("of an index of many platforms, also a nested one, this machine's is taken", async (context) => {
  const world = makeWorld(context);
  const own = { os: "linux", architecture: hostArchitecture() };
  const foreign = { os: "linux", architecture: "s390x" };
  const other = makeImage({ layers: [upper], platform: foreign });
  const right = makeImage({ layers: [lower], platform: own });
  const proof = makeImage({ layers: [], platform: { os: "unknown", architecture: "unknown" } });
  const [image] = await world.import(world.write("m.tar", makeTar(...makeLayout([other, right, proof]))));
  assert.equal(image?.layers, [digestOf(lower)]);
  const inner = Buffer.from(
    JSON.stringify({ schemaVersion: 2, manifests: [other.descriptor, right.descriptor] }),
  );
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const index = { manifests: [{ mediaType, digest: digestOf(inner), size: inner.length }] };
  const nested = makeLayout([other, right], index);
  nested.unshift({ name: `blobs/sha256/${digestOf(inner).slice(7)}`, content: inner });
  const [again] = await world.import(world.write("n.tar", makeTar(...nested)));
  assert.equal(again?.layers, [digestOf(lower)]);
  const wrong = makeTar(
    ...makeLayout([other, makeImage({ layers: [lower], platform: { ...foreign, variant: "x" } })]),
  );
  await world.refuses(wrong, /has no image for linux\/\w+; what it has: linux\/s390x, linux\/s390x/);
});

test("what docker saves: every tag of it, and a layer that is a link to another", async (context) => {
  const world = makeWorld(context);
  const file = world.write("s.tar", makeTar(...makeSaved([lower, upper, lower], ["x:1", "y:2"])));
  const images = await world.import(file);
  assert.equal(
    images.map(({ name }) => name),
    ["x:1", "y:2"],
  );
  assert.equal(images[0]?.layers, [lower, upper, lower].map(digestOf));
  assert.is((await world.import(file, { name: "z" }))[0]?.manifest, images[0]?.manifest);
});

test("what newer dockers save is an OCI layout with a manifest.json beside it", async (context) => {
  const world = makeWorld(context);
  const built = makeImage({ layers: [lower] });
  const annotations = {
    "io.containerd.image.name": "docker.example/library/x:1",
    "org.opencontainers.image.ref.name": "1",
  };
  const index = { manifests: [{ ...built.descriptor, annotations }] };
  const entries = [...makeLayout([built], index), { name: "manifest.json", content: "[]" }];
  const [image] = await world.import(world.write("s.tar", makeTar(...entries)));
  assert.is(image?.name, "docker.example/library/x:1");
});

test("blobs that are not what their digest says are refused, and nothing is kept", async (context) => {
  const world = makeWorld(context);
  const built = makeImage({ layers: [lower, upper] });
  const entries = makeLayout([built]);
  const at = entries.findIndex(
    ({ content }) => content?.length === built.blobs.get([...built.blobs.keys()][1] ?? "")?.length,
  );
  const spoil = (content: Buffer) =>
    makeTar(...entries.map((one, index) => (index === at ? { ...one, content } : one)));
  const good = entries[at]?.content as Buffer;
  const changed = Buffer.from(good);
  changed.writeUInt8(changed.readUInt8(20) ^ 1, 20);
  await world.refuses(spoil(changed), /blobs\/sha256\/\w+ has the wrong digest: sha256:\w+, not sha256:/);
  await world.refuses(spoil(good.subarray(1)), /has the wrong size: \d+ bytes where \d+ are promised/);
  await world.refuses(spoil(Buffer.concat([good, good])), /has the wrong size: more bytes where/);
  await world.refuses(makeTar(...entries.filter((_, index) => index !== at)), /lacks "blobs\/sha256\/\w+"/);
  assert.ok(existsSync(await world.unpack(spoil(good))));
});

test("a layer that unpacks to something else than its image says is refused, also where that is here already", async (context) => {
  const world = makeWorld(context);
  const lie = makeTar(...makeLayout([makeImage({ layers: [upper], diffIds: [digestOf(lower)] })]));
  await world.refuses(lie, /is not what its image says: it unpacks to sha256:\w+, not sha256:/);
  await world.import(
    world.write("ok.tar", makeTar(...makeLayout([makeImage({ layers: [lower], name: "a:1" })]))),
  );
  await world.refuses(lie, /is not what its image says/);
  const few = makeTar(...makeLayout([makeImage({ layers: [lower, upper], diffIds: [digestOf(lower)] })]));
  await world.refuses(few, /contradicts itself: 2 layers, 1 digests/);
});

test("links of the layout's that lead out of it are not followed", async (context) => {
  const world = makeWorld(context);
  const saved = makeSaved([lower], ["x:1"]);
  const lead = (link: string) =>
    makeTar(
      ...saved.map((one) => (one.name.endsWith("layer.tar") ? { name: one.name, flag: "2", link } : one)),
    );
  await world.refuses(lead("/etc/passwd"), /name that leads out of it/);
  await world.refuses(lead("../../../../etc/passwd"), /name that leads out of it/);
  await world.refuses(lead("layer.tar"), /name that leads out of it/);
  const manifest = JSON.stringify([{ Config: "../../etc/passwd", RepoTags: [], Layers: [] }]);
  await world.refuses(makeTar({ name: "manifest.json", content: manifest }), /name that leads out of it/);
  assert.ok(existsSync(await world.unpack(makeTar(...saved))));
});

test("documents that are none are refused", async (context) => {
  const world = makeWorld(context);
  const layout = (index: string) =>
    makeTar({ name: "oci-layout", content: "{}" }, { name: "index.json", content: index });
  await world.refuses(layout("{"), /index\.json is not JSON/);
  await world.refuses(
    layout('{"manifests":[{"digest":"md5:1","size":1}]}'),
    /index\.json is not what it has to be at manifests\.0\.digest/,
  );
  await world.refuses(layout('{"manifests":[]}'), /has no image in it/);
  await world.refuses(
    makeTar({ name: "manifest.json", content: "{}" }),
    /manifest\.json is not what it has to be/,
  );
});

test("--name fits one image only", async (context) => {
  const world = makeWorld(context);
  const both = [makeImage({ layers: [lower], name: "a:1" }), makeImage({ layers: [upper], name: "b:2" })];
  const file = world.write("both.tar", makeTar(...makeLayout(both)));
  await assert.rejects(world.import(file, { name: "c" }), /has several images: a:1, b:2\.$/);
  assert.is((await world.import(file)).length, 2);
});
