// A store of a test's own. In: archives. Out: what an import makes of them. Used by the tests of src/image.
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TsjailError } from "../../src/error.ts";
import type { Image } from "../../src/image/images.ts";
import { importImages } from "../../src/image/import.ts";
import type { Owner } from "../../src/image/owners.ts";
import { removeTree } from "../../src/image/remove.ts";
import { useStore } from "../../src/image/store.ts";
import { defaultLimits } from "../../src/image/unpack.ts";
import * as assert from "../support/assert.ts";
import type { TestContext } from "../support/suite.ts";

export interface World {
  readonly path: string;
  readonly environment: Readonly<Record<string, string>>;
  /** …/store */
  readonly store: string;
  write(name: string, bytes: Buffer | string): string;
  import(path: string, wish?: { name?: string; size?: number; entries?: number }): Promise<Image[]>;
  /** Imports an archive of one layer, and gives the directory it is unpacked in. */
  unpack(bytes: Buffer): Promise<string>;
  /** Where a layer of it is unpacked. */
  find(image: Image | undefined, index?: number): string;
  /** The import fails with that code, and keeps nothing. */
  refuses(bytes: Buffer, message: RegExp, code?: string): Promise<void>;
}

export function makeWorld({ cleanup }: TestContext): World {
  const path = mkdtempSync(join(tmpdir(), "tsjail-image-"));
  cleanup(() => removeTree(path));
  const environment = { HOME: path };
  const store = join(path, ".local/share/tsjail/store");
  let files = 0;
  const world: World = {
    path,
    environment,
    store,
    write(name, bytes) {
      writeFileSync(join(path, name), bytes);
      return join(path, name);
    },
    import: (file, { name, ...limits } = {}) =>
      useStore(environment, { lock: "shared", doing: "The import" }, (use) =>
        importImages(use, { path: file, name, limits: { ...defaultLimits, ...limits }, epoch: undefined }),
      ),
    async unpack(bytes) {
      const [image] = await world.import(world.write(`a${files++}.tar`, bytes));
      return world.find(image);
    },
    find(image, index = 0) {
      const digest = image?.layers[index] ?? "";
      return join(store, "layers", digest.slice("sha256:".length), "fs");
    },
    async refuses(bytes, message, code = "image_invalid") {
      const before = listKept(store);
      await assert.rejects(world.unpack(bytes), (error) => {
        assert.ok(error instanceof TsjailError, error.stack);
        assert.is(error.code, code);
        assert.match(error.message, message);
        return true;
      });
      assert.equal(listKept(store), before);
    },
  };
  return world;
}

/** Whatever is in the store, the scratch of those who are at work included. */
export function listKept(store: string): string[] {
  const kinds = ["blobs/sha256", "layers", "images", "tmp"];
  return kinds.flatMap((kind) => {
    const directory = join(store, kind);
    return existsSync(directory) ? readdirSync(directory).map((name) => `${kind}/${name}`) : [];
  });
}

/** What stands beside an unpacked layer. */
export function readOwners(fs: string): Record<string, Owner> {
  return JSON.parse(readFileSync(join(fs, "../owners.json"), "utf8"));
}
