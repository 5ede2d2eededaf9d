import { answer } from "../../src/seccomp/answer.ts";
import type { Instruction } from "../../src/seccomp/bpf.ts";
import { keyCalls, letsKeys } from "../../src/seccomp/keys.ts";
import { buildProgram, resolveNumber } from "../../src/seccomp/libseccomp.ts";
import { readOci } from "../../src/seccomp/oci.ts";
import { answerErrno, decodeAction, encodeAction, lets, type Policy } from "../../src/seccomp/policy.ts";
import { readShipped } from "../../src/seccomp/shipped.ts";
import { findNumber, type Machine } from "../../src/seccomp/syscalls.ts";
import { completeProgram } from "../../src/seccomp/whole.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { engineFiles, needsLibseccomp, readEngineFile } from "./libseccomp.ts";
import { archOf, judge, nameCall, numbers, telling } from "./reference.ts";

const test = suite("seccomp/oci");
const native = process.arch as Machine;
const reader = { machine: native, kernel: "6.1.0-28-amd64", capabilities: [] as string[] };

/** As compile makes it of a file. */
const build = (policy: Policy): Instruction[] =>
  completeProgram(policy, buildProgram(policy, native), native);

const read = (file: unknown, wish: Partial<typeof reader> = {}) =>
  readOci(typeof file === "string" ? file : JSON.stringify(file), "/x.json", { ...reader, ...wish });
const open = { defaultAction: "SCMP_ACT_ALLOW" };
const closed = { defaultAction: "SCMP_ACT_ERRNO" };
const isKeyCall = (nr: number) => keyCalls.some((name) => findNumber(name, native) === nr);
const rule = (names: string | string[], more: object = {}) => ({
  names: [names].flat(),
  action: "SCMP_ACT_ALLOW",
  ...more,
});

test("actions and their errnos", () => {
  const actionOf = (action: string, more: object = {}) =>
    read({ ...open, syscalls: [{ names: ["uname"], action, ...more }] }).rules[0]?.action;
  assert.equal(actionOf("SCMP_ACT_KILL"), { type: "kill_thread" });
  assert.equal(actionOf("SCMP_ACT_KILL_PROCESS"), { type: "kill_process" });
  assert.equal(actionOf("SCMP_ACT_ERRNO"), answerErrno("EPERM"));
  assert.equal(actionOf("SCMP_ACT_ERRNO", { errnoRet: 95 }), answerErrno("ENOTSUP"));
  assert.equal(actionOf("SCMP_ACT_ERRNO", { errno: "ENOSYS" }), answerErrno("ENOSYS"));
  assert.equal(actionOf("SCMP_ACT_TRACE", { errnoRet: 7 }), { type: "trace", value: 7 });
  assert.equal(actionOf("SCMP_ACT_TRAP"), { type: "trap", value: 0 });
  assert.equal(actionOf("SCMP_ACT_LOG"), { type: "log" });
  assert.equal(actionOf("SCMP_ACT_NOTIFY"), { type: "notify" });
  assert.equal(read({ ...closed, defaultErrnoRet: 38 }).otherwise, answerErrno("ENOSYS"));
  assert.equal(
    read({ ...closed, defaultErrnoRet: 38, syscalls: [rule("uname", { action: "SCMP_ACT_ERRNO" })] }).rules[0]
      ?.action,
    answerErrno("EPERM"),
  );
});

test("rules for some capabilities, machines and kernels alone", () => {
  const isThere = (more: object, wish: Partial<typeof reader> = {}) =>
    read({ ...closed, syscalls: [rule("mount", more)] }, wish).rules.length === 1;
  const both = { capabilities: ["CAP_SYS_ADMIN", "CAP_BPF"] };
  assert.is(isThere({ includes: { caps: ["CAP_SYS_ADMIN"] } }), false);
  assert.is(isThere({ includes: { caps: ["CAP_SYS_ADMIN"] } }, both), true);
  assert.is(isThere({ includes: { caps: ["CAP_SYS_ADMIN", "CAP_SYS_TIME"] } }, both), false);
  assert.is(isThere({ excludes: { caps: ["CAP_BPF", "CAP_SYS_TIME"] } }, both), false);
  assert.is(isThere({ excludes: { caps: ["CAP_BPF"] } }), true);
  for (const [machine, name] of [
    ["x64", "amd64"],
    ["arm64", "arm64"],
  ] as const) {
    assert.is(isThere({ includes: { arches: [name] } }, { machine }), true);
    assert.is(isThere({ includes: { arches: ["s390x"] } }, { machine }), false);
    assert.is(isThere({ excludes: { arches: [name] } }, { machine }), false);
  }
  assert.is(isThere({ includes: { minKernel: "4.8" } }), true);
  assert.is(isThere({ includes: { minKernel: "6.1" } }), true);
  assert.is(isThere({ includes: { minKernel: "6.2" } }), false);
  assert.is(isThere({ excludes: { minKernel: "6.1" } }), false);
  assert.is(isThere({ includes: { minKernel: "4.10" } }, { kernel: "4.9.0" }), false);
});

test("several comparisons of one argument are read as one of them, of several as all of them", () => {
  const arg = (index: number, value: number) => ({ index, value, op: "SCMP_CMP_EQ" });
  const count = (...args: object[]) =>
    read({ ...closed, syscalls: [rule("socket", { args })] }).rules.map(
      ({ comparisons }) => comparisons.length,
    );
  assert.equal(count(arg(0, 1), arg(0, 2)), [1, 1]);
  assert.equal(count(arg(0, 1), arg(1, 2)), [2]);
});

test("numbers of 64 bits keep all of them, and strings stay as they are", () => {
  const text = `{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{ "names": ["kill"], "action": "SCMP_ACT_LOG",
    "comment": "say \\"18446744073709551615\\", 1234567890123456789", "args": [{ "index": 0, "op": "SCMP_CMP_MASKED_EQ",
    "value": 18446744073709551615, "valueTwo": 9007199254740993 }] }] }`;
  const expected = {
    index: 0,
    operator: "masked_eq",
    value: 9007199254740993n,
    mask: 0xffff_ffff_ffff_ffffn,
  };
  assert.equal(read(text).rules[0]?.comparisons, [expected]);
});

test("the ABIs of a machine come by archMap or by architectures", () => {
  const map = [
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
    { architecture: "SCMP_ARCH_RISCV64", subArchitectures: null },
  ];
  assert.equal(read({ ...open, archMap: map }, { machine: "x64" }).subordinate, ["x86", "x32"]);
  assert.equal(read({ ...open, archMap: map }, { machine: "arm64" }).subordinate, ["arm"]);
  const architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_MIPS"];
  assert.equal(read({ ...open, architectures }, { machine: "x64" }).subordinate, ["x86"]);
  assert.equal(read(open).subordinate, []);
});

const wrong: readonly (readonly [file: unknown, place: RegExp])[] = [
  ["{", /is no JSON/],
  [{}, /defaultAction is missing/],
  [{ defaultAction: "ALLOW" }, /defaultAction is "ALLOW", which is none of SCMP_ACT_KILL/],
  [{ ...open, syscals: [] }, /syscals is a key that is not known/],
  [{ ...open, syscalls: [{ names: ["a"] }] }, /syscalls\[0\]\.action is missing/],
  [{ ...open, syscalls: [rule([])] }, /syscalls\[0\] names no system call/],
  [
    { ...open, syscalls: [rule("kill", { args: [{ index: 6, value: 1, op: "SCMP_CMP_EQ" }] })] },
    /syscalls\[0\]\.args\[0\]\.index must be from 0 to 5/,
  ],
  [
    { ...open, syscalls: [rule("kill", { args: [{ index: 0, value: -1, op: "SCMP_CMP_EQ" }] })] },
    /args\[0\]\.value must be a whole number/,
  ],
  [
    { ...open, syscalls: [rule("kill", { errnoRet: 1 })] },
    /syscalls\[0\]\.action is SCMP_ACT_ALLOW, which takes no errno/,
  ],
  [
    { ...open, syscalls: [rule("kill", { action: "SCMP_ACT_ERRNO", errno: "EFOO" })] },
    /errno of an unknown name, EFOO/,
  ],
  [
    { ...open, syscalls: [rule("kill", { includes: { minKernel: "new" } })] },
    /includes\.minKernel must be a version/,
  ],
  [
    { ...open, archMap: [{ architecture: "a" }], architectures: ["b"] },
    /archMap and architectures are both given/,
  ],
  [{ ...open, flags: ["SECCOMP_FILTER_FLAG_NEW"] }, /flags\[0\] is "SECCOMP_FILTER_FLAG_NEW"/],
];

test("what is wrong with a file is said with its place", () => {
  for (const [file, message] of wrong) assert.throws(() => read(file), message);
});

test.needs(needsLibseccomp)("a name that nobody knows can be allowed, and not refused", () => {
  const allows = read({ ...closed, syscalls: [rule(["quux", "uname"])] });
  const nr = findNumber("uname", native) ?? -1;
  assert.ok(lets(decodeAction(answer(build(allows), { arch: archOf(native), nr }))));
  const refuses = read({ ...open, syscalls: [rule("quux", { action: "SCMP_ACT_KILL" })] });
  assert.throws(() => build(refuses), /quux is not known, so it can't be refused/);
});

test.needs(needsLibseccomp)("a call newer than libseccomp is refused by its number", () => {
  for (const architectures of [[], ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]]) {
    const program = build(
      read({ ...open, architectures, syscalls: [rule("mseal", { action: "SCMP_ACT_ERRNO" })] }),
    );
    const say = (name: string) =>
      answer(program, { arch: archOf(native), nr: findNumber(name, native) ?? -1 });
    assert.is(say("mseal"), encodeAction(answerErrno("EPERM")));
    assert.is(say("mprotect"), encodeAction({ type: "allow" }));
  }
});

test.needs(needsLibseccomp)("rules that contradict each other are an error", () => {
  const args = [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }];
  const twice = {
    ...open,
    syscalls: [
      rule("kill", { action: "SCMP_ACT_ERRNO", args }),
      rule("kill", { action: "SCMP_ACT_KILL", args }),
    ],
  };
  assert.throws(() => build(read(twice)), /the rule for kill: it contradicts another one/);
});

for (const which of engineFiles.keys()) {
  for (const capabilities of [[], ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"]]) {
    test.needs(needsLibseccomp)(
      `${which}.json says in the kernel what it says (${capabilities.length} capabilities)`,
      () => {
        const policy = readOci(readEngineFile(which), "x", { ...reader, capabilities });
        const program = build(policy);
        const differences: string[] = [];
        for (const nr of numbers.filter((number) => number < 0x3fff_ffff)) {
          for (const args of [[], ...telling]) {
            const call = { machine: native, nr, args: [...args] };
            const found = answer(program, { arch: archOf(native), nr, args });
            if (isKeyCall(nr) && letsKeys(policy)) {
              if (decodeAction(found).type !== "errno") differences.push(`${nr} is let through`);
            } else if (!judge(policy, call).includes(found))
              differences.push(`${nameCall(native, nr) ?? nr}(${args}): ${found.toString(16)}`);
          }
        }
        assert.equal(differences, []);
      },
    );
  }
}

test.needs("x64", needsLibseccomp)("a file lets the ABIs of its archMap through, ours none", () => {
  const program = build(readOci(readEngineFile("engine"), "x", reader));
  const getpid = { arch: 0x4000_0003, nr: 20 };
  assert.ok(lets(decodeAction(answer(program, getpid))));
  assert.is(decodeAction(answer(readShipped("default", "x64", []), getpid)).type, "kill_process");
});

if (engineFiles.has("docker")) {
  test.needs("x64", needsLibseccomp)(
    "what Docker's refuses without capabilities, ours refuses, to every call",
    () => {
      const docker = build(readOci(readEngineFile("docker"), "x", reader));
      const ours = readShipped("default", "x64", []);
      // An older file, Debian's say, knows nothing of newer calls; one of today has no such excuse.
      const text = readEngineFile("docker");
      const isUnknown = (name: string) => !text.includes('"map_shadow_stack"') && !text.includes(`"${name}"`);
      let seen = 0;
      const looser: string[] = [];
      for (let nr = 0; nr < 600; nr++) {
        const name = resolveNumber("x86_64", nr) ?? nameCall("x64", nr);
        if (name === undefined) continue;
        seen++;
        for (const args of isUnknown(name) ? [] : [[], ...telling]) {
          const call = { arch: archOf("x64"), nr, args };
          if (!lets(decodeAction(answer(docker, call))) && lets(decodeAction(answer(ours, call))))
            looser.push(`${name}(${args})`);
        }
      }
      assert.ok(seen > 350);
      // Ours compares the low 32 bits, all that the kernel has of a personality: Docker's refuses to be asked for one with
      // bits above. None of it is a personality that Docker's refuses.
      // Docker's has let the others through since version 23: a handle is of no use without open_by_handle_at, and no
      // process outside can be named.
      assert.equal(
        looser.filter(
          (each) => !/^(personality\(1844674|(name_to_handle_at|process_vm_(read|write)v)\()/.test(each),
        ),
        [],
      );
    },
  );
}
