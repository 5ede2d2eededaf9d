// runc and crun: an OCI bundle whose root is the host's tree, or what a row says. In: a Bench. Out: candidates.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, type Candidate, peerSide } from "../bench.ts";
import { findProgram, type Peer, peers } from "../peers.ts";
import { BenchProblem } from "../problem.ts";

interface Spec {
  process: { terminal: boolean; args: string[] };
  root: { path: string; readonly: boolean };
  mounts: Mount[];
  linux: { namespaces: { type: string }[] };
}

interface Mount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface Bundle {
  /** Of the directory. */
  readonly name: string;
  /** What makes up the root: crun 1.8 mounts nothing at "/" itself (EINVAL). */
  readonly mounts: readonly Mount[];
  /** Symbolic links at its top level, and where they lead. */
  readonly links: readonly (readonly [string, string])[];
  readonly command: readonly string[];
  readonly network: "host" | "private";
}

/** What is at the top of the host's tree; the runtimes make /proc, /sys and /dev themselves. */
function describeHost(): Bundle {
  const entries = readdirSync("/", { withFileTypes: true });
  const directories = entries.filter(
    (entry) => entry.isDirectory() && !["proc", "sys", "dev"].includes(entry.name),
  );
  const links = entries.filter((entry) => entry.isSymbolicLink());
  return {
    name: "host",
    mounts: directories.map(({ name }) => {
      return { destination: `/${name}`, type: "bind", source: `/${name}`, options: ["rbind", "ro"] };
    }),
    links: links.map(({ name }) => [name, readlinkSync(`/${name}`)]),
    command: ["/bin/true"],
    network: "host",
  };
}

/** What the runtime itself proposes for rootless use; but the root is another, and cgroups are left alone. */
function writeBundle(bench: Bench, program: string, name: string, wish: Bundle): string {
  const bundle = join(bench.scratch.directory, `bundle-${wish.name}-${name}`);
  const rootfs = join(bundle, "rootfs");
  for (const name of ["proc", "dev", ...wish.mounts.map(({ destination }) => destination)])
    mkdirSync(join(rootfs, name), { recursive: true });
  for (const [name, to] of wish.links) symlinkSync(to, join(rootfs, name));
  const { status, stderr } = spawnSync(program, ["spec", "--rootless"], {
    cwd: bundle,
    env: bench.scratch.env,
    encoding: "utf8",
  });
  if (status !== 0) throw new BenchProblem(`${name} spec: ${stderr.trim().split("\n")[0]}`);
  const path = join(bundle, "config.json");
  const spec: Spec = JSON.parse(readFileSync(path, "utf8"));
  const mounts = spec.mounts.filter(({ type, destination }) => type !== "cgroup" && destination !== "/sys");
  const namespaces = spec.linux.namespaces.filter(({ type }) => type !== "network");
  const own = wish.network === "private" ? [{ type: "network" }] : [];
  const config = {
    ...spec,
    process: { ...spec.process, terminal: false, args: wish.command },
    mounts: [...wish.mounts, ...mounts],
    linux: { ...spec.linux, namespaces: [...namespaces, ...own] },
  };
  writeFileSync(path, JSON.stringify(config));
  return bundle;
}

function bundleSide(bench: Bench, peer: Peer, wish: Bundle): Candidate {
  const program = findProgram(peer.program, bench.scratch.env.PATH ?? "");
  if (program === undefined) return { side: peer.name, missing: `not installed (${peer.install})` };
  try {
    const bundle = writeBundle(bench, program, peer.name, wish);
    const state = join(bench.scratch.directory, `state-${peer.name}`);
    const words = ["--root", state, "run", "--bundle", bundle, "bench"];
    return peerSide(bench, peer, words, wish.network === "host" ? "the host's network" : undefined);
  } catch (error) {
    if (error instanceof BenchProblem) return { side: peer.name, missing: error.message };
    throw error;
  }
}

export const listBundleSides = (bench: Bench, wish = describeHost()): Candidate[] => [
  bundleSide(bench, peers.crun, wish),
  bundleSide(bench, peers.runc, wish),
];
