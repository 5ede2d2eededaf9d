// A pull from a server of the test's own. In: the server, and how it is spoken to. Out: a store, or an error that fits.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatError, TsjailError } from "../../src/error.ts";
import { Client, type ClientOptions } from "../../src/registry/client.ts";
import { parsePlatform } from "../../src/registry/manifest.ts";
import { pullImage } from "../../src/registry/pull.ts";
import { parseReference } from "../../src/registry/reference.ts";
import * as assert from "../support/assert.ts";
import type { TestContext } from "../support/suite.ts";
import type { Server } from "./server.ts";
import { DirectoryStore } from "./store.ts";

export function makeScratch({ cleanup }: TestContext): string {
  const scratch = mkdtempSync(join(tmpdir(), "tsjail-pull-"));
  cleanup(() => rmSync(scratch, { recursive: true }));
  return scratch;
}

export async function pull(
  context: TestContext,
  { host }: Pick<Server, "host">,
  options: Partial<ClientOptions> & {
    readonly scratch?: string;
    readonly name?: string;
    readonly store?: DirectoryStore;
  } = {},
): Promise<DirectoryStore> {
  const store = options.store ?? new DirectoryStore(join(options.scratch ?? makeScratch(context), "store"));
  const reference = parseReference(`${host}/${options.name ?? "app"}`);
  const client = new Client(reference, { environment: {}, firstPause: 1, attempts: 3, ...options });
  context.cleanup(() => client.close());
  const platform = parsePlatform(undefined) ?? { os: "", architecture: "" };
  const progress = { start: () => ({ begin() {}, reach() {}, finish() {} }), end() {} };
  await pullImage({ client, sink: store, platform, progress, name: "app" });
  return store;
}

export const listBlobs = (store: DirectoryStore): string[] =>
  readdirSync(join(store.directory, "blobs/sha256"));

/** @returns the whole message */
export async function fails(work: Promise<unknown>, message: RegExp): Promise<string> {
  let whole = "";
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof TsjailError, String(error.stack));
    assert.is(error.code, "registry_failed");
    whole = formatError(error);
    assert.match(whole, message);
    return true;
  });
  return whole;
}
