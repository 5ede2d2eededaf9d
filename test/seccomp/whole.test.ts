// Rules for calls newer than libseccomp: what is said of them holds for every ABI, or the call isn't let through.
import { answer } from "../../src/seccomp/answer.ts";
import { type Action, allow, answerErrno, encodeAction, type Policy } from "../../src/seccomp/policy.ts";
import { completeProgram } from "../../src/seccomp/whole.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("seccomp/whole");
const refuse = answerErrno("EPERM");
const [x64, i386, x32Bit] = [0xc000_003e, 0x4000_0003, 0x4000_0000];
const mseal = 462;
const conditional = [{ index: 0, operator: "eq", value: 1n }] as const;

function say(otherwise: Action, action: Action, comparisons: Policy["rules"][number]["comparisons"]) {
  const keys = { names: ["add_key", "request_key", "keyctl"], action: refuse, comparisons: [] };
  const policy: Policy = {
    subordinate: ["x86", "x32"],
    foreign: { type: "kill_process" },
    otherwise,
    guards: [],
    rules: [keys],
  };
  const program = [{ code: 6, jt: 0, jf: 0, k: encodeAction(otherwise) }];
  const left = [{ names: ["mseal"], action, comparisons }];
  const whole = completeProgram(policy, { program, more: [], left }, "x64");
  const calls = [
    [x64, mseal],
    [x64, mseal + x32Bit],
    [i386, mseal],
    [x64, 0],
    [i386, 3],
  ] as const;
  return calls.map(([arch, nr]) => answer(whole, { arch, nr }) === encodeAction(allow));
}

test("a refusal holds for every ABI", () => {
  assert.equal(say(allow, refuse, []), [false, false, false, true, true]);
  assert.equal(say(allow, { type: "kill_process" }, []), [false, false, false, true, true]);
});

test("a refusal of some arguments is one of all", () => {
  assert.equal(say(allow, refuse, conditional), [false, false, false, true, true]);
});

test("what is let through is so for the machine's own ABI, and for some arguments not at all", () => {
  assert.equal(say(refuse, allow, []), [true, false, false, false, false]);
  assert.equal(say(refuse, allow, conditional), [false, false, false, false, false]);
});
