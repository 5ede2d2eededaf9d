// Compiles the executor. In: native/*.c and the C compiler that CC names; out: one static binary
// without a libc, stripped, at most 200 KB. `hosted` builds with libc and sanitizers instead.
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { explainCompiler, explainMissingCompiler } from "./compiler.ts";
import { findLinkFaults } from "./elf.ts";
import { BuildProblem, root, shown } from "./problem.ts";
import { listFiles, runStep } from "./stamp.ts";

export type Processor = "x64" | "arm64";

export const sizeLimit = 200_000;
export const version: string = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;

const warnings = ["-Wall", "-Wextra", "-Wshadow", "-Wvla", "-Wstrict-prototypes", "-Werror"];

const common = [
  "-std=gnu11",
  "-fno-strict-aliasing",
  "-fno-common",
  `-DTSJAIL_VERSION="${version}"`,
  ...warnings,
];

const freestanding = [
  "-Os",
  // Or what a start needs once lies in the frames of those who stay: an idle jail has them in memory.
  "-fno-inline-functions-called-once",
  "-ffreestanding",
  "-nostdlib",
  // Position independent, and so at a random address; elf.ts sees to it that nothing needs relocating.
  "-static-pie",
  "-fstack-protector-strong",
  "-ffunction-sections",
  "-fdata-sections",
  "-fno-asynchronous-unwind-tables",
  "-s",
  "-Wl,--gc-sections",
  "-Wl,--build-id=sha1",
  "-Wl,-z,relro,-z,now,-z,noexecstack",
];

const perProcessor: Record<Processor, string[]> = {
  // Without a libc there is no thread-local storage for the canary: a global holds it.
  x64: ["-fPIE", "-mstack-protector-guard=global", "-fcf-protection"],
  // Its code reaches data relative to itself even without -fPIE, with which the canary would be
  // reached through a table of addresses. The outline atomics are calls into libc's part of libgcc.
  arm64: ["-fno-pie", "-mbranch-protection=standard", "-mno-outline-atomics"],
};

const sanitized = [
  "-DTSJAIL_HOSTED",
  "-O1",
  "-g",
  "-fno-omit-frame-pointer",
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
];

export interface NativeBuild {
  /** Where the sources are; native/ unless a test says otherwise. */
  source: string;
  output: string;
  processor: Processor;
  compiler: string;
  hosted: boolean;
}

export function findProcessor(): Processor {
  if (process.arch === "x64" || process.arch === "arm64") return process.arch;
  throw new BuildProblem(`tsjail runs on x64 and arm64 processors; this one is ${process.arch}.`);
}

export const executorPath = (processor: Processor): string => join(root, `dist/linux-${processor}/tsjail`);

export function listFlags({ processor, hosted }: Pick<NativeBuild, "processor" | "hosted">): string[] {
  return hosted ? [...common, ...sanitized] : [...common, ...freestanding, ...perProcessor[processor]];
}

/** The executor for this machine, or its sanitized twin. */
export function planNative(hosted = false): NativeBuild {
  const processor = findProcessor();
  const output = hosted ? join(root, "dist/sanitize/tsjail") : executorPath(processor);
  return { source: join(root, "native"), output, processor, compiler: process.env.CC || "cc", hosted };
}

/** True when there was something to do. */
export async function buildNative(build: NativeBuild): Promise<boolean> {
  const step = {
    name: `native-${build.hosted ? "sanitize" : build.processor}`,
    inputs: listFiles(build.source, ".c", ".h", ".S"),
    outputs: [build.output],
    settings: [build.compiler, build.output, listFlags(build)],
  };
  return runStep(step, () => compile(build));
}

/** Compiles now, whether or not anything has changed. */
export async function compile(build: NativeBuild): Promise<void> {
  const sources = listFiles(build.source, ".c");
  if (sources.length === 0) throw new BuildProblem(`there are no C files in ${build.source}.`);
  mkdirSync(dirname(build.output), { recursive: true });
  const fresh = `${build.output}.${process.pid}.new`;
  // CC may hold flags, as it may for make.
  const [command = "cc", ...given] = build.compiler.split(/\s+/).filter(Boolean);
  const libraries = build.hosted ? [] : ["-lgcc"];
  const { execa } = await import("execa");
  const result = await execa(
    command,
    [...given, ...listFlags(build), "-o", fresh, ...sources, ...libraries],
    {
      cwd: root,
      env: { LC_ALL: "C" }, // its messages are read below
      all: true,
      reject: false,
    },
  );
  try {
    if (result.code === "ENOENT" || result.code === "EACCES") throw explainMissingCompiler(command);
    if (result.failed) throw explainCompiler(result.all ?? "", build);
    checkProgram(fresh, build);
    renameSync(fresh, build.output);
  } finally {
    rmSync(fresh, { force: true });
  }
}

function checkProgram(path: string, { hosted, output }: NativeBuild): void {
  if (hosted) return;
  const program = readFileSync(path);
  const faults = findLinkFaults(program);
  if (program.length > sizeLimit) faults.push(`it has ${program.length} bytes; the limit is ${sizeLimit}`);
  if (faults.length > 0) throw new BuildProblem(`${shown(output)} can't be used: ${faults.join("; ")}.`);
}
