// One repository of a registry (OCI distribution specification 1.1). In: what is wanted. Out: manifests and blobs; what
// comes back is checked as far as it can be here, blobs by whoever takes them (sink.ts). Next: pull.ts, push.ts.
import { createHash } from "node:crypto";
import { Authorizer } from "./authorize.ts";
import { describeStatus, findCode, isTransientStatus, RegistryFailure } from "./failure.ts";
import { maxManifestBytes, mediaTypes } from "./manifest.ts";
import { isLoopback } from "./proxy.ts";
import { findHost, type Reference } from "./reference.ts";
import type { BlobPart, Descriptor, Document } from "./sink.ts";
import { type Answer, type Request, readAll, Transport, type TransportOptions } from "./transport.ts";

export interface ClientOptions extends TransportOptions {
  readonly anonymous?: boolean;
}

/** What is done with the repository; tokens are for that and no more. */
export type Access = "pull" | "pull,push";

const accepted = [...mediaTypes.manifest, ...mediaTypes.index].join(", ");
const maxErrorBytes = 64 * 1024;

export class Client {
  readonly reference: Reference;
  readonly transport: Transport;
  readonly #authorizer: Authorizer;
  readonly #options: ClientOptions;
  /** Repositories of the same registry from which blobs are mounted. */
  readonly #further: string[] = [];
  #base: Promise<URL> | undefined;

  constructor(reference: Reference, options: ClientOptions) {
    this.reference = reference;
    this.#options = options;
    this.transport = new Transport(options);
    const { registry, repository } = reference;
    const { environment, anonymous = false } = options;
    this.#authorizer = new Authorizer(this.transport, { registry, repository, environment, anonymous });
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  /** From now on tokens are to be good for reading another repository too. */
  alsoRead(repository: string): void {
    this.#further.push(repository);
  }

  /** An address below that of the repository. */
  async urlOf(path: string): Promise<URL> {
    this.#base ??= this.#findBase();
    return new URL(`/v2/${this.reference.repository}/${path}`, await this.#base);
  }

  /** http or https: on this machine either may be meant, and TLS is tried first. */
  async #findBase(): Promise<URL> {
    const host = findHost(this.reference.registry);
    const [secure, plain] = [new URL(`https://${host}/`), new URL(`http://${host}/`)];
    if (this.#options.plainHttp) return plain;
    if (!isLoopback(secure.hostname)) return secure;
    try {
      await (await this.transport.send({ method: "GET", url: new URL("/v2/", secure), attempts: 1 })).drop();
      return secure;
    } catch (error) {
      const code = findCode(error) ?? "";
      if (!/^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|ECONNRESET|UND_ERR_)/.test(code))
        throw error;
      return plain;
    }
  }

  /** With what the registry wants to hear first: at most one try more. */
  async send(request: Request, access: Access): Promise<Answer> {
    const { repository } = this.reference;
    const scopes = [
      `repository:${repository}:${access}`,
      ...this.#further.map((name) => `repository:${name}:pull`),
    ];
    const base = await this.urlOf("");
    // An upload may have been sent to another host, which gets no token of ours.
    if (request.url.origin !== base.origin) return this.transport.send(request);
    let authorization = this.#authorizer.current(scopes);
    for (let round = 0; ; round++) {
      const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) };
      const answer = await this.transport.send({ ...request, headers });
      if (answer.status !== 401 || answer.url.origin !== base.origin || round === 1) return answer;
      const next = await this.#authorizer.renew(answer, scopes, authorization);
      if (next === undefined) return answer;
      await answer.drop();
      authorization = next;
    }
  }

  /** @param name a tag or a digest
   * @throws RegistryFailure when it is missing, too large, or not what its digest promises */
  async readManifest(name: string): Promise<Document> {
    const url = await this.urlOf(`manifests/${name}`);
    const answer = await this.send({ method: "GET", url, headers: { accept: accepted } }, "pull");
    if (answer.status !== 200) throw await this.refuse(answer, `give the manifest ${name}`);
    const bytes = await readAll(answer, maxManifestBytes, `The manifest ${name}`);
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const promised = name.startsWith("sha256:") ? name : (answer.header("docker-content-digest") ?? digest);
    if (promised.startsWith("sha256:") && promised !== digest)
      throw new RegistryFailure(`The manifest ${name} from ${url.host} has been changed on its way.`, {
        detail: `Its digest is ${digest}, and should be ${promised}.`,
        hint: "Look at what is between here and the registry: a proxy, a mirror, a damaged store.",
      });
    const mediaType = answer.header("content-type")?.replace(/\s*;.*$/s, "") ?? "";
    return { mediaType, digest, size: bytes.length, bytes };
  }

  /** The bytes of a blob from a place on, or from the beginning where the registry knows no ranges. */
  async readBlob(blob: Descriptor, from: number, signal?: AbortSignal): Promise<BlobPart> {
    const { digest, size } = blob;
    const url = await this.urlOf(`blobs/${digest}`);
    const isPart = from > 0 && from < size;
    const headers: Record<string, string> = isPart ? { range: `bytes=${from}-` } : {};
    const answer = await this.send({ method: "GET", url, headers, ...(signal ? { signal } : {}) }, "pull");
    if (answer.status === 200) return { from: 0, bytes: answer.body };
    const range = /^bytes (\d+)-/.exec(answer.header("content-range") ?? "")?.[1];
    if (isPart && answer.status === 206 && Number(range) === from) return { from, bytes: answer.body };
    if (isPart && (answer.status === 206 || answer.status === 416)) {
      await answer.drop();
      return this.readBlob(blob, 0, signal);
    }
    throw await this.refuse(answer, `give the blob ${digest}`);
  }

  /** @param tag under which the manifest is found from now on
   * @throws RegistryFailure */
  async writeManifest(tag: string, { bytes, mediaType, digest }: Document): Promise<void> {
    const url = await this.urlOf(`manifests/${tag}`);
    const headers = { "content-type": mediaType };
    const answer = await this.send({ method: "PUT", url, headers, body: bytes, attempts: 3 }, "pull,push");
    if (answer.status !== 201) throw await this.refuse(answer, `take the manifest ${tag}`, "into");
    await answer.drop();
    const stored = answer.header("docker-content-digest") ?? digest;
    if (stored === digest || !stored.startsWith("sha256:")) return;
    throw new RegistryFailure(`${url.host} has stored another manifest than it was given.`, {
      detail: `Its digest is ${stored}, and should be ${digest}.`,
    });
  }

  /** An error for a status that should not be.
   * @param what the registry was to do: "give the manifest latest" */
  async refuse(answer: Answer, what: string, preposition = "of"): Promise<RegistryFailure> {
    const body = await readAll(answer, maxErrorBytes, "The answer").catch(() => Buffer.alloc(0));
    const { registry, repository } = this.reference;
    const who = await this.#authorizer.describe();
    const isDenied = answer.status === 401 || answer.status === 403;
    const asked = isDenied ? `It was asked ${who ?? "without a name and a password"}.` : undefined;
    const retryAfter = answer.header("retry-after");
    const hint = isDenied
      ? `${who === undefined ? "Log in" : "Log in as somebody who may"}: podman login ${registry}, or docker login ${registry}`
      : answer.status === 404
        ? `Look at the name. What is there: skopeo list-tags docker://${registry}/${repository}`
        : answer.status === 429
          ? `Try again later${retryAfter === undefined ? "" : `, after ${retryAfter}`}; users who log in may do more.`
          : answer.status === 413
            ? "Something on the way takes no request of that size. Send smaller ones: --chunk 8M"
            : undefined;
    const said = describeStatus(answer.status, body.toString("utf8"));
    return new RegistryFailure(`${registry} does not ${what} ${preposition} ${repository}: ${said}.`, {
      detail: asked,
      hint,
      transient: !answer.isFinal && isTransientStatus(answer.status),
    });
  }
}
