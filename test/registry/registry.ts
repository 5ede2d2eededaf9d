// A real registry for one test: Debian's docker-registry on a free port of the loopback, with its storage in a directory
// of its own, gone when the test ends. In: whether it wants a password. Out: its host and port.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { TestContext } from "../support/suite.ts";
import { type TestImage, writeLayout } from "./image.ts";

export const account = { user: "ali", password: "open sesame" };
// bcrypt of the password above: the registry takes no other hash.
const htpasswd = `${account.user}:$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n`;

export interface Registry {
  /** "127.0.0.1:PORT" */
  readonly host: string;
  readonly scratch: string;
  /** skopeo with a home of its own. */
  skopeo(...argv: string[]): Promise<string>;
  /** An auth file with a name and a password for this registry; its path. */
  writeAuth(words: string): string;
}

export interface RegistryOptions {
  readonly password?: boolean;
}

export async function startRegistry(
  { cleanup }: TestContext,
  { password = false }: RegistryOptions = {},
): Promise<Registry> {
  const scratch = mkdtempSync(join(tmpdir(), "tsjail-registry-"));
  cleanup(() => rmSync(scratch, { recursive: true, force: true }));
  mkdirSync(join(scratch, "storage"));
  writeFileSync(join(scratch, "htpasswd"), htpasswd);
  const port = await findPort();
  const auth = password ? { auth: { htpasswd: { realm: "a test", path: join(scratch, "htpasswd") } } } : {};
  const configuration = {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(scratch, "storage") } },
    http: { addr: `127.0.0.1:${port}`, secret: "a test" },
    ...auth,
  };
  // JSON is YAML.
  writeFileSync(join(scratch, "config.yml"), JSON.stringify(configuration));
  const child = spawn("docker-registry", ["serve", join(scratch, "config.yml")], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: "none" },
  });
  cleanup(() => end(child));
  const host = `127.0.0.1:${port}`;
  await waitFor(host, child);
  const writeAuth = (words: string) => {
    const auth = Buffer.from(words).toString("base64");
    writeFileSync(join(scratch, "auth.json"), JSON.stringify({ auths: { [host]: { auth } } }));
    return join(scratch, "auth.json");
  };
  return { host, scratch, skopeo: (...argv) => runSkopeo(scratch, argv), writeAuth };
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function waitFor(host: string, child: ChildProcess): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    if (answer !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`docker-registry does not start: ${said}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function runSkopeo(scratch: string, argv: readonly string[]): Promise<string> {
  const { stdout } = await execa("skopeo", ["--insecure-policy", ...argv], {
    env: { PATH: process.env.PATH, HOME: scratch, XDG_RUNTIME_DIR: scratch, TMPDIR: scratch },
    extendEnv: false,
  });
  return stdout;
}

/** Puts an image into a registry, as another tool does it. */
export async function publish(
  registry: Registry,
  name: string,
  image: TestImage,
  ...argv: string[]
): Promise<void> {
  const layout = join(registry.scratch, "layout");
  writeLayout(layout, image.manifest, image.blobs);
  const to = `docker://${registry.host}/${name}`;
  await registry.skopeo("copy", "--dest-tls-verify=false", ...argv, `oci:${layout}:it`, to);
}
