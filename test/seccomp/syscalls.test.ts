import { spawnSync } from "node:child_process";
import { findNumber, listUnknown, type Machine, readCalls } from "../../src/seccomp/syscalls.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("seccomp/syscalls");
const machine = process.arch as Machine;
/** Names that headers have and no call has: the first of a range. */
const marks = ["arch_specific_syscall", "syscalls"];

test.needs("command:cc")("the numbers are those of this machine's headers", () => {
  const words = ["-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"];
  const { stdout } = spawnSync("cc", words, { encoding: "utf8" });
  const found = [...stdout.matchAll(/^#define __NR_(\w+) (\d+)$/gm)].filter(
    ([, name = ""]) => !marks.includes(name),
  );
  assert.ok(found.length > 250);
  const wrong = found.filter(([, name = "", number]) => findNumber(name, machine) !== Number(number));
  assert.equal(
    wrong.map(([line]) => line),
    [],
  );
});

test("each number is one call's", () => {
  for (const each of ["x64", "arm64"] as const) {
    const numbers = [...readCalls().values()].flatMap((call) => call[each] ?? []);
    assert.is(new Set(numbers).size, numbers.length);
  }
});

test("what no call has lies between them and above", () => {
  assert.equal(listUnknown("x64", 999), [
    [337, 423],
    [472, 999],
  ]);
  assert.equal(listUnknown("arm64", 999, [500]), [
    [244, 259],
    [295, 423],
    [472, 499],
    [501, 999],
  ]);
});
