// runc and crun: the host's tree as an OCI bundle. In: a Bench. Out: candidates.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, type Candidate, peerSide } from "../bench.ts";
import { findProgram, type Peer, peers } from "../peers.ts";
import { BenchProblem } from "../problem.ts";

interface Spec {
  process: { terminal: boolean; args: string[] };
  root: { path: string; readonly: boolean };
  mounts: { destination: string; type: string; source: string; options: string[] }[];
}

/** What the runtime itself proposes for rootless use; but the root is the host's tree, and cgroups are left alone. */
function writeBundle(bench: Bench, program: string, name: string): string {
  const bundle = join(bench.scratch.directory, `bundle-${name}`);
  mkdirSync(join(bundle, "rootfs"), { recursive: true });
  const { status, stderr } = spawnSync(program, ["spec", "--rootless"], {
    cwd: bundle,
    env: bench.scratch.env,
    encoding: "utf8",
  });
  if (status !== 0) throw new BenchProblem(`${name} spec: ${stderr.trim().split("\n")[0]}`);
  const path = join(bundle, "config.json");
  const spec: Spec = JSON.parse(readFileSync(path, "utf8"));
  const mounts = spec.mounts.filter(({ type, destination }) => type !== "cgroup" && destination !== "/sys");
  const host = { destination: "/", type: "bind", source: "/", options: ["rbind", "ro"] };
  const config = {
    ...spec,
    process: { ...spec.process, terminal: false, args: ["/bin/true"] },
    mounts: [host, ...mounts],
  };
  writeFileSync(path, JSON.stringify(config));
  return bundle;
}

function bundleSide(bench: Bench, peer: Peer): Candidate {
  const program = findProgram(peer.program, bench.scratch.env.PATH ?? "");
  if (program === undefined) return { side: peer.name, missing: `not installed (${peer.install})` };
  try {
    const bundle = writeBundle(bench, program, peer.name);
    const state = join(bench.scratch.directory, `state-${peer.name}`);
    const words = ["--root", state, "run", "--bundle", bundle, "bench"];
    return peerSide(bench, peer, words, "the host's network");
  } catch (error) {
    if (error instanceof BenchProblem) return { side: peer.name, missing: error.message };
    throw error;
  }
}

export const listBundleSides = (bench: Bench): Candidate[] => [
  bundleSide(bench, peers.crun),
  bundleSide(bench, peers.runc),
];
