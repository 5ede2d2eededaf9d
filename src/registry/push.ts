// An image from a store into a registry. In: the image, a client of the repository. Out: its digest there: the blobs
// first, some at a time, then the manifest, so that nobody ever finds half of it. Used by commands/image-push.ts.
import type { Client } from "./client.ts";
import type { Progress } from "./progress.ts";
import { runQueue } from "./queue.ts";
import { parseReference } from "./reference.ts";
import type { Descriptor, Image, ImageSource } from "./sink.ts";
import { uploadBlob } from "./upload.ts";

export interface PushOptions {
  readonly client: Client;
  readonly source: ImageSource;
  readonly image: Image;
  readonly progress: Progress;
  /** Bytes in one request; all of a blob where it is not given. */
  readonly chunk?: number | undefined;
  /** Blobs at a time. Default: 3 */
  readonly parallel?: number;
}

/** @throws RegistryFailure, and what the store throws when it can't be read */
export async function pushImage(options: PushOptions): Promise<void> {
  const { client, source, image, parallel } = options;
  const mountFrom = findNeighbour(client, image.name);
  if (mountFrom !== undefined) client.alsoRead(mountFrom);
  const { config } = image;
  const blobs = new Map<string, Descriptor>(image.layers.map((layer) => [layer.digest, layer]));
  await runQueue([...blobs.values()], parallel, (blob) =>
    sendBlob(options, blob, (from) => source.readBlob(blob, from), mountFrom),
  );
  await sendBlob(options, config, (from) => pieces(config.bytes.subarray(from)), mountFrom);
  await client.writeManifest(client.reference.tag ?? "latest", image.manifest);
}

/** The repository of the same registry that an image came from, by its name. */
function findNeighbour({ reference }: Client, name: string): string | undefined {
  try {
    const { registry, repository } = parseReference(name);
    return registry === reference.registry && repository !== reference.repository ? repository : undefined;
  } catch {
    return undefined;
  }
}

async function sendBlob(
  { client, progress, chunk }: PushOptions,
  blob: Descriptor,
  read: (from: number) => AsyncIterable<Uint8Array>,
  mountFrom: string | undefined,
): Promise<void> {
  const task = progress.start(blob.digest, blob.size);
  const onSent = (bytes: number) => task.reach(bytes);
  const outcome = await uploadBlob(client, { blob, read, chunk, mountFrom, onSent });
  task.finish(outcome);
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
