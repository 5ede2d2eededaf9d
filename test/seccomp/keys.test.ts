import { answer } from "../../src/seccomp/answer.ts";
import { keyCalls, letsKeys, refuseKeys } from "../../src/seccomp/keys.ts";
import { type Action, allow, answerErrno, encodeAction, type Rule } from "../../src/seccomp/policy.ts";
import { findNumber, machines } from "../../src/seccomp/syscalls.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { archOf } from "./reference.ts";

const test = suite("seccomp/keys");
const refuse = answerErrno("EPERM");
const conditional = [{ index: 0, operator: "eq", value: 1n }] as const;
const rule = (action: Action, more: Partial<Rule> = {}): Rule => ({
  ...{ names: [...keyCalls], action, comparisons: [] },
  ...more,
});

test("a policy lets them through by its rules or for want of one", () => {
  const lets = (otherwise: Action, ...rules: Rule[]) => letsKeys({ otherwise, rules });
  assert.is(lets(refuse), false);
  assert.is(lets(allow), true);
  assert.is(lets(allow, rule(refuse)), false);
  assert.is(lets(allow, rule(refuse, { names: ["keyctl"] })), true);
  assert.is(lets(allow, rule(refuse, { comparisons: conditional })), true);
  assert.is(lets(refuse, rule(allow, { names: ["add_key"], comparisons: conditional })), true);
  for (const type of ["log", "notify"] as const) assert.is(lets(refuse, rule({ type })), true, type);
  assert.is(lets(refuse, rule({ type: "trace", value: 0 })), true);
  assert.is(lets(allow, rule({ type: "kill_process" })), false);
});

test("the refusal is for the three, by every ABI of the machine", () => {
  const letAll = [{ code: 6, jt: 0, jf: 0, k: encodeAction(allow) }];
  const others = { x64: [0x4000_0003, 286], arm64: [0x4000_0028, 309] } as const;
  for (const machine of machines) {
    const program = refuseKeys(letAll, machine);
    const own = findNumber("add_key", machine) ?? -1;
    const [arch, other] = others[machine];
    const refused: [number, number][] = [];
    for (const each of [archOf(machine), arch, 0x1234]) {
      for (const nr of [...Array(500).keys(), own + 0x4000_0000, 0x4000_0000, 0xffff_ffff])
        if (answer(program, { arch: each, nr }) !== encodeAction(allow)) refused.push([each, nr]);
    }
    const three = (abi: number, first: number) => [0, 1, 2].map((more) => [abi, first + more]);
    assert.equal(refused, [
      ...three(archOf(machine), own),
      [archOf(machine), own + 0x4000_0000],
      ...three(arch, other),
    ]);
  }
});
