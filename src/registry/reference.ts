// Names of images as docker reads them. In: what a person types, "debian:12". Out: registry, repository, and a tag or a
// digest or both. The rules are those of github.com/distribution/reference. Next: client.ts.
import { TsjailError } from "../error.ts";
import { quoteShort } from "../profile/quote.ts";

export interface Reference {
  /** Host and port, as in "localhost:5000"; "docker.io" where none is named. */
  readonly registry: string;
  /** "library/debian" */
  readonly repository: string;
  /** "latest" where neither a tag nor a digest is named. */
  readonly tag: string | undefined;
  /** "sha256:…" */
  readonly digest: string | undefined;
}

/** The registry of names that name none; what stands before them is left out again when they are shown. */
const defaultRegistry = "docker.io";
const defaultNamespace = "library/";
const maxName = 255;

const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const registryPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?$`);
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** A digest that can be verified here: SHA-256, which everybody uses. */
export const isDigest = (text: string): boolean => digestPattern.test(text);

/** @throws TsjailError `usage` */
export function parseReference(text: string): Reference {
  const fail = (why: string, hint = "A name looks like debian:12, or localhost:5000/team/app:v2.") =>
    new TsjailError("usage", `${quoteShort(text, 200)} is no name of an image: ${why}.`, { hint });
  const scheme = /^([a-z][a-z0-9+-]*):\/\//.exec(text)?.[0];
  if (scheme !== undefined) throw fail(`it begins with ${scheme}`, `Leave ${scheme} out.`);
  if (/^[0-9a-f]{64}$/.test(text)) throw fail("it is an image's id, which no registry knows");
  const [, name = "", digest] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? [];
  if (digest !== undefined && !isDigest(digest))
    throw fail(`${quoteShort(digest)} is no digest`, "A digest is sha256: and 64 hexadecimal digits.");
  const [, path = "", tag] = /^(.*?)(?::([^/]*))?$/s.exec(name) ?? [];
  if (tag !== undefined && !tagPattern.test(tag))
    throw fail(
      `${quoteShort(tag)} is no tag`,
      "A tag has up to 128 letters, digits, _ . and -, and begins with one of the first three kinds.",
    );
  const { registry, repository } = splitPath(path);
  if (!registryPattern.test(registry)) throw fail(`${quoteShort(registry)} is no host`);
  if (!repositoryPattern.test(repository))
    throw fail(
      /[A-Z]/.test(repository) ? "it has capital letters" : `${quoteShort(repository)} is no repository`,
      "A repository is written in small letters and digits, with single . _ - or / between them.",
    );
  if (registry.length + 1 + repository.length > maxName)
    throw fail(`it is longer than ${maxName} characters`);
  return { registry, repository, tag: tag ?? (digest === undefined ? "latest" : undefined), digest };
}

/** The first part is a host when it could be nothing else: a dot, a port, a capital letter, or "localhost". */
function splitPath(path: string): { registry: string; repository: string } {
  const slash = path.indexOf("/");
  const first = path.slice(0, Math.max(slash, 0));
  const isHost = /[.:A-Z]/.test(first) || first === "localhost";
  const registry = isHost && first !== "index.docker.io" ? first : defaultRegistry;
  const repository = isHost ? path.slice(slash + 1) : path;
  const isShort = registry === defaultRegistry && !repository.includes("/") && repository !== "";
  return { registry, repository: isShort ? `${defaultNamespace}${repository}` : repository };
}

/** As people write it: without what goes without saying. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  const short =
    registry !== defaultRegistry
      ? `${registry}/${repository}`
      : /^library\/[^/]+$/.test(repository)
        ? repository.slice(defaultNamespace.length)
        : repository;
  return `${short}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** Where a registry's API is. The default one's is on another host than its name says. */
export function findHost(registry: string): string {
  return registry === defaultRegistry ? "registry-1.docker.io" : registry;
}

/** The name under which docker keeps what it knows of the default registry. */
export const defaultRegistryKey = "https://index.docker.io/v1/";
export const isDefaultRegistry = (registry: string): boolean => registry === defaultRegistry;
