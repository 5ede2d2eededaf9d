import { parseFront, parseLimits, readFront } from "../../src/launch/front.ts";
import { infinity } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("launch/front");

test("the front mode's note is read", () => {
  const note = { nofile: { soft: 1024n, hard: 524288n }, ignoredSignals: 0x1000n };
  const text = "version=0.1.0 nofile=1024:524288 ignored=0x1000";
  assert.equal(parseFront(`${text} package=/opt/tsjail`), { ...note, packageWord: "/opt/tsjail" });
  assert.equal(parseFront(`${text} package=./a b=c\n/x`), { ...note, packageWord: "./a b=c\n/x" });
  assert.equal(parseFront(text), { ...note, packageWord: undefined });
  const desk = { plan: 3, ready: 14 };
  assert.equal(parseFront(`${text} plan=3 ready=14 package=/p`), { ...note, desk, packageWord: "/p" });
  assert.equal(parseFront(`${text} package=/p plan=3 ready=14 package=`), {
    ...note,
    packageWord: "/p plan=3 ready=14 package=",
  });
  assert.is(parseFront("nofile=256:unlimited ignored=0x0")?.nofile.hard, infinity);
});

for (const text of ["", "nofile=1024", "nofile=x:y ignored=0x0", "nofile=1:2", "nofile=1:2 ignored=12"]) {
  test(`"${text}" is no such note`, () => {
    assert.is(parseFront(text), undefined);
    assert.ok(readFront(text, process.ppid).nofile.soft > 0n);
  });
}

test("without a note the parent's limits are taken", () => {
  const limits =
    "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024    1048576    files     \n";
  assert.equal(parseLimits(limits), { soft: 1024n, hard: 1048576n });
  assert.equal(parseLimits("Max open files  unlimited  unlimited  files\n"), {
    soft: infinity,
    hard: infinity,
  });
  const front = readFront(undefined, process.ppid);
  assert.is(front.ignoredSignals, 0n);
  assert.ok(front.nofile.hard >= front.nofile.soft);
});

test("without a readable parent there still is a limit", () => {
  assert.ok(readFront(undefined, 999_999_999).nofile.soft >= 1n);
});
