// Pulls from registries that break, lie, or want what is not theirs. In: a server of ours on the loopback. Out: an error
// that says which, with nothing kept, and beside each the same done properly.
// time-limit: 120s
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { maxManifestBytes } from "../../src/registry/manifest.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeImage, makeIndex, strangeArchitecture, toDocument, types } from "./image.ts";
import { startServer, type Trick } from "./server.ts";
import { DirectoryStore } from "./store.ts";
import { fails, listBlobs, makeScratch, pull } from "./world.ts";

const test = suite("hostile registries");

const isBlob = (path: string) => path.startsWith("/v2/app/blobs/");

test("a proper server is believed, without TLS on this machine", async (context) => {
  const image = makeImage();
  const server = await startServer(context, image);
  const store = await pull(context, server);
  assert.is(listBlobs(store).length, 4);
  assert.ok(server.seen.every(({ headers }) => headers.authorization === undefined));
});

test("a blob with other bytes than its digest promises is not kept", async (context) => {
  const image = makeImage([1000]);
  const wrong: Trick = ({ path }, response) => {
    if (!path.endsWith(image.layers[0]?.digest ?? "?")) return false;
    response.end(Buffer.alloc(image.layers[0]?.size ?? 0));
    return true;
  };
  const scratch = makeScratch(context);
  const server = await startServer(context, image, wrong);
  await fails(
    pull(context, server, { scratch }),
    /^The blob sha256:\S+ of 127\S+\/app is damaged: its digest is/,
  );
  const store = new DirectoryStore(join(scratch, "store"));
  assert.equal([listBlobs(store), readdirSync(join(scratch, "store/partial"))], [[], []]);
});

test("a blob that never ends is cut off at its size", async (context) => {
  const image = makeImage([1000]);
  const endless: Trick = ({ path }, response) => {
    if (!path.endsWith(image.layers[0]?.digest ?? "?")) return false;
    const timer = setInterval(() => response.write(Buffer.alloc(65536)), 1);
    response.on("close", () => clearInterval(timer));
    return true;
  };
  const server = await startServer(context, image, endless);
  await fails(pull(context, server), /is damaged: it has more than the \d+ bytes that it should have/);
});

test("a body that is cut short is gone on with, by Range where the server knows it", async (context) => {
  const image = makeImage([200_000]);
  const [layer] = image.layers;
  if (layer === undefined) throw new Error("no layer");
  for (const knowsRange of [true, false]) {
    const cut: Trick = ({ path, headers }, response, count) => {
      if (!path.endsWith(layer.digest)) return false;
      if (count === 0) {
        response.writeHead(200, { "content-length": layer.size });
        response.write(layer.bytes.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 50));
        return true;
      }
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1]);
      assert.ok(from > 0 && from <= 50_000, headers.range);
      if (!knowsRange) return false;
      const range = `bytes ${from}-${layer.size - 1}/${layer.size}`;
      response.writeHead(206, { "content-range": range }).end(layer.bytes.subarray(from));
      return true;
    };
    const server = await startServer(context, image, cut);
    assert.is(listBlobs(await pull(context, server)).length, 3);
  }
});

test("a body that is always cut short ends in an error after some tries", async (context) => {
  const image = makeImage([200_000]);
  const cut: Trick = ({ path }, response) => {
    if (!path.endsWith(image.layers[0]?.digest ?? "?")) return false;
    response.writeHead(200, { "content-length": 200_000 });
    response.write("some", () => setTimeout(() => response.destroy(), 10));
    return true;
  };
  const server = await startServer(context, image, cut);
  await fails(
    pull(context, server),
    /^Reading http:\/\/127\S+ failed: the connection was cut\.\n.*what has been/,
  );
  assert.is(server.seen.filter(({ path }) => path.endsWith(image.layers[0]?.digest ?? "?")).length, 3);
});

test("busy servers are asked again, and not for ever", async (context) => {
  const image = makeImage([100]);
  const busy = (times: number, status: number): Trick => {
    return ({ path }, response, count) => {
      if (!path.includes("/manifests/") || count >= times) return false;
      response.writeHead(status, { "retry-after": "0" }).end('{"errors":[{"code":"TOOMANYREQUESTS"}]}');
      return true;
    };
  };
  for (const status of [429, 502, 503])
    await pull(context, await startServer(context, image, busy(2, status)));
  const server = await startServer(context, image, busy(100, 429));
  await fails(pull(context, server), /429 Too Many Requests: TOOMANYREQUESTS\.\n {2}hint: Try again later/);
  assert.is(server.seen.filter(({ path }) => path.includes("/manifests/")).length, 3);
});

test("a Retry-After that nobody would wait for is told at once", async (context) => {
  const late: Trick = ({ path }, response) => {
    if (!path.includes("/manifests/")) return false;
    response.writeHead(429, { "retry-after": "21600" }).end();
    return true;
  };
  const server = await startServer(context, makeImage(), late);
  await fails(pull(context, server), /Try again later, after 21600/);
  assert.is(server.seen.filter(({ path }) => path.includes("/manifests/")).length, 1);
});

test("a server that says nothing is left after a time", async (context) => {
  const image = makeImage([100]);
  const silent: Trick = ({ path }) => isBlob(path);
  const server = await startServer(context, image, silent);
  await fails(pull(context, server, { idleTimeout: 200 }), /failed: there was no answer in time/);
  const stuck: Trick = ({ path }, response) => {
    if (!path.endsWith(image.layers[0]?.digest ?? "?")) return false;
    response.writeHead(200, { "content-length": image.layers[0]?.size ?? 0 }).write("a");
    return true;
  };
  const second = await startServer(context, image, stuck);
  await fails(pull(context, second, { idleTimeout: 200 }), /failed: nothing came for too long/);
});

test("a manifest beyond the limit is not read to its end", async (context) => {
  let sent = 0;
  const huge: Trick = ({ path }, response) => {
    if (!path.includes("/manifests/")) return false;
    const write = () => {
      while (sent < 40 * maxManifestBytes && response.write(Buffer.alloc(65536, " "))) sent += 65536;
    };
    response.on("drain", write);
    write();
    return true;
  };
  const server = await startServer(context, makeImage(), huge);
  await fails(pull(context, server), /The manifest latest of 127\S+ is larger than 4194304 bytes/);
  assert.ok(sent < 20 * maxManifestBytes, String(sent));
});

test("a manifest with another digest than asked for, or told, is refused", async (context) => {
  const image = makeImage();
  const digest = `sha256:${"0".repeat(64)}`;
  const liar: Trick = ({ path }, response) => {
    if (!path.includes("/manifests/")) return false;
    response.writeHead(200, { "docker-content-digest": digest }).end(image.manifest.bytes);
    return true;
  };
  const server = await startServer(context, image, liar);
  await fails(pull(context, server), /The manifest latest from 127\S+ has been changed on its way/);
  await fails(
    pull(context, server, { name: `app@${digest}` }),
    /The manifest sha256:0+ from 127\S+ has been changed on its way/,
  );
  await pull(context, await startServer(context, image), { name: `app@${image.manifest.digest}` });
});

test("an index without this platform says what it has", async (context) => {
  const image = makeImage();
  const index = makeIndex([[strangeArchitecture, image]]);
  const server = await startServer(context, { manifest: index, blobs: image.blobs });
  await fails(
    pull(context, server),
    new RegExp(`is not there for linux/\\w+\\.\\n {2}It is there for linux/${strangeArchitecture}\\.`),
  );
});

test("manifests that are two things, artifacts, or too old are refused", async (context) => {
  const { manifest, blobs } = makeImage();
  const plain = JSON.parse(Buffer.from(manifest.bytes).toString());
  const cases: [object, RegExp][] = [
    [{ ...plain, manifests: [] }, /is an image and an index at once/],
    [{ schemaVersion: 1, mediaType: undefined }, /Docker's first schema/],
    [
      { ...plain, config: { ...plain.config, mediaType: "application/vnd.helm" } },
      /it is no image, but something/,
    ],
    [{ ...plain, layers: [{ ...plain.layers[0], mediaType: "a/b" }] }, /a layer of the type "a\/b"/],
    [{ ...plain, layers: [{ ...plain.layers[0], digest: "sha256:../.." }] }, /which is no SHA-256 digest/],
    [{ ...plain, layers: [{ ...plain.layers[0], size: -1 }] }, /layers\.0\.size of its manifest/],
    [{ ...plain, layers: [plain.layers[0]] }, /its configuration tells of 2 layers, and there are 1/],
    [[], /is not a JSON object/],
  ];
  for (const [content, message] of cases) {
    const top = toDocument(types.manifest, content);
    await fails(pull(context, await startServer(context, { manifest: top, blobs })), message);
  }
});

test("a store that gives up in the middle is heard, whatever the connection does then", async (context) => {
  const image = makeImage([100_000]);
  const cut: Trick = ({ path }, response) => {
    if (!path.endsWith(image.layers[0]?.digest ?? "?")) return false;
    response.writeHead(200, { "content-length": 100_000 });
    response.write("some", () => setTimeout(() => response.destroy(), 20));
    return true;
  };
  const server = await startServer(context, image, cut);
  const scratch = makeScratch(context);
  const full = new DirectoryStore(join(scratch, "store"));
  full.addBlob = async (_blob, begin) => {
    await begin(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    throw new Error("no space left on device");
  };
  await assert.rejects(pull(context, server, { store: full }), /no space left/);
  assert.equal(listBlobs(full), []);
});

test("when one layer fails, another that hangs is not waited for", async (context) => {
  const image = makeImage([100, 100]);
  const [bad, slow] = image.layers;
  const trick: Trick = ({ path }, response) => {
    if (path.endsWith(slow?.digest ?? "?"))
      response.writeHead(200, { "content-length": slow?.size ?? 0 }).write("a");
    else if (path.endsWith(bad?.digest ?? "?")) setTimeout(() => response.writeHead(404).end(), 100);
    else return false;
    return true;
  };
  const server = await startServer(context, image, trick);
  const started = performance.now();
  await fails(pull(context, server), /does not give the blob sha256:\S+ of app: 404 Not Found/);
  assert.ok(performance.now() - started < 5000);
});

test("a manifest of an unnamed type, from a server that calls it JSON, is stored as what it is", async (context) => {
  const image = makeImage();
  const { mediaType, ...rest } = JSON.parse(Buffer.from(image.manifest.bytes).toString());
  const manifest = toDocument("application/json", rest);
  const server = await startServer(context, { manifest, blobs: image.blobs });
  const found = await (await pull(context, server)).findImage("app");
  assert.equal([found?.manifest.mediaType, found?.manifest.digest], [mediaType, manifest.digest]);
});

test("layers are taken three at a time, each once", async (context) => {
  const image = makeImage([10, 10, 10, 10, 10, 10, 10]);
  const [first] = image.layers;
  if (first === undefined) throw new Error("no layer");
  const plain = JSON.parse(Buffer.from(image.manifest.bytes).toString());
  const config = JSON.parse(Buffer.from(image.config.bytes).toString());
  // The same layer twice, as images with empty layers have it.
  config.rootfs.diff_ids.push(config.rootfs.diff_ids[0]);
  const changed = toDocument(types.config, config);
  const { mediaType, digest, size } = changed;
  const layers = [...plain.layers, plain.layers[0]];
  const manifest = toDocument(types.manifest, { ...plain, config: { mediaType, digest, size }, layers });
  let most = 0;
  const held: (() => void)[] = [];
  const release = () => {
    for (const send of held.splice(0)) send();
  };
  // Nobody gets an answer before three have asked, and a fourth has had the time to.
  const slow: Trick = ({ path }, response) => {
    const layer = image.layers.find((each) => path.endsWith(each.digest));
    if (layer === undefined) return false;
    most = Math.max(
      most,
      held.push(() => response.end(layer.bytes)),
    );
    if (held.length === 1) setTimeout(release, 3000);
    if (held.length === 3) setTimeout(release, 200);
    return true;
  };
  const server = await startServer(context, { manifest, blobs: [...image.blobs, changed] }, slow);
  const store = await pull(context, server);
  assert.equal([most, (await store.findImage("app"))?.layers.length], [3, 8]);
  const paths = server.seen.map(({ path }) => path).filter((path) => path.includes("/blobs/"));
  assert.is(paths.length, new Set(paths).size);
});
