// The programs that tsjail is compared with: where they are and which version they have. In: PATH. Out: paths. How each
// one is asked for the same sandbox is in rows/.
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Peer {
  readonly name: string;
  readonly program: string;
  /** How to get it. */
  readonly install: string;
  /** Its option that prints the version; `package.json` reads the file of its npm package. */
  readonly version: readonly string[] | "package.json";
}

const debian = (name: string, program: string, version: string, install = name): Peer => {
  return { name, program, version: [version], install: `apt-get install ${install}` };
};

export const peers = {
  bubblewrap: debian("bubblewrap", "bwrap", "--version"),
  unshare: debian("unshare", "unshare", "--version", "util-linux"),
  crun: debian("crun", "crun", "--version"),
  runc: debian("runc", "runc", "--version"),
  firejail: debian("firejail", "firejail", "--version"),
  rootlesskit: debian("rootlesskit", "rootlesskit", "--version"),
  charliecloud: debian("charliecloud", "ch-run", "--version"),
  systemd: debian("systemd-run", "systemd-run", "--version", "systemd"),
  sandboxRuntime: {
    name: "sandbox-runtime",
    program: "srt",
    version: "package.json",
    install:
      "npm install @anthropic-ai/sandbox-runtime elsewhere, with TSJAIL_BENCH_SRT=…/node_modules/.bin/srt",
  },
  node: debian("node", "node", "--version", "nodejs"),
  umoci: debian("umoci", "umoci", "--version"),
  skopeo: debian("skopeo", "skopeo", "--version"),
  script: debian("script", "script", "--version", "bsdutils"),
} as const satisfies Record<string, Peer>;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function findProgram(program: string, path: string): string | undefined {
  const local = join(dirname(fileURLToPath(import.meta.url)), "../node_modules/.bin", program);
  const named = program === "srt" ? [process.env.TSJAIL_BENCH_SRT ?? "", local] : [];
  const places = path.split(delimiter).filter((each) => each.startsWith("/"));
  return [...named, ...places.map((place) => join(place, program))].find(
    (each) => each !== "" && isExecutable(each),
  );
}

/** @returns undefined where it is not installed */
export function readVersion(peer: Peer, env: Readonly<Record<string, string>>): string | undefined {
  const program = findProgram(peer.program, env.PATH ?? "");
  if (program === undefined) return undefined;
  if (peer.version === "package.json") return readPackageVersion(program);
  const { stdout, stderr } = spawnSync(program, peer.version, { env, encoding: "utf8", timeout: 10_000 });
  return /\d+(\.\d+)+|\d+/.exec(`${stdout}${stderr}`)?.[0] ?? "of an unknown version";
}

function readPackageVersion(program: string): string {
  const manifest = join(dirname(program), "../@anthropic-ai/sandbox-runtime/package.json");
  try {
    return JSON.parse(readFileSync(manifest, "utf8")).version;
  } catch {
    return "of an unknown version";
  }
}
