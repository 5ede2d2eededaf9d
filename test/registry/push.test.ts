// Pushes to a real registry on the loopback, and to servers that break. In: a store with an image. Out: the same image
// as skopeo finds it, or what the registry was sent.
// time-limit: 120s
import { join } from "node:path";
import { Client, type ClientOptions } from "../../src/registry/client.ts";
import { pushImage } from "../../src/registry/push.ts";
import { parseReference } from "../../src/registry/reference.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { makeImage, type TestImage } from "./image.ts";
import { account, startRegistry } from "./registry.ts";
import { type Seen, startServer, type Trick } from "./server.ts";
import { DirectoryStore } from "./store.ts";
import { fails, makeScratch } from "./world.ts";

const test = suite("push");
const needsRegistry = test.needs("command:docker-registry", "command:skopeo");

async function fillStore(scratch: string, image: TestImage, name: string): Promise<DirectoryStore> {
  const store = new DirectoryStore(join(scratch, "store"));
  async function* bytes(content: Uint8Array) {
    yield content;
  }
  for (const layer of image.layers)
    await store.addBlob(layer, async () => ({ from: 0, bytes: bytes(layer.bytes) }));
  const { manifest, config, layers } = image;
  await store.putImage({ name, manifest, config, layers });
  return store;
}

interface PushOptions extends Partial<ClientOptions> {
  readonly chunk?: number;
  /** Its name in the store. */
  readonly name?: string;
}

/** @returns what became of each blob: the layers, then the configuration */
async function push(
  context: TestContext,
  image: TestImage,
  to: string,
  options: PushOptions = {},
): Promise<string[]> {
  const { name = "here", chunk } = options;
  const source = await fillStore(makeScratch(context), image, name);
  const found = await source.findImage(name);
  if (found === undefined) throw new Error("no image");
  const client = new Client(parseReference(to), { environment: {}, firstPause: 1, attempts: 3, ...options });
  context.cleanup(() => client.close());
  const notes: string[] = [];
  const task = { begin() {}, reach() {}, finish: (note: string) => void notes.push(note) };
  const progress = { start: () => task, end() {} };
  await pushImage({ client, source, image: found, progress, chunk, parallel: 1 });
  return notes;
}

needsRegistry("sends an image that skopeo finds as it was", async (context) => {
  const registry = await startRegistry(context);
  const image = makeImage([100, 3_000_000]);
  const to = `${registry.host}/team/app:v1`;
  assert.equal(await push(context, image, to), ["sent", "sent", "sent"]);
  const raw = await registry.skopeo("inspect", "--raw", "--tls-verify=false", `docker://${to}`);
  assert.is(raw, Buffer.from(image.manifest.bytes).toString());
  const copy = `dir:${join(registry.scratch, "copy")}`;
  await registry.skopeo("copy", "--src-tls-verify=false", `docker://${to}`, copy);
  const there = "is there already";
  assert.equal(await push(context, image, to), [there, there, there]);
});

needsRegistry("sends chunks", async (context) => {
  const registry = await startRegistry(context);
  const image = makeImage([3_000_000]);
  const to = `${registry.host}/app:v1`;
  assert.equal(await push(context, image, to, { chunk: 1024 * 1024 }), ["sent", "sent"]);
  const copy = `dir:${join(registry.scratch, "copy")}`;
  await registry.skopeo("copy", "--src-tls-verify=false", `docker://${to}`, copy);
});

needsRegistry("mounts what another repository of the same registry has", async (context) => {
  const registry = await startRegistry(context);
  const image = makeImage();
  const name = `${registry.host}/a:1`;
  await push(context, image, name, { name });
  const to = `${registry.host}/b:1`;
  assert.equal(await push(context, image, to, { name }), ["mounted", "mounted", "mounted"]);
  assert.equal(await push(context, image, `${registry.host}/c:1`), ["sent", "sent", "sent"]);
  await registry.skopeo("inspect", "--tls-verify=false", `docker://${to}`);
});

needsRegistry("needs a password where the registry wants one", async (context) => {
  const registry = await startRegistry(context, { password: true });
  const { user, password } = account;
  const to = `${registry.host}/app:v1`;
  await fails(push(context, makeImage(), to), /does not take the blob sha256:\w+ into app: 401 Unauthorized/);
  const file = registry.writeAuth(`${user}:${password}`);
  const notes = await push(context, makeImage(), to, { environment: { REGISTRY_AUTH_FILE: file } });
  assert.equal(notes, ["sent", "sent", "sent"]);
});

/** Takes uploads; `breaks` tells which requests are cut instead. */
function takeUploads(breaks: (request: Seen, count: number) => boolean): {
  trick: Trick;
  received: () => number;
} {
  let received = 0;
  const trick: Trick = (request, response, count, host) => {
    const { method, path, headers } = request;
    if (method === "HEAD") response.writeHead(404).end();
    else if (breaks(request, count)) response.destroy();
    else if (method === "POST")
      response.writeHead(202, { location: `http://${host}/up/${received}?state=s` }).end();
    else if (method === "PATCH") {
      const [, first = "", last = ""] = /^(\d+)-(\d+)$/.exec(headers["content-range"] ?? "") ?? [];
      assert.is(Number(first), received);
      received = Number(last) + 1;
      response.writeHead(202, { location: `/up/${received}?state=s` }).end();
    } else if (method === "GET" && path.startsWith("/up/"))
      response.writeHead(204, { range: `0-${Math.max(0, received - 1)}` }).end();
    else if (method === "PUT") {
      received = 0;
      response.writeHead(201).end();
    } else return false;
    return true;
  };
  return { trick, received: () => received };
}

test("a broken chunk is sent again, not the whole blob", async (context) => {
  const image = makeImage([300_000]);
  let cuts = 0;
  const { trick } = takeUploads(
    ({ method, path }) => method === "PATCH" && /\/131072\?/.test(path) && cuts++ < 1,
  );
  const server = await startServer(context, image, trick);
  await push(context, image, `${server.host}/app:v1`, { chunk: 65536 });
  const ranges = server.seen
    .filter(({ method }) => method === "PATCH")
    .map((one) => one.headers["content-range"]);
  assert.equal(ranges.slice(0, 5), [
    "0-65535",
    "65536-131071",
    "131072-196607",
    "131072-196607",
    "196608-262143",
  ]);
  const puts = server.seen.filter(({ method, path }) => method === "PUT" && path.startsWith("/up/"));
  assert.ok(puts.every(({ path }) => /\?state=s&digest=sha256%3A[0-9a-f]{64}$/.test(path)));
});

test("a broken upload is begun anew, and not for ever", async (context) => {
  const image = makeImage([1000]);
  const isUpload = ({ method, path }: Seen) => method === "PUT" && path.startsWith("/up/");
  for (const [times, isFine] of [
    [2, true],
    [3, false],
  ] as const) {
    let cuts = 0;
    const { trick } = takeUploads((request) => isUpload(request) && cuts++ < times);
    const work = push(context, image, `${(await startServer(context, image, trick)).host}/app:v1`);
    if (isFine) assert.equal(await work, ["sent", "sent"]);
    else await fails(work, /^Writing http:\S+ failed: the connection was cut/);
  }
});

test("what a registry refuses is told: too large, denied, elsewhere, another digest", async (context) => {
  const image = makeImage([1000]);
  const answer = (method: string, status: number, headers: Record<string, string> = {}): Trick => {
    const { trick } = takeUploads(() => false);
    return (request, response, count, host) => {
      if (request.method !== method) return trick(request, response, count, host);
      response.writeHead(status, headers).end('{"errors":[{"code":"DENIED","message":"no"}]}');
      return true;
    };
  };
  const cases: [Trick, RegExp][] = [
    [answer("PUT", 413), /413 Payload Too Large: DENIED, no\.\n {2}hint: .*--chunk 8M/],
    [answer("POST", 403), /does not take the blob \S+ into app: 403 Forbidden: DENIED, no/],
    [answer("POST", 202), /takes an upload and does not say where it goes/],
    [answer("PUT", 307, { location: "http://127.0.0.1:1/" }), /sends an upload elsewhere/],
    [answer("POST", 202, { location: "http://elsewhere.invalid/" }), /without TLS/],
    [answer("PUT", 201, { "docker-content-digest": `sha256:${"0".repeat(64)}` }), /stored another manifest/],
  ];
  for (const [trick, message] of cases) {
    const server = await startServer(context, image, trick);
    await fails(push(context, image, `${server.host}/app:v1`), message);
  }
});

test("a registry that does not answer an upload is left after a time", async (context) => {
  const image = makeImage([5_000_000]);
  const { trick } = takeUploads(() => false);
  const silent: Trick = (request, response, count, host) => {
    if (request.method === "PUT") return true;
    return trick(request, response, count, host);
  };
  const server = await startServer(context, image, silent);
  const work = push(context, image, `${server.host}/app:v1`, { idleTimeout: 100, attempts: 2 });
  await fails(work, /^Writing http:\S+ failed: there was no answer in time/);
  assert.is(server.seen.filter(({ method }) => method === "PUT").length, 2);
});
