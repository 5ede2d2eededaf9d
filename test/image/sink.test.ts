// Images between registries and the real store. In: a registry on the loopback, a home of the test's own. Out: unpacked
// layers, what skopeo reads, and what is left when a pull is killed.
// time-limit: 120s
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeSurroundings, root, runLine, type Surroundings } from "../commands/fixture.ts";
import { makeImage, type TestImage } from "../registry/image.ts";
import { publish, startRegistry } from "../registry/registry.ts";
import { startServer, type Trick } from "../registry/server.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("sink");
const needsRegistry = test.needs("command:docker-registry", "command:skopeo");

const storeOf = ({ cwd }: Surroundings) => join(cwd, ".local/share/tsjail/store");
const listOf = (around: Surroundings, part: string): string[] => {
  const directory = join(storeOf(around), part);
  return existsSync(directory) ? readdirSync(directory).sort() : [];
};
const blobsOf = (image: TestImage) =>
  [image.manifest, ...image.blobs].map(({ digest }) => digest.slice(7)).sort();

needsRegistry("pull unpacks layers, and push sends them as they came", async (context) => {
  const registry = await startRegistry(context);
  const around = makeSurroundings(context);
  const image = makeImage([100, 200_000]);
  await publish(registry, "app:v1", image);
  const name = `${registry.host}/app:v1`;
  const { stdout } = await runLine(["image", "pull", name, "--name", "mine:1"], around);
  assert.is(stdout, `mine:1@${image.manifest.digest}\n`);
  assert.equal(listOf(around, "blobs/sha256"), blobsOf(image));
  const { directories } = JSON.parse((await runLine(["image", "inspect", "mine:1"], around)).stdout);
  assert.is(statSync(join(directories[1], "file-1")).size, 200_000);
  const to = `${registry.host}/copy:v2`;
  await runLine(["image", "push", "mine:1", to], around);
  const raw = await registry.skopeo("inspect", "--raw", "--tls-verify=false", `docker://${to}`);
  assert.is(raw, Buffer.from(image.manifest.bytes).toString());
  await assert.rejects(runLine(["image", "push", "other", to], around), /There is no image "other"/);
});

needsRegistry("two pulls of one image at once end in one image", async (context) => {
  const registry = await startRegistry(context);
  const around = makeSurroundings(context);
  const image = makeImage([1_000_000, 2_000_000]);
  await publish(registry, "app:v1", image);
  const pull = () => runLine(["image", "pull", `${registry.host}/app:v1`], around);
  const [first, second] = await Promise.all([pull(), pull()]);
  assert.is(first.stdout, second.stdout);
  assert.equal(listOf(around, "blobs/sha256"), blobsOf(image));
  assert.equal([listOf(around, "partial"), listOf(around, "tmp")], [[], []]);
});

/** Sends a part of a layer, and then nothing, the first time. */
function stall(layer: { digest: string; size: number; bytes: Uint8Array }, context: TestContext) {
  let reached: () => void = () => {};
  const stalled = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const ranges: (string | undefined)[] = [];
  const trick: Trick = ({ path, headers }, response) => {
    if (!path.endsWith(layer.digest)) return false;
    ranges.push(headers.range);
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
    if (ranges.length === 1) {
      response.writeHead(200, { "content-length": layer.size });
      response.write(layer.bytes.subarray(0, 500_000), () => setTimeout(reached, 300));
    } else
      response
        .writeHead(206, { "content-range": `bytes ${from}-${layer.size - 1}/${layer.size}` })
        .end(layer.bytes.subarray(from));
    return true;
  };
  context.cleanup(() => reached());
  return { trick, stalled, ranges };
}

test("a pull that is killed leaves whole blobs and a part to go on with", async (context) => {
  const around = makeSurroundings(context);
  const image = makeImage([100, 1_000_000]);
  const layer = image.layers[1];
  if (layer === undefined) throw new Error("no layer");
  const { trick, stalled, ranges } = stall(layer, context);
  const server = await startServer(context, image, trick);
  const line = ["image", "pull", `${server.host}/app`];
  const argv = ["--import", "tsx", join(root, "src/cli.ts"), ...line];
  const env = { ...(around.environment as NodeJS.ProcessEnv) };
  const child = spawn(process.execPath, argv, { cwd: root, env, stdio: "ignore" });
  await Promise.race([stalled, once(child, "exit")]);
  child.kill("SIGKILL");
  if (child.signalCode === null) await once(child, "exit");
  const part = join(storeOf(around), "partial", layer.digest.slice(7));
  assert.equal(readFileSync(part), Buffer.from(layer.bytes.subarray(0, statSync(part).size)));
  assert.equal([listOf(around, "images"), listOf(around, "blobs/sha256").length], [[], 1]);
  const kept = statSync(part).size;
  await runLine(line, around);
  assert.equal(ranges, [undefined, `bytes=${kept}-`]);
  assert.equal([listOf(around, "blobs/sha256"), listOf(around, "partial")], [blobsOf(image), []]);
  assert.equal(listOf(around, "tmp"), []);
});

test("prune removes what broken downloads have left", async (context) => {
  const around = makeSurroundings(context);
  const image = makeImage([100, 1000]);
  const layer = image.layers[1];
  const cut: Trick = ({ path }, response) => {
    if (!path.endsWith(layer?.digest ?? "?")) return false;
    response.writeHead(404).end();
    return true;
  };
  const server = await startServer(context, image, cut);
  await assert.rejects(runLine(["image", "pull", `${server.host}/app`], around), /404 Not Found/);
  assert.equal([listOf(around, "blobs/sha256").length, listOf(around, "partial").length], [1, 1]);
  await runLine(["image", "prune"], around);
  assert.equal([listOf(around, "blobs/sha256"), listOf(around, "partial")], [[], []]);
});
