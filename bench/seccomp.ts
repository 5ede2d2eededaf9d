// `npm run bench:calls [-- DOCKER_DEFAULT.json]`: what a system call costs under each filter, against none. In: the build,
// and Docker's own file where one is named, which is then the filter of a jail and of a crun container as well. Out: a
// table of nanoseconds and ratios. Every side is a process of its own; the rounds of all sides take turns.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readShipped } from "../src/seccomp/shipped.ts";
import { type Machine, machines } from "../src/seccomp/syscalls.ts";
import { requireBuild, shim } from "./jail.ts";
import { BenchProblem } from "./problem.ts";
import { makeScratch } from "./scratch.ts";
import { quantile } from "./statistics.ts";

const rounds = 15;
const calls = ["getpid", "read", "openat+close", "ioctl"] as const;
type Cost = Record<(typeof calls)[number], number[]>;

interface Side {
  readonly name: string;
  readonly argv: readonly string[];
}

const scratch = makeScratch();

function compileCalls(): string {
  const output = join(scratch.directory, "calls");
  const source = join(import.meta.dirname, "native/calls.c");
  const { status, stderr } = spawnSync("cc", ["-O2", "-static", "-o", output, source], { encoding: "utf8" });
  if (status !== 0) throw new BenchProblem(`calls.c can't be compiled: ${stderr}`);
  return output;
}

function jailSide(name: string, program: string, seccomp: string): Side {
  // A whole root shows where the program lies, and private places none.
  const profile = join(scratch.directory, `${name.replaceAll(/\W+/g, "-")}.toml`);
  const mounts = ["proc", "dev"].map((type) => `[[mount]]\ntype = "${type}"\n`).join("");
  writeFileSync(profile, `[security]\nseccomp = "${seccomp}"\n${mounts}`);
  return { name, argv: [shim, "-p", profile, "--", program, "100000"] };
}

interface FileRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly args?: unknown;
  readonly errnoRet?: number;
  readonly includes?: { readonly caps?: readonly string[]; readonly arches?: readonly string[] };
  readonly excludes?: { readonly arches?: readonly string[] };
}

/** Docker's file as an engine hands it to a runtime for a container without capabilities: without what is conditional. */
function toRuntime(path: string): object {
  const file = JSON.parse(readFileSync(path, "utf8"));
  const own = process.arch === "x64" ? "amd64" : "arm64";
  const rules = (file.syscalls as FileRule[]).filter(
    ({ includes, excludes }) =>
      !includes?.caps &&
      (!includes?.arches || includes.arches.includes(own)) &&
      !excludes?.arches?.includes(own),
  );
  return {
    defaultAction: file.defaultAction,
    ...(file.defaultErrnoRet && { defaultErrnoRet: file.defaultErrnoRet }),
    architectures:
      process.arch === "x64"
        ? ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
        : ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
    syscalls: rules.map(({ names, action, args, errnoRet }) => ({
      names,
      action,
      ...(Array.isArray(args) && args.length > 0 && { args }),
      ...(errnoRet !== undefined && { errnoRet }),
    })),
  };
}

/** A bundle with nothing but the program, otherwise as the runtime itself proposes it for rootless use; no cgroups. */
function crunSide(program: string, docker: string): Side {
  const bundle = join(scratch.directory, "bundle");
  mkdirSync(join(bundle, "rootfs"), { recursive: true });
  copyFileSync(program, join(bundle, "rootfs/calls"));
  chmodSync(join(bundle, "rootfs/calls"), 0o755);
  spawnSync("crun", ["spec", "--rootless"], { cwd: bundle, env: scratch.env });
  const path = join(bundle, "config.json");
  const spec = JSON.parse(readFileSync(path, "utf8"));
  const inner = (spec.mounts as { type: string; destination: string }[]).filter(
    ({ type, destination }) => type !== "cgroup" && destination !== "/sys",
  );
  const config = {
    ...spec,
    process: { ...spec.process, terminal: false, args: ["/calls", "100000"] },
    mounts: inner,
    linux: { ...spec.linux, seccomp: toRuntime(docker) },
  };
  writeFileSync(path, JSON.stringify(config));
  const state = join(scratch.directory, "crun");
  return {
    name: "crun, Docker's file",
    argv: ["crun", "--root", state, "--cgroup-manager=disabled", "run", "--bundle", bundle, "bench"],
  };
}

function runSide({ name, argv: [program = "", ...words] }: Side): Record<string, number> {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: "utf8",
    cwd: "/",
    env: scratch.env,
  });
  if (status !== 0) throw new BenchProblem(`${name}: ${error?.message ?? stderr.trim()}`);
  return Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([call = "", nanoseconds]) => [call, Number(nanoseconds)]),
  );
}

function measure(sides: readonly Side[]): Map<string, Cost> {
  const costs = new Map<string, Cost>();
  for (let round = 0; round < rounds; round++) {
    for (const side of sides) {
      const found = runSide(side);
      const cost =
        costs.get(side.name) ?? (Object.fromEntries(calls.map((call) => [call, []])) as unknown as Cost);
      for (const call of calls) cost[call].push(found[call] ?? Number.NaN);
      costs.set(side.name, cost);
    }
  }
  return costs;
}

function print(costs: ReadonlyMap<string, Cost>): void {
  // What disturbs a round only ever adds to it.
  const least = (name: string, call: (typeof calls)[number]) => quantile(costs.get(name)?.[call] ?? [], 0);
  console.log(
    `| least of ${rounds}, ns per call (ratio) | ${calls.join(" | ")} |\n|${" --- |".repeat(calls.length + 1)}`,
  );
  for (const name of costs.keys()) {
    const cells = calls.map((call) => {
      const [own, none] = [least(name, call), least("no jail", call)];
      return `${own.toFixed(1)} (${(own / none).toFixed(2)})`;
    });
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
}

function main(docker: string | undefined): void {
  requireBuild();
  const program = compileCalls();
  const sides: Side[] = [
    { name: "no jail", argv: [program, "100000"] },
    jailSide("off", program, "off"),
    jailSide("default", program, "default"),
    jailSide("strict", program, "strict"),
  ];
  if (docker !== undefined) {
    sides.push(jailSide("Docker's file, a jail", program, docker), crunSide(program, docker));
  }
  const usable = sides.filter((side) => {
    try {
      runSide(side);
      return true;
    } catch (error) {
      console.error(`left out: ${(error as Error).message}`);
      return false;
    }
  });
  print(measure(usable));
  const machine = machines.find((each) => each === process.arch) as Machine;
  console.log(`\ndefault has ${readShipped("default", machine, []).length} instructions.`);
}

main(process.argv[2]);
