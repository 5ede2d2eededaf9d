// A registry that misbehaves: an HTTP server of the test's own. In: what it has, and what it does instead of answering
// properly. Out: its host, and every request that it got.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { TestContext } from "../support/suite.ts";
import type { TestImage } from "./image.ts";

export interface Seen {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

export interface Server {
  /** "127.0.0.1:PORT" */
  readonly host: string;
  readonly seen: Seen[];
}

/** @returns true when it has answered; else the request is answered properly */
export type Trick = (
  request: Seen,
  response: ServerResponse,
  count: number,
  host: string,
) => boolean | undefined;

/** @param image is called "app", with every tag
 * @param trick gets how often that path was asked for before */
export async function startServer(
  { cleanup }: TestContext,
  image: Pick<TestImage, "manifest" | "blobs">,
  trick: Trick = () => false,
  tls?: { readonly key: Buffer; readonly cert: Buffer },
): Promise<Server> {
  const seen: Seen[] = [];
  let host = "";
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url: path = "", headers } = request;
    const count = seen.filter((each) => each.path === path).length;
    const one = { method, path, headers };
    seen.push(one);
    request.resume();
    if (!trick(one, response, count, host)) answer(one, response, image);
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  host = `127.0.0.1:${address.port}`;
  return { host, seen };
}

function answer(
  { path }: Seen,
  response: ServerResponse,
  { manifest, blobs }: Pick<TestImage, "manifest" | "blobs">,
): void {
  const [, kind, name] = /^\/v2\/app\/(manifests|blobs)\/(.*)$/.exec(path) ?? [];
  const blob = blobs.find(({ digest }) => digest === name);
  const found = kind === "manifests" && blob === undefined ? manifest : blob;
  if (path === "/v2/") response.end("{}");
  else if (found === undefined) response.writeHead(404).end("{}");
  else response.writeHead(200, { "content-type": found.mediaType }).end(found.bytes);
}
