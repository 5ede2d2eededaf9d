// Who the user is to a registry. In: the registry's name and the environment. Out: a name and a password or a token,
// from the files of podman (containers-auth.json(5)) and docker (config.json), or from the helpers that they name.
// Next: authorize.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { quoteShell } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";
import { RegistryFailure } from "./failure.ts";
import type { Environment } from "./proxy.ts";
import { defaultRegistryKey, isDefaultRegistry } from "./reference.ts";

export type Credentials =
  | { readonly kind: "password"; readonly user: string; readonly password: string; readonly from: string }
  /** A refresh token (OAuth 2), which stands for a name and a password. */
  | { readonly kind: "identity"; readonly token: string; readonly from: string };

const entrySchema = v.looseObject({
  auth: v.optional(v.string()),
  username: v.optional(v.string()),
  password: v.optional(v.string()),
  identitytoken: v.optional(v.string()),
});
const fileSchema = v.looseObject({
  auths: v.optional(v.nullable(v.record(v.string(), entrySchema))),
  credHelpers: v.optional(v.nullable(v.record(v.string(), v.string()))),
  credsStore: v.optional(v.string()),
});
type AuthFile = v.InferOutput<typeof fileSchema>;

/** The files in which it is looked for, the first one that has an entry counts. REGISTRY_AUTH_FILE is the only one where
 * it is set. */
export function listAuthFiles(environment: Environment): string[] {
  const { REGISTRY_AUTH_FILE: only = "", XDG_RUNTIME_DIR: runtime = "", HOME: home = "" } = environment;
  if (only !== "") return [only];
  const { XDG_CONFIG_HOME: config = "", DOCKER_CONFIG: docker = "" } = environment;
  const configHome = config !== "" ? config : home !== "" ? join(home, ".config") : "";
  const dockerHome = docker !== "" ? docker : home !== "" ? join(home, ".docker") : "";
  return [
    ...(runtime === "" ? [] : [join(runtime, "containers/auth.json")]),
    ...(configHome === "" ? [] : [join(configHome, "containers/auth.json")]),
    ...(dockerHome === "" ? [] : [join(dockerHome, "config.json")]),
  ];
}

/** @throws RegistryFailure when a file is damaged, or a helper that one names fails */
export async function findCredentials(
  registry: string,
  repository: string,
  environment: Environment,
): Promise<Credentials | undefined> {
  for (const path of listAuthFiles(environment)) {
    const file = readAuthFile(path, path === environment.REGISTRY_AUTH_FILE);
    if (file === undefined) continue;
    const found = await findInFile(file, path, registry, repository, environment);
    if (found !== undefined) return found;
  }
  return undefined;
}

function readAuthFile(path: string, isNamed: boolean): AuthFile | undefined {
  const fail = (why: string, cause?: unknown) =>
    new RegistryFailure(`The credentials in ${path} can't be read: ${why}.`, {
      hint: `Look at it: ls -l ${quoteShell(path)}\nTo do without: --anonymous`,
      cause,
    });
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!isNamed && (code === "ENOENT" || code === "ENOTDIR")) return undefined;
    throw fail(describeErrno(error), error);
  }
  let data: unknown;
  try {
    // An empty file is what `touch` and some helpers leave.
    data = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    // The message of JSON.parse() would quote the file, and the passwords in it.
    throw fail("it is not JSON");
  }
  const result = v.safeParse(fileSchema, data);
  if (!result.success)
    throw fail(`${v.getDotPath(result.issues[0]) ?? "it"} has another form than it should`);
  return result.output;
}

async function findInFile(
  file: AuthFile,
  path: string,
  registry: string,
  repository: string,
  environment: Environment,
): Promise<Credentials | undefined> {
  const serverKey = isDefaultRegistry(registry) ? defaultRegistryKey : registry;
  const helper = file.credHelpers?.[registry] ?? file.credHelpers?.[serverKey] ?? file.credsStore;
  if (helper !== undefined && helper !== "") {
    const { askHelper } = await import("./helper.ts");
    const found = await askHelper(helper, serverKey, path, environment);
    if (found !== undefined) return found;
  }
  for (const key of listKeys(registry, repository)) {
    const match = Object.entries(file.auths ?? {}).find(([name]) => name === key || trimKey(name) === key);
    const found = match === undefined ? undefined : readEntry(match[1], path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** podman's entries may be for a part of a registry: the longest name that fits counts. */
function listKeys(registry: string, repository: string): string[] {
  const parts = repository.split("/");
  const prefixes = parts.map((_, index) => `${registry}/${parts.slice(0, parts.length - index).join("/")}`);
  const old = isDefaultRegistry(registry) ? [defaultRegistryKey, "index.docker.io"] : [];
  return [...prefixes, registry, ...old];
}

/** docker wrote addresses: https://HOST/v1/ */
const trimKey = (key: string): string => key.replace(/^https?:\/\//, "").replace(/\/(?:v[12]\/?)?$/, "");

function readEntry(entry: v.InferOutput<typeof entrySchema>, from: string): Credentials | undefined {
  if (entry.identitytoken) return { kind: "identity", token: entry.identitytoken, from };
  const [, user, password] =
    /^([^:]*):(.*)$/s.exec(
      Buffer.from(entry.auth ?? "", "base64")
        .toString("utf8")
        .replace(/\0+$/, ""),
    ) ?? [];
  if (user !== undefined && password !== undefined) return { kind: "password", user, password, from };
  if (entry.username && entry.password !== undefined)
    return { kind: "password", user: entry.username, password: entry.password, from };
  // What a helper leaves behind: the entry is there, and empty.
  return undefined;
}
