// How an archive is packed, and its content. In: a file. Out: its compression, by its first bytes; a stream of what is
// in it. gzip is in every Node; zstd in those since 22.15; what is missing comes from the programs xz and zstd.
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import type { Readable } from "node:stream";
import * as zlib from "node:zlib";
import { createGunzip } from "node:zlib";
import { TsjailError } from "../error.ts";
import { invalid } from "./failure.ts";

export type Compression = "none" | "gzip" | "xz" | "zstd" | "bzip2";

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["bzip2", [0x42, 0x5a, 0x68]],
];

export function detectCompression(path: string): Compression {
  const start = Buffer.alloc(8);
  const fd = openSync(path, "r");
  try {
    readSync(fd, start, 0, start.length, 0);
  } finally {
    closeSync(fd);
  }
  return magics.find(([, magic]) => magic.every((byte, index) => start[index] === byte))?.[0] ?? "none";
}

/** As much is read at once. */
const chunk = 256 * 1024;

/** The content of a file, unpacked.
 * @param subject what it is to a person
 * @throws TsjailError `image_invalid` for damage, `host_unsupported` where a program is missing */
export async function* readUnpacked(
  path: string,
  compression: Compression,
  subject: string,
): AsyncGenerator<Buffer> {
  const source = createReadStream(path, { highWaterMark: chunk });
  try {
    if (compression === "none") yield* source as AsyncIterable<Buffer>;
    else if (compression === "gzip") yield* pass(source, createGunzip({ chunkSize: chunk }), subject);
    else if (compression === "zstd" && hasZstd(zlib)) {
      yield* pass(source, zlib.createZstdDecompress({ chunkSize: chunk }), subject);
    } else yield* readThrough(compression, path, subject);
  } finally {
    source.destroy();
  }
}

type Transform = NodeJS.ReadWriteStream & Readable;
interface Zstd {
  createZstdDecompress(options: { chunkSize: number }): Transform;
}
const hasZstd = (module: object): module is Zstd => "createZstdDecompress" in module;

async function* pass(source: Readable, transform: Transform, subject: string): AsyncGenerator<Buffer> {
  // Whoever iterates over the one sees the errors of both.
  source.once("error", (error) => transform.destroy(error));
  source.pipe(transform);
  try {
    yield* transform as AsyncIterable<Buffer>;
  } catch (error) {
    throw isDamage(error) ? invalid(subject, `is damaged: ${describeDamage(error)}`) : error;
  } finally {
    transform.destroy();
  }
}

const isDamage = (error: unknown): boolean => /^(Z_|ZSTD_)/.test((error as NodeJS.ErrnoException).code ?? "");

const describeDamage = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code === "Z_BUF_ERROR" ? "it ends too early" : (error as Error).message;

async function* readThrough(program: string, path: string, subject: string): AsyncGenerator<Buffer> {
  const { execa } = await import("execa");
  const child = execa(program, ["-d", "-c", "-q"], {
    inputFile: path,
    stdout: "pipe",
    encoding: "buffer",
    buffer: { stdout: false, stderr: true },
    reject: false,
  });
  try {
    if (child.stdout !== null) yield* child.stdout as AsyncIterable<Buffer>;
    const result = await child;
    if (result.code === "ENOENT") {
      const packages = program === "xz" ? "xz-utils" : program;
      throw new TsjailError(
        "host_unsupported",
        `${subject} is packed with ${program}, which is not installed.`,
        {
          hint: `Install it: apt-get install ${packages}\nOr unpack it elsewhere, and import the plain tar file.`,
        },
      );
    }
    if (result.failed) {
      const said = Buffer.from(result.stderr).toString().trim().split("\n").at(-1) ?? "";
      throw invalid(subject, `is damaged: ${said || `${program} ended with status ${result.exitCode}`}`);
    }
  } finally {
    child.kill("SIGKILL");
  }
}
