// `tsjail image pull` and `image push`: what they print, on a terminal and elsewhere, and how they fail. In: a real
// registry on the loopback, a store of the tests. Out: lines.
// time-limit: 120s
import { describeCommand } from "../../src/commands/help.ts";
import { createImagePull } from "../../src/commands/image-pull.ts";
import { createImagePush } from "../../src/commands/image-push.ts";
import { TsjailError } from "../../src/error.ts";
import { runCommand } from "../registry/command.ts";
import { makeImage } from "../registry/image.ts";
import { publish, startRegistry } from "../registry/registry.ts";
import { startServer } from "../registry/server.ts";
import { makeScratch } from "../registry/world.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("image pull and push");
const needsRegistry = test.needs("command:docker-registry", "command:skopeo");

needsRegistry("pull prints the name with its digest, and a line for each layer", async (context) => {
  const registry = await startRegistry(context);
  const image = makeImage([2048, 100]);
  await publish(registry, "app:v1", image);
  const name = `${registry.host}/app:v1`;
  const { status, stdout, log, drawn } = await runCommand(createImagePull, registry.scratch, [name]);
  assert.equal([status, stdout, drawn], [0, `${name}@${image.manifest.digest}\n`, ""]);
  const short = image.layers.map(({ digest }) => digest.slice(7, 19)).sort();
  const lines = log.trimEnd().split("\n").sort();
  lines.forEach((line, index) => {
    assert.match(line, new RegExp(`^${short[index]} {2} *[\\d.]+ (KiB|bytes) {2}taken$`));
  });
  assert.is(lines.length, 2);
  const exact = `${registry.host}/app@${image.manifest.digest}`;
  const again = await runCommand(createImagePull, registry.scratch, [exact, "--name", "mine", "--json"]);
  const data = JSON.parse(again.stdout);
  assert.equal([data.name, data.digest, data.layers.length], ["mine:latest", image.manifest.digest, 2]);
  assert.match(again.log, /is there already/);
});

needsRegistry("bars are drawn on a terminal, and gone at the end", async (context) => {
  const registry = await startRegistry(context);
  await publish(registry, "app:v1", makeImage([20_000_000]));
  const around = { terminal: () => undefined };
  const { drawn, log } = await runCommand(
    createImagePull,
    registry.scratch,
    [`${registry.host}/app:v1`],
    around,
  );
  assert.match(drawn, /[0-9a-f]{12} {2}[█░]{24} {2}[\d.]+ \w+ of 19\.\d MiB/);
  assert.match(log, /^[0-9a-f]{12} +19\.\d MiB {2}taken\n$/);
  assert.match(drawn.replaceAll(/[^\n]*\n/g, ""), /\u001B\[J|^\u001B\[\?7l\u001B\[\?7h$/);
});

needsRegistry("push sends what pull has taken, elsewhere too", async (context) => {
  const registry = await startRegistry(context);
  const image = makeImage();
  await publish(registry, "app:v1", image);
  const name = `${registry.host}/app:v1`;
  await runCommand(createImagePull, registry.scratch, [name]);
  const there = await runCommand(createImagePush, registry.scratch, [name]);
  assert.match(there.log, /^(\S+ .* is there already\n){3}$/);
  const to = `${registry.host}/copy:v2`;
  const { stdout, log } = await runCommand(createImagePush, registry.scratch, [name, to, "--json"]);
  assert.equal(JSON.parse(stdout), { name: to, digest: image.manifest.digest });
  assert.match(log, /^(\S+ .* mounted\n){3}$/);
  const raw = await registry.skopeo("inspect", "--raw", "--tls-verify=false", `docker://${to}`);
  assert.is(raw, Buffer.from(image.manifest.bytes).toString());
});

test("options that can't be understood, and images that are not there, are told", async (context) => {
  const scratch = makeScratch(context);
  const digest = `sha256:${"0".repeat(64)}`;
  const cases: [typeof createImagePull | typeof createImagePush, string[], RegExp, string?][] = [
    [createImagePull, ["Debian"], /it has capital letters/],
    [createImagePull, ["app", "--name", "A"], /it has capital letters/],
    [createImagePull, ["app", "--platform", "arm"], /--platform "arm" is no platform/],
    [createImagePush, ["app:v1"], /There is no image called "app:v1" here/],
    [createImagePush, ["app", `localhost/app@${digest}`], /has a digest, which the image itself gives/],
    [createImagePush, ["app", "--chunk", "8"], /--chunk "8" is no size of at least 64K/],
    [createImagePush, ["app", "--chunk", "many"], /--chunk "many" is no size/],
    [
      createImagePull,
      ["localhost:1/app"],
      /Reading https?:\/\/localhost:1\S+ failed: nobody/,
      "registry_failed",
    ],
  ];
  for (const [make, argv, message, code = "usage"] of cases)
    await assert.rejects(runCommand(make as typeof createImagePull, scratch, argv), (error) => {
      assert.ok(error instanceof TsjailError, String(error.stack));
      assert.equal([error.code, error.exitStatus], [code, 125]);
      assert.match(error.message, message);
      return true;
    });
  const { host } = await startServer(context, makeImage());
  assert.is((await runCommand(createImagePull, scratch, [`${host}/app`])).status, 0);
});

test("--authfile is found from the current directory, and --anonymous does without", async (context) => {
  const scratch = makeScratch(context);
  const server = await startServer(context, makeImage());
  const argv = [`${server.host}/app`, "--authfile", "missing.json"];
  // This registry wants no password, so nobody looks for one.
  assert.is((await runCommand(createImagePull, scratch, argv)).status, 0);
  const strict = await startServer(context, makeImage(), ({ path }, response) => {
    if (path === "/v2/") return false;
    response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
    return true;
  });
  const missing = [`${strict.host}/app`, "--authfile", "missing.json"];
  await assert.rejects(runCommand(createImagePull, scratch, missing), (error) =>
    error.message.startsWith(`The credentials in ${scratch}/missing.json can't be read`),
  );
  await assert.rejects(runCommand(createImagePull, scratch, [...missing, "--anonymous"]), /401 Unauthorized/);
});

test("the help has every option", async () => {
  const style = { version: "0.1.0", color: () => false };
  const text = await describeCommand(
    createImagePull(async () => 0),
    style,
  );
  for (const word of [
    "tsjail image pull [OPTIONS] REF",
    "--platform",
    "--plain-http",
    "--authfile",
    "--json",
  ])
    assert.ok(text.includes(word), `${word}\n${text}`);
});
