// Where things of the store are. In: the environment, digests. Out: paths, and the content of small files. Nothing here
// takes long to load: a start comes by (resolve.ts). Next: store.ts, for those who change something.
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { TsjailError } from "../error.ts";
import { findOwnDirectory } from "../xdg.ts";
import { invalid } from "./failure.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** For those who only read. */
export interface Place {
  readonly directory: string;
  readonly scratch?: string;
}

/** @throws TsjailError `variable_unset` */
export function storeDirectory(environment: Environment): string {
  const directory = findOwnDirectory(environment, "XDG_DATA_HOME");
  if (directory !== undefined) return join(directory, "store");
  const message = "There is no place for images: neither XDG_DATA_HOME nor HOME is an absolute path.";
  throw new TsjailError("variable_unset", message, { hint: "Set HOME." });
}

/** Where it is, or belongs. */
export function blobPath({ directory, scratch }: Place, digest: string): string {
  const hex = digestHex(digest);
  const staged = scratch === undefined ? undefined : join(scratch, "blobs", hex);
  return staged !== undefined && existsSync(staged) ? staged : join(directory, "blobs/sha256", hex);
}

/** @throws TsjailError `image_invalid` */
export function digestHex(digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) throw invalid(`The digest ${JSON.stringify(digest)}`, "is not one of sha256");
  return hex;
}

/** @param digest of the unpacked archive */
export function layerDirectory({ directory, scratch }: Place, digest: string): string {
  const hex = digestHex(digest);
  const staged = scratch === undefined ? undefined : join(scratch, "layers", hex);
  return staged !== undefined && existsSync(staged) ? staged : join(directory, "layers", hex);
}

/** What a jail locks that has the image of that configuration as its root. */
export const useFile = ({ directory }: Place, config: string): string =>
  join(directory, "uses", digestHex(config));

/** For messages: whether a lock is one of those. */
export const isImageLock = (lock: string): boolean => lock.split("/").at(-2) === "uses";

/** Manifests and configurations are read into memory. */
export const maxDocument = 8 * 1024 * 1024;

/** The content of a regular file that is not too large; undefined where there is none. */
export function readRegular(path: string, most: number): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
  try {
    const status = fstatSync(fd);
    return status.isFile() && status.size <= most ? readFileSync(fd) : undefined;
  } finally {
    closeSync(fd);
  }
}
