import { shorten } from "../../src/build/shorten.ts";
import { answer } from "../../src/seccomp/answer.ts";
import { type Instruction, JEQ, JGE, JGT, jump, LOAD, RETURN, statement } from "../../src/seccomp/bpf.ts";
import { allow, answerErrno, encodeAction, type Guard } from "../../src/seccomp/policy.ts";
import { archOf } from "../seccomp/reference.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("build/shorten");
const [yes, no, kill] = [encodeAction(allow), encodeAction(answerErrno("EPERM")), 0x8000_0000];
const program: Instruction[] = [
  statement(LOAD, 4),
  jump(JEQ, archOf("x64"), 1, 0),
  statement(RETURN, kill),
  statement(LOAD, 0),
  ...[0, 1, 2, 3, 5, 16, 300].flatMap((nr) => [jump(JEQ, nr, 0, 1), statement(RETURN, yes)]),
  jump(JGE, 400, 0, 2),
  jump(JGT, 410, 1, 0),
  statement(RETURN, yes),
  jump(JEQ, 0xffff_ffff, 0, 1),
  statement(RETURN, kill),
  statement(RETURN, no),
];
const numbers = [...Array(600).keys(), 0x3fff_ffff, 0x4000_0000, 0x4000_0001, 0xffff_fffe, 0xffff_ffff];

test("the same is answered, in fewer instructions", () => {
  const short = shorten(program, [], "x64");
  assert.ok(short.length < program.length, String(short.length));
  for (const arch of [archOf("x64"), 0x4000_0003, 0]) {
    for (const nr of numbers)
      assert.is(answer(short, { arch, nr }), answer(program, { arch, nr }), `${arch} ${nr}`);
  }
});

test("guards are asked first, the others' numbers keep their answers", () => {
  const guards: Guard[] = [
    { names: ["ioctl"], argument: { index: 1, is: "one of", values: [7, 8] }, action: answerErrno("EPERM") },
    { names: ["mount"], action: { type: "kill_process" } },
  ];
  const short = shorten(program, guards, "x64");
  const say = (nr: number, ...args: bigint[]) => answer(short, { arch: archOf("x64"), nr, args });
  assert.equal([say(16, 0n, 6n), say(16, 0n, 7n), say(16, 0n, 0x1_0000_0008n)], [yes, no, no]);
  assert.throws(() => shorten(program, [...guards, ...guards], "x64"), /two guards for one call/);
  assert.equal([say(165), say(164), say(166), say(3), say(4)], [kill, no, no, yes, no]);
});

test("a program that looks at arguments can't be made shorter so", () => {
  assert.throws(() => shorten([statement(LOAD, 16), ...program], [], "x64"), /looks at more/);
});
