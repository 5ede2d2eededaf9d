// Pulls from a real registry on the loopback. In: images that skopeo has put there. Out: a store with the same bytes.
// time-limit: 120s
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, type ClientOptions } from "../../src/registry/client.ts";
import { parsePlatform } from "../../src/registry/manifest.ts";
import { pullImage } from "../../src/registry/pull.ts";
import { parseReference } from "../../src/registry/reference.ts";
import type { Image } from "../../src/registry/sink.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";
import {
  architecture,
  makeImage,
  makeIndex,
  strangeArchitecture,
  type TestImage,
  writeLayout,
} from "./image.ts";
import { account, publish, startRegistry } from "./registry.ts";
import { DirectoryStore } from "./store.ts";

const test = suite("pull");
const needsRegistry = test.needs("command:docker-registry", "command:skopeo");

interface Pulled {
  readonly image: Image;
  readonly store: DirectoryStore;
  /** What became of each layer. */
  readonly notes: string[];
}

async function pull(
  { cleanup }: TestContext,
  scratch: string,
  name: string,
  options: Partial<ClientOptions> & { readonly platform?: string } = {},
): Promise<Pulled> {
  const client = new Client(parseReference(name), { environment: {}, firstPause: 1, ...options });
  cleanup(() => client.close());
  const store = new DirectoryStore(join(scratch, "store"));
  const notes: string[] = [];
  const task = { begin() {}, reach() {}, finish: (note: string) => void notes.push(note) };
  const progress = { start: () => task, end() {} };
  const platform = parsePlatform(options.platform) ?? { os: "", architecture: "" };
  const image = await pullImage({ client, sink: store, platform, progress, name });
  return { image, store, notes };
}

const bytesOf = (store: DirectoryStore, image: TestImage) =>
  image.blobs.map((blob) => readFileSync(store.pathOf(blob)).equals(blob.bytes));

needsRegistry("takes an image, byte for byte", async (context) => {
  const registry = await startRegistry(context);
  const image = makeImage([3000, 5_000_000, 10]);
  await publish(registry, "team/app:v1", image);
  const {
    store,
    notes,
    image: pulled,
  } = await pull(context, registry.scratch, `${registry.host}/team/app:v1`);
  assert.equal(bytesOf(store, image), [true, true, true, true]);
  assert.equal(notes, ["taken", "taken", "taken"]);
  assert.is(pulled.manifest.digest, image.manifest.digest);
  assert.equal(readdirSync(join(store.directory, "partial")), []);
  const again = await pull(context, registry.scratch, `${registry.host}/team/app@${image.manifest.digest}`);
  assert.equal(again.notes, ["is there already", "is there already", "is there already"]);
});

needsRegistry("goes on where a broken download ended, and not with what is damaged", async (context) => {
  const registry = await startRegistry(context);
  const image = makeImage([2_000_000]);
  const [layer] = image.layers;
  if (layer === undefined) throw new Error("no layer");
  await publish(registry, "app", image);
  const store = new DirectoryStore(join(registry.scratch, "store"));
  writeFileSync(store.partialOf(layer), layer.bytes.subarray(0, 1_000_000));
  const { notes } = await pull(context, registry.scratch, `${registry.host}/app`);
  assert.equal([notes, ...bytesOf(store, image)], [["taken, the rest of it"], true, true]);

  truncateSync(store.pathOf(layer), 5);
  writeFileSync(store.partialOf(layer), Buffer.alloc(1_000_000));
  await pull(context, registry.scratch, `${registry.host}/app`);
  assert.equal(bytesOf(store, image), [true, true]);
});

needsRegistry("chooses this platform of an index, or the one that is asked for", async (context) => {
  const registry = await startRegistry(context);
  const [ours, theirs] = [makeImage(), makeImage([100], { architecture: strangeArchitecture })];
  const index = makeIndex([
    [strangeArchitecture, theirs],
    [architecture, ours],
  ]);
  const layout = join(registry.scratch, "layout");
  writeLayout(
    layout,
    index,
    [ours, theirs].flatMap(({ manifest, blobs }) => [manifest, ...blobs]),
  );
  const to = `docker://${registry.host}/app`;
  await registry.skopeo("copy", "--all", "--dest-tls-verify=false", `oci:${layout}:it`, to);
  const name = `${registry.host}/app`;
  assert.is((await pull(context, registry.scratch, name)).image.manifest.digest, ours.manifest.digest);
  const platform = `linux/${strangeArchitecture}`;
  const other = await pull(context, registry.scratch, name, { platform });
  assert.is(other.image.manifest.digest, theirs.manifest.digest);
  await assert.rejects(
    pull(context, registry.scratch, name, { platform: "linux/s390x" }),
    /^127\S+\/app:latest is not there for linux\/s390x\.$/,
  );
});

needsRegistry("sends the password of an auth file, and says when it is wrong or missing", async (context) => {
  const registry = await startRegistry(context, { password: true });
  const image = makeImage();
  const { user, password } = account;
  await publish(registry, "app", image, `--dest-creds=${user}:${password}`);
  const environment = { REGISTRY_AUTH_FILE: registry.writeAuth("ali:wrong") };
  const name = `${registry.host}/app`;
  await assert.rejects(pull(context, registry.scratch, name, { environment }), /does not give the manifest/);
  registry.writeAuth(`${user}:${password}`);
  const { store } = await pull(context, registry.scratch, name, { environment });
  assert.equal(bytesOf(store, image), [true, true, true]);
  const anonymous = { environment, anonymous: true };
  await assert.rejects(pull(context, registry.scratch, name, anonymous), /401 Unauthorized/);
});

needsRegistry("says what is missing", async (context) => {
  const registry = await startRegistry(context);
  await publish(registry, "app:v1", makeImage());
  await assert.rejects(
    pull(context, registry.scratch, `${registry.host}/app:v2`),
    /does not give the manifest v2 of app: 404 Not Found: MANIFEST_UNKNOWN, manifest unknown\.$/,
  );
  const { image } = await pull(context, registry.scratch, `${registry.host}/app:v1`);
  assert.is(image.layers.length, 2);
});
