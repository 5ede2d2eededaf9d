// HTTP as a registry needs it. In: a request. Out: its answer, after redirects and further tries, with a body that has
// yet to be read. undici does the work: Node's own fetch has no proxies and no time limit for a body. Next: client.ts.
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { rootCertificates } from "node:tls";
import type { Dispatcher } from "undici";
import { describeErrno } from "../profile/parse.ts";
import { resolveUrl, shortUrl } from "./address.ts";
import { explainNetwork, isTransientStatus, RegistryFailure } from "./failure.ts";
import { type Environment, findProxy, isLoopback } from "./proxy.ts";

export interface Request {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH";
  readonly url: URL;
  /** Names in small letters. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A function gives it anew for each try. */
  readonly body?: string | Uint8Array | (() => AsyncIterable<Uint8Array>);
  /** Default: as the Transport has it for GET and HEAD, else 1. */
  readonly attempts?: number;
  /** Ends it with its reason, also while the body is being read. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** After redirects. */
  readonly url: URL;
  header(name: string): string | undefined;
  /** Errors are RegistryFailures. Leaving it early cuts the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** It has been tried as often as it makes sense. */
  readonly isFinal: boolean;
  /** Leaves the body unread. */
  drop(): Promise<void>;
}

export interface TransportOptions {
  readonly environment: Environment;
  /** Plain HTTP to other hosts than this machine. Default: false */
  readonly plainHttp?: boolean;
  readonly userAgent?: string;
  /** Milliseconds until a connection stands. Default: 15,000 */
  readonly connectTimeout?: number;
  /** Milliseconds without a byte of an answer; five times that after an upload. Default: 60,000 */
  readonly idleTimeout?: number;
  /** Milliseconds before the second try, doubled before each further one. Default: 500 */
  readonly firstPause?: number;
  /** Default: 5 */
  readonly attempts?: number;
}

/** Longer than that nobody waits for what a Retry-After asks. */
const longestPause = 60_000;
const maxRedirects = 5;

export class Transport {
  readonly options: TransportOptions;
  readonly #agents = new Map<string, Dispatcher>();
  #certificates: string[] | undefined;

  constructor(options: TransportOptions) {
    this.options = options;
  }

  get attempts(): number {
    return this.options.attempts ?? 5;
  }

  /** Tries again where that does no harm: GET and HEAD.
   * @returns whatever status the last try had
   * @throws RegistryFailure when there is no answer */
  async send(request: Request): Promise<Answer> {
    const isHarmless = request.method === "GET" || request.method === "HEAD";
    const most = request.attempts ?? (isHarmless ? this.attempts : 1);
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#follow(request);
        if (!isTransientStatus(answer.status)) return answer;
        if (attempt >= most) return { ...answer, isFinal: most > 1 };
        const wanted = readRetryAfter(answer.header("retry-after"));
        if (wanted > longestPause) return { ...answer, isFinal: true };
        await answer.drop();
        await this.pause(attempt, wanted);
        request.signal?.throwIfAborted();
      } catch (error) {
        if (!(error instanceof RegistryFailure) || !error.transient) throw error;
        if (attempt >= most) throw most > 1 ? error.settle() : error;
        await this.pause(attempt);
      }
    }
  }

  /** Before another try: twice as long each time, and not all at the same moment. */
  async pause(attempt: number, least = 0): Promise<void> {
    const { firstPause = 500 } = this.options;
    const time = Math.min(firstPause * 2 ** (attempt - 1), longestPause);
    const { setTimeout: wait } = await import("node:timers/promises");
    await wait(Math.max(least, time * (0.75 + Math.random() / 2)));
  }

  async #follow(request: Request): Promise<Answer> {
    let current = request;
    for (let count = 0; ; count++) {
      this.#checkScheme(current.url, request.url);
      const answer = await this.#sendOnce(current);
      const location = answer.header("location");
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
      await answer.drop();
      if (request.method !== "GET" && request.method !== "HEAD")
        throw new RegistryFailure(`${request.url.host} sends an upload elsewhere, to ${shortUrl(location)}.`);
      if (count === maxRedirects)
        throw new RegistryFailure(`${request.url.host} redirects more than ${maxRedirects} times.`);
      const url = resolveUrl(location, answer.url);
      // Another host gets neither password nor token: CVE-2020-15157 of containerd.
      const { authorization, cookie, ...harmless } = current.headers ?? {};
      const headers = url.origin === current.url.origin ? (current.headers ?? {}) : harmless;
      current = { ...current, url, headers };
    }
  }

  /** Passwords, tokens and manifests in the clear only within this machine, or when it was asked for. */
  #checkScheme(url: URL, first: URL): void {
    if (url.protocol === "https:") return;
    const isAllowed = isLoopback(url.hostname) || this.options.plainHttp === true;
    if (url.protocol === "http:" && isAllowed && first.protocol === "http:") return;
    const what =
      url === first ? `${url.host} would be asked` : `${first.host} refers to ${shortUrl(url.href)},`;
    throw new RegistryFailure(`${what} without TLS: anybody on the way could read and change what is sent.`, {
      hint: "Only localhost is spoken to like that unasked. If you trust the network: --plain-http",
    });
  }

  async #sendOnce({ method, url, headers = {}, body, signal }: Request): Promise<Answer> {
    const { idleTimeout = 60_000, userAgent = "tsjail" } = this.options;
    const action = `${method === "GET" || method === "HEAD" ? "Reading" : "Writing"} ${shortUrl(url.href)}`;
    const { request } = await import("undici");
    try {
      const answer = await request(url, {
        method,
        headers: { "user-agent": userAgent, ...headers },
        body: toBody(body),
        dispatcher: await this.#findAgent(url),
        // After an upload the registry reads all of it once more before it answers.
        headersTimeout: method === "GET" || method === "HEAD" ? idleTimeout : 5 * idleTimeout,
        bodyTimeout: idleTimeout,
        ...(signal ? { signal } : {}),
      });
      // Whoever does not read it to its end must not die of what happens to it later.
      answer.body.on("error", () => {});
      return {
        status: answer.statusCode,
        url,
        isFinal: false,
        header: (name) => [answer.headers[name]].flat()[0],
        body: explainBody(answer.body, action, signal),
        drop: () =>
          answer.body.dump().then(
            () => {},
            () => {},
          ),
      };
    } catch (error) {
      signal?.throwIfAborted();
      throw explainNetwork(action, error);
    }
  }

  async #findAgent(url: URL): Promise<Dispatcher> {
    const { environment, connectTimeout = 15_000 } = this.options;
    const proxy = findProxy(url, environment);
    const key = proxy?.href ?? "";
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const { Agent, ProxyAgent } = await import("undici");
    const tls = { ...this.#trust(), timeout: connectTimeout };
    const agent =
      proxy === undefined
        ? new Agent({ connect: tls })
        : new ProxyAgent({ uri: proxy.href, requestTls: tls, proxyTls: tls });
    this.#agents.set(key, agent);
    return agent;
  }

  /** native/node.c keeps NODE_EXTRA_CA_CERTS from Node, so it is read here. */
  #trust(): { ca?: string[] } {
    const path = this.options.environment.NODE_EXTRA_CA_CERTS;
    if (path === undefined || path === "") return {};
    try {
      this.#certificates ??= [...rootCertificates, readFileSync(path, "utf8")];
      return { ca: this.#certificates };
    } catch (cause) {
      const message = `NODE_EXTRA_CA_CERTS names ${path}, which can't be read: ${describeErrno(cause)}.`;
      throw new RegistryFailure(message, { hint: "Unset it, or let it name a file of certificates.", cause });
    }
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    const all = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(all.map((agent) => agent.destroy()));
  }
}

async function* explainBody(
  body: AsyncIterable<Uint8Array>,
  action: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    signal?.throwIfAborted();
    throw explainNetwork(action, error);
  }
}

function toBody(body: Request["body"]): string | Uint8Array | Readable | null {
  return typeof body === "function" ? Readable.from(body(), { objectMode: false }) : (body ?? null);
}

/** Seconds or a date (RFC 9110, 10.2.3), as milliseconds. */
export function readRetryAfter(value: string | undefined, now = Date.now()): number {
  if (value === undefined) return 0;
  const seconds = /^\s*(\d+)\s*$/.exec(value)?.[1];
  const time = seconds === undefined ? Date.parse(value) - now : Number(seconds) * 1000;
  return Number.isNaN(time) ? 0 : Math.max(0, time);
}

/** A body as text or bytes.
 * @throws RegistryFailure when it is longer than `most` bytes */
export async function readAll(answer: Answer, most: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > most)
      throw new RegistryFailure(`${what} of ${answer.url.host} is larger than ${most} bytes.`, {
        hint: "No image needs that much: this may be no registry, or one that means harm.",
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
