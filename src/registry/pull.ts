// An image from a registry into a store. In: a client of its repository, a sink. Out: the image, complete and verified,
// or an error with nothing kept but what a further try can go on with. Used by commands/image-pull.ts.
import type { Client } from "./client.ts";
import { RegistryFailure } from "./failure.ts";
import {
  checkConfig,
  type Manifest,
  maxManifestBytes,
  mediaTypes,
  type Platform,
  parseManifest,
  selectPlatform,
} from "./manifest.ts";
import type { Progress } from "./progress.ts";
import { runQueue } from "./queue.ts";
import { formatReference } from "./reference.ts";
import {
  BlobMismatch,
  type BlobPart,
  createVerifier,
  type Descriptor,
  type Document,
  type Image,
  type ImageSink,
} from "./sink.ts";

/** Bytes. A try that brought so much is no failure in a row of failures. */
const goodProgress = 1024 * 1024;

export interface PullOptions {
  readonly client: Client;
  readonly sink: ImageSink;
  readonly platform: Platform;
  readonly progress: Progress;
  /** The name in the store. */
  readonly name: string;
  /** Layers at a time. Default: 3 */
  readonly parallel?: number;
}

/** @throws RegistryFailure, TsjailError of the sink */
export async function pullImage(options: PullOptions): Promise<Image> {
  const { client, sink, platform, name } = options;
  const shown = formatReference(client.reference);
  const { document, manifest } = await readManifest(options, shown);
  const config = await readConfig(client, manifest.config);
  checkConfig(config.bytes, manifest, platform, shown);
  const layers = new Map(manifest.layers.map((layer) => [layer.digest, layer]));
  await runQueue([...layers.values()], options.parallel, (layer, signal) =>
    takeLayer(options, layer, signal),
  );
  const image = { name, manifest: document, config, layers: manifest.layers };
  await sink.putImage(image);
  return image;
}

interface Found {
  readonly document: Document;
  readonly manifest: Manifest;
}

async function readManifest({ client, platform }: PullOptions, shown: string): Promise<Found> {
  const { tag, digest } = client.reference;
  const top = await client.readManifest(digest ?? tag ?? "latest");
  const first = parseManifest(top.bytes, top.mediaType, shown);
  if (first.kind === "manifest") return { document: withType(top), manifest: first };
  const chosen = selectPlatform(first, platform, shown);
  if (chosen.size > maxManifestBytes)
    throw new RegistryFailure(`The manifest of ${shown} is larger than ${maxManifestBytes} bytes.`);
  const document = await client.readManifest(chosen.digest);
  const manifest = parseManifest(document.bytes, chosen.mediaType, shown);
  if (manifest.kind === "manifest") return { document: withType(document), manifest };
  throw new RegistryFailure(`${shown} can't be used: its index leads to another index.`);
}

/** What the bytes say that they are counts more than what a server or an index says. */
function withType(document: Document): Document {
  const { mediaType = document.mediaType } = JSON.parse(Buffer.from(document.bytes).toString("utf8"));
  const [usual] = mediaTypes.manifest;
  return { ...document, mediaType: mediaTypes.manifest.includes(mediaType) ? mediaType : usual };
}

async function readConfig(client: Client, config: Descriptor): Promise<Document> {
  let bytes = Buffer.alloc(0);
  await retry(client, config, undefined, async () => {
    const part = await client.readBlob(config, 0);
    const verifier = createVerifier(config);
    const chunks: Uint8Array[] = [];
    for await (const chunk of part.bytes) {
      verifier.add(chunk);
      chunks.push(chunk);
    }
    verifier.finish();
    bytes = Buffer.concat(chunks);
  });
  return { ...config, bytes };
}

/** What a try did, for the decision about another one. */
interface Try {
  /** The bytes that it began with. */
  from: number;
  /** Those that it brought. */
  moved: number;
}

async function takeLayer(
  { client, sink, progress }: PullOptions,
  layer: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  const task = progress.start(layer.digest, layer.size);
  if (await sink.hasBlob(layer)) return task.finish("is there already");
  let isResumed = false;
  await retry(client, layer, signal, (one) =>
    sink.addBlob(layer, async (from) => {
      signal.throwIfAborted();
      const part = await client.readBlob(layer, from, signal);
      isResumed ||= part.from > 0;
      one.from = part.from;
      task.begin(part.from);
      const count = (bytes: number) => {
        one.moved += bytes;
        task.reach(part.from + one.moved);
      };
      return { from: part.from, bytes: watch(part, count) };
    }),
  );
  task.finish(isResumed ? "taken, the rest of it" : "taken");
}

async function* watch({ bytes }: BlobPart, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    count(chunk.length);
    yield chunk;
  }
}

/** A broken connection is mended some times; wrong bytes only where they may be those of an earlier download. */
async function retry(
  client: Client,
  blob: Descriptor,
  signal: AbortSignal | undefined,
  action: (one: Try) => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const one: Try = { from: 0, moved: 0 };
    try {
      return await action(one);
    } catch (error) {
      signal?.throwIfAborted();
      if (one.moved >= goodProgress) attempt = 1;
      const isStale = error instanceof BlobMismatch && one.from > 0;
      const isTransient = error instanceof RegistryFailure && error.transient;
      if (!(isStale || isTransient) || attempt >= client.transport.attempts) {
        throw error instanceof BlobMismatch ? explainMismatch(client, blob, error) : error;
      }
      await client.transport.pause(attempt);
    }
  }
}

function explainMismatch(client: Client, { digest }: Descriptor, cause: BlobMismatch): RegistryFailure {
  const { registry, repository } = client.reference;
  return new RegistryFailure(
    `The blob ${digest} of ${registry}/${repository} is damaged: ${cause.message}.`,
    {
      hint: "Nothing of it is kept. Look at what is between here and the registry: a proxy, a mirror, a damaged store.",
      cause,
    },
  );
}
