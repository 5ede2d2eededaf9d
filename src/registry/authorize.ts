// What makes a registry answer: the Authorization header. In: its challenge (challenge.ts) and the user's credentials
// (credentials.ts). Out: the header, with a password or with a token of the registry's token server, kept until it is
// refused. Specification: distribution.github.io/distribution/spec/auth/token. Next: client.ts.
import * as v from "valibot";
import { resolveUrl } from "./address.ts";
import { parseChallenges } from "./challenge.ts";
import { type Credentials, findCredentials } from "./credentials.ts";
import { describeStatus, RegistryFailure } from "./failure.ts";
import type { Environment } from "./proxy.ts";
import { type Answer, type Request, readAll, type Transport } from "./transport.ts";

const tokenSchema = v.looseObject({ token: v.optional(v.string()), access_token: v.optional(v.string()) });
const maxTokenBytes = 1024 * 1024;

export interface Login {
  readonly registry: string;
  readonly repository: string;
  readonly environment: Environment;
  /** Never look for credentials. */
  readonly anonymous: boolean;
}

export class Authorizer {
  readonly #transport: Transport;
  readonly #login: Login;
  readonly #headers = new Map<string, string>();
  /** One request for each token, however many layers wait for it. */
  readonly #pending = new Map<string, Promise<string | undefined>>();
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(transport: Transport, login: Login) {
    this.#transport = transport;
    this.#login = login;
  }

  /** What was good for these scopes the last time. */
  current(scopes: readonly string[]): string | undefined {
    return this.#headers.get(scopes.join(" "));
  }

  /** After a 401.
   * @param refused what had been sent with it
   * @returns undefined when there is nothing else to try */
  async renew(answer: Answer, scopes: readonly string[], refused?: string): Promise<string | undefined> {
    const key = scopes.join(" ");
    const newer = this.#headers.get(key);
    if (newer !== undefined && newer !== refused) return newer;
    const pending = this.#pending.get(key) ?? this.#answerChallenge(answer, scopes, refused);
    this.#pending.set(key, pending);
    try {
      const header = await pending;
      if (header === undefined) this.#headers.delete(key);
      else this.#headers.set(key, header);
      return header;
    } finally {
      this.#pending.delete(key);
    }
  }

  /** Whose password was used, for messages. */
  async describe(): Promise<string | undefined> {
    const credentials = await this.#credentials;
    if (credentials === undefined) return undefined;
    const who = credentials.kind === "password" ? `as ${credentials.user}, ` : "";
    return `${who}with what ${credentials.from} has`;
  }

  async #answerChallenge(
    answer: Answer,
    scopes: readonly string[],
    refused: string | undefined,
  ): Promise<string | undefined> {
    const challenges = parseChallenges(answer.header("www-authenticate") ?? "");
    const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.realm);
    if (bearer !== undefined)
      return `Bearer ${await this.#fetchToken(bearer.parameters, answer.url, scopes)}`;
    if (!challenges.some(({ scheme }) => scheme === "basic")) return undefined;
    const credentials = await this.#findCredentials();
    if (credentials?.kind !== "password") return undefined;
    const header = toBasic(credentials);
    return header === refused ? undefined : header;
  }

  #findCredentials(): Promise<Credentials | undefined> {
    const { registry, repository, environment, anonymous } = this.#login;
    this.#credentials ??= anonymous
      ? Promise.resolve(undefined)
      : findCredentials(registry, repository, environment);
    return this.#credentials;
  }

  async #fetchToken(
    parameters: Readonly<Record<string, string>>,
    asked: URL,
    scopes: readonly string[],
  ): Promise<string> {
    const { realm = "", service, scope = "" } = parameters;
    const url = resolveUrl(realm, asked);
    if (asked.protocol === "https:" && url.protocol !== "https:")
      throw new RegistryFailure(
        `${asked.host} wants a token of ${url.host}, which would get the password without TLS.`,
        { hint: "This is the registry's mistake, or somebody on the way is after passwords." },
      );
    const fields = new URLSearchParams(service === undefined ? {} : { service });
    for (const each of mergeScopes(scopes, scope)) fields.append("scope", each);
    const credentials = await this.#findCredentials();
    const answer = await this.#transport.send(toTokenRequest(url, fields, credentials));
    const text = (await readAll(answer, maxTokenBytes, "The token")).toString("utf8");
    if (answer.status !== 200) throw await this.#refuseToken(url, answer.status, text);
    const parsed = v.safeParse(tokenSchema, parseJson(text));
    const token = parsed.success ? (parsed.output.token ?? parsed.output.access_token) : undefined;
    // As RFC 6750 has it, and no line feed for the header that it goes into.
    if (token === undefined || !/^[\w.~+/=-]+$/.test(token))
      throw new RegistryFailure(`${url.host} gives no token in its answer, for ${asked.host}.`);
    return token;
  }

  async #refuseToken(url: URL, status: number, text: string): Promise<RegistryFailure> {
    const { registry } = this.#login;
    const who = await this.describe();
    return new RegistryFailure(
      `${url.host} refuses a token for ${registry}: ${describeStatus(status, text)}.`,
      {
        detail: who === undefined ? undefined : `Asked ${who}.`,
        hint: `Log in: podman login ${registry}, or docker login ${registry}`,
      },
    );
  }
}

function toTokenRequest(url: URL, fields: URLSearchParams, credentials: Credentials | undefined): Request {
  if (credentials?.kind === "identity") {
    fields.set("grant_type", "refresh_token");
    fields.set("client_id", "tsjail");
    fields.set("refresh_token", credentials.token);
    // Scopes are one field here (RFC 6749, 3.3).
    fields.set("scope", fields.getAll("scope").join(" "));
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return { method: "POST", url, headers, body: fields.toString() };
  }
  const full = new URL(url);
  for (const [name, value] of fields) full.searchParams.append(name, value);
  if (credentials === undefined) return { method: "GET", url: full };
  full.searchParams.append("account", credentials.user);
  return { method: "GET", url: full, headers: { authorization: toBasic(credentials) } };
}

const toBasic = ({ user, password }: { user: string; password: string }): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

/** Ours, and what the registry asks for beyond them. */
function mergeScopes(ours: readonly string[], theirs: string): string[] {
  const resource = (scope: string) => scope.slice(0, scope.lastIndexOf(":"));
  const known = new Set(ours.map(resource));
  return [...ours, ...theirs.split(" ").filter((scope) => scope !== "" && !known.has(resource(scope)))];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
