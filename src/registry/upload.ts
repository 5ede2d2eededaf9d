// One blob into a repository (OCI distribution specification 1.1, "Pushing blobs"). In: its bytes, from any place on.
// Out: what was done: it was there, was mounted from another repository, or has been sent, whole or in chunks.
// Next: push.ts.

import { resolveUrl } from "./address.ts";
import type { Client } from "./client.ts";
import { RegistryFailure } from "./failure.ts";
import type { Descriptor } from "./sink.ts";
import type { Answer } from "./transport.ts";

export interface Upload {
  readonly blob: Descriptor;
  readonly read: (from: number) => AsyncIterable<Uint8Array>;
  /** Bytes in one request; undefined for all of them. */
  readonly chunk: number | undefined;
  /** Another repository of the same registry that may have it. */
  readonly mountFrom: string | undefined;
  /** Told of what has been sent: so many bytes from the beginning. */
  readonly onSent: (bytes: number) => void;
}

export type Outcome = "is there already" | "mounted" | "sent";

/** Tries again after a broken connection.
 * @throws RegistryFailure */
export async function uploadBlob(client: Client, upload: Upload): Promise<Outcome> {
  const url = await client.urlOf(`blobs/${upload.blob.digest}`);
  const there = await client.send({ method: "HEAD", url }, "pull,push");
  await there.drop();
  if (there.status === 200) return "is there already";
  // Some registries let those who may only write not read: 401 and 403 are told by the upload, if it fails too.
  if (![401, 403, 404].includes(there.status)) throw await refuse(client, there, upload.blob);
  for (let attempt = 1; ; attempt++) {
    try {
      const place = await begin(client, upload);
      if (place === undefined) return "mounted";
      await (upload.chunk === undefined
        ? sendWhole(client, upload, place)
        : sendChunks(client, upload, place));
      return "sent";
    } catch (error) {
      const isWorthIt = error instanceof RegistryFailure && error.transient;
      if (!isWorthIt || attempt >= client.transport.attempts) throw error;
      await client.transport.pause(attempt);
    }
  }
}

const refuse = (client: Client, answer: Answer, { digest }: Descriptor) =>
  client.refuse(answer, `take the blob ${digest}`, "into");

/** @returns where the bytes are to go; undefined when they have been mounted */
async function begin(client: Client, { blob, mountFrom }: Upload): Promise<URL | undefined> {
  const url = await client.urlOf("blobs/uploads/");
  if (mountFrom !== undefined) {
    url.searchParams.set("mount", blob.digest);
    url.searchParams.set("from", mountFrom);
  }
  const headers = { "content-length": "0" };
  const answer = await client.send({ method: "POST", url, headers }, "pull,push");
  if (answer.status === 201 && mountFrom !== undefined) {
    await answer.drop();
    return undefined;
  }
  if (answer.status !== 202) throw await refuse(client, answer, blob);
  return takeLocation(answer);
}

/** Where the upload goes on: each answer may name another place. */
async function takeLocation(answer: Answer): Promise<URL> {
  await answer.drop();
  const location = answer.header("location");
  if (location === undefined)
    throw new RegistryFailure(`${answer.url.host} takes an upload and does not say where it goes.`);
  return resolveUrl(location, answer.url);
}

/** The Location has a query of its own, which has to stay. */
function withDigest(place: URL, { digest }: Descriptor): URL {
  const url = new URL(place);
  url.searchParams.set("digest", digest);
  return url;
}

const type = { "content-type": "application/octet-stream" };

async function sendWhole(client: Client, { blob, read, onSent }: Upload, place: URL): Promise<void> {
  onSent(0);
  const headers = { ...type, "content-length": String(blob.size) };
  const body = () => countBytes(read(0), 0, blob.size, onSent);
  await finish(client, blob, place, headers, body);
}

async function finish(
  client: Client,
  blob: Descriptor,
  place: URL,
  headers: Readonly<Record<string, string>>,
  body: (() => AsyncIterable<Uint8Array>) | undefined,
): Promise<void> {
  const url = withDigest(place, blob);
  const request = { method: "PUT", url, headers, ...(body === undefined ? {} : { body }) } as const;
  const answer = await client.send(request, "pull,push");
  if (answer.status !== 201) throw await refuse(client, answer, blob);
  await answer.drop();
}

async function sendChunks(client: Client, upload: Upload, first: URL): Promise<void> {
  const { blob, onSent, chunk = blob.size } = upload;
  let place = first;
  let failures = 0;
  for (let from = 0; from < blob.size; ) {
    onSent(from);
    const to = Math.min(from + chunk, blob.size);
    try {
      place = await sendChunk(client, upload, place, from, to);
      from = to;
      failures = 0;
    } catch (error) {
      const isWorthIt = error instanceof RegistryFailure && error.transient;
      if (!isWorthIt || ++failures >= client.transport.attempts) throw error;
      await client.transport.pause(failures);
      ({ place, from } = await askProgress(client, place, blob, error));
    }
  }
  await finish(client, blob, place, { "content-length": "0" }, undefined);
}

async function sendChunk(
  client: Client,
  { blob, read, onSent }: Upload,
  url: URL,
  from: number,
  to: number,
): Promise<URL> {
  const headers = { ...type, "content-length": String(to - from), "content-range": `${from}-${to - 1}` };
  const body = () => countBytes(read(from), from, to, onSent);
  const answer = await client.send({ method: "PATCH", url, headers, body }, "pull,push");
  if (answer.status !== 202 && answer.status !== 204) throw await refuse(client, answer, blob);
  return takeLocation(answer);
}

/** How much of it the registry has, after a broken connection. */
async function askProgress(
  client: Client,
  url: URL,
  blob: Descriptor,
  cause: unknown,
): Promise<{ place: URL; from: number }> {
  const answer = await client.send({ method: "GET", url }, "pull,push");
  const last = /^(?:bytes=)?0-(\d+)$/.exec(answer.header("range") ?? "")?.[1];
  if (answer.status !== 204 || last === undefined || Number(last) >= blob.size) {
    await answer.drop();
    throw cause;
  }
  const place = answer.header("location") === undefined ? url : await takeLocation(answer);
  // "0-0" is what registries say of nothing, too: the first byte alone is no chunk of ours.
  return { place, from: Number(last) === 0 ? 0 : Number(last) + 1 };
}

/** The bytes up to a place, told of as they leave. */
async function* countBytes(
  bytes: AsyncIterable<Uint8Array>,
  from: number,
  to: number,
  onSent: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let position = from;
  for await (const piece of bytes) {
    const part = piece.subarray(0, to - position);
    position += part.length;
    yield part;
    onSent(position);
    if (position >= to) return;
  }
}
