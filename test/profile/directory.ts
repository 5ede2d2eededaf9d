// A directory of profiles for a test: its files by name, and a request that looks nowhere else.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { formatError, TsjailError } from "../../src/error.ts";
import {
  type LoadedProfile,
  loadProfile,
  type Override,
  type ProfileRequest,
} from "../../src/profile/load.ts";
import type { TestContext } from "../support/suite.ts";

export interface Directory {
  readonly path: string;
  readonly environment: Record<string, string>;
  write(name: string, text: string | Uint8Array): string;
  request(profile?: string, overrides?: readonly Override[]): ProfileRequest;
  load(profile?: string, overrides?: readonly Override[]): LoadedProfile;
}

/** `work` is the current directory, `home` is HOME, `shipped` has a `base` that says nothing but its description. */
export function makeDirectory(
  { cleanup }: TestContext,
  files: Readonly<Record<string, string>> = {},
): Directory {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "tsjail-profile-")));
  cleanup(() => rmSync(path, { recursive: true, force: true }));
  const environment: Record<string, string> = { HOME: join(path, "home"), USER: "alice" };
  const directory: Directory = {
    path,
    environment,
    write(name, text) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    request: (profile, overrides = []) => ({
      profile,
      overrides,
      environment,
      cwd: join(path, "work"),
      shippedDirectory: join(path, "shipped"),
    }),
    load: (profile, overrides) => loadProfile(directory.request(profile, overrides)),
  };
  mkdirSync(join(path, "work"));
  mkdirSync(join(path, "home"));
  for (const [name, text] of Object.entries({ "shipped/base.toml": 'description = "shipped"\n', ...files })) {
    directory.write(name, text);
  }
  return directory;
}

/** The error that a call throws, which must be a TsjailError. */
export function catchError(call: () => unknown): TsjailError {
  try {
    call();
  } catch (error) {
    if (error instanceof TsjailError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** The whole message of it. */
export const catchMessage = (call: () => unknown) => formatError(catchError(call));
