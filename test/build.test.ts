// The build: what it makes, and what it says to a person who lacks something. In: this checkout's
// sources and small stand-ins; out: programs, or one clear error without a stack trace.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findLinkFaults } from "../src/build/elf.ts";
import { compile, executorPath, findProcessor, planNative, sizeLimit } from "../src/build/native.ts";
import { root } from "../src/build/problem.ts";
import * as assert from "./support/assert.ts";
import { suite, type TestContext } from "./support/suite.ts";

const test = suite("build");
/** A whole program, and one line to hold its data. */
const writeProgram = (data: string) => `unsigned long __stack_chk_guard;
void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
    __builtin_trap();
}
${data}
void _start(int index);
void _start(int index)
{
    held[index] = 0;
    __builtin_trap();
}
`;

function scratch({ cleanup }: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "tsjail-build-"));
  cleanup(() => rmSync(directory, { recursive: true }));
  return directory;
}

function runBuild(env: NodeJS.ProcessEnv, ...argv: string[]) {
  const script = join(root, "src/build/build.ts");
  const options = { encoding: "utf8", cwd: root, env: { ...process.env, ...env } } as const;
  return spawnSync(process.execPath, ["--import", "tsx", script, ...argv], options);
}

/** A build with that compiler has to fail with one error for people. */
function refuses(CC: string, ...messages: RegExp[]): void {
  const { status, stderr } = runBuild({ CC });
  assert.is(status, 1, stderr);
  for (const message of messages) assert.match(stderr, message);
  assert.is(stderr.match(/^error: /gm)?.length, 1, stderr);
  assert.not.match(stderr, /\n {4}at /);
}

/** A compiler that prints this and fails. */
function pretend(context: TestContext, message: string): string {
  const path = join(scratch(context), "cc");
  writeFileSync(path, `#!/bin/sh\ncat >&2 <<'END'\n${message}\nEND\nexit 1\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Compiles one C file with the executor's own flags. */
async function compileText(context: TestContext, text: string): Promise<string> {
  const source = scratch(context);
  writeFileSync(join(source, "main.c"), text);
  const output = join(source, "program");
  await compile({ ...planNative(), source, output });
  return output;
}

test("a second build has nothing to do", () => {
  const first = runBuild({});
  assert.is(first.status, 0, first.stderr);
  const { stdout } = runBuild({});
  assert.match(stdout, /^(current .*\n)+$/);
});

test("the executor stands alone, and is small", () => {
  const program = readFileSync(executorPath(findProcessor()));
  assert.equal(findLinkFaults(program), []);
  assert.ok(program.length <= sizeLimit, `${program.length} bytes`);
});

test("a dynamic program is not taken for one that stands alone", () => {
  assert.match(findLinkFaults(readFileSync(process.execPath)).join(), /dynamic loader/);
});

test("pointers in static data are refused, numbers are not", async (context) => {
  await compileText(context, writeProgram("static volatile int held[] = {1, 2};"));
  const pointers = writeProgram(
    "static void (*volatile held[])(void) = {__stack_chk_fail, __stack_chk_fail};",
  );
  await assert.rejects(compileText(context, pointers), /relocations/);
});

test("a program over the limit is refused", async (context) => {
  const big = writeProgram(`static volatile char held[${sizeLimit}] = {1};`);
  await assert.rejects(compileText(context, big), /limit is 200000/);
});

test("a program that fails leaves nothing behind", async (context) => {
  const directory = scratch(context);
  writeFileSync(join(directory, "main.c"), "int x = y;\n");
  await assert.rejects(
    compile({ ...planNative(), source: directory, output: join(directory, "program") }),
    /does not compile[\s\S]*'?y/,
  );
  assert.is(spawnSync("ls", [directory], { encoding: "utf8" }).stdout, "main.c\n");
});

test("no compiler: it says what to install", () => {
  refuses(
    "no-such-compiler",
    /there is no C compiler "no-such-compiler"/,
    /apt-get install gcc linux-libc-dev/,
  );
});

test.needs("command:gcc")("no kernel headers: it says what to install", (context) => {
  refuses(
    `gcc -nostdinc -I${scratch(context)}`,
    /kernel header <(linux|asm|asm-generic)\/[\w.]+> is missing/,
    /apk add gcc linux-headers/,
  );
});

test("no linker: it says what to install", (context) => {
  const messages = [
    "collect2: fatal error: cannot find 'ld'",
    "/usr/bin/ld: cannot find -lgcc: No such file or directory",
  ];
  for (const message of messages)
    refuses(pretend(context, message), /can't link a static program/, /dnf install/);
});

test("no sanitizer libraries: it says what to install", (context) => {
  const CC = pretend(context, "/usr/bin/ld: cannot find -lasan: No such file or directory");
  const build = { ...planNative(true), compiler: CC, output: join(scratch(context), "tsjail") };
  return assert.rejects(compile(build), /sanitized executor can't be built: .*-lasan[\s\S]*libc6-dev/);
});
