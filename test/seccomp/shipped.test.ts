import { buildShipped, digestPolicies } from "../../src/build/prebuild.ts";
import { answer } from "../../src/seccomp/answer.ts";
import { type Instruction, maxInstructions, x32Bit } from "../../src/seccomp/bpf.ts";
import { allowed, hidden, refused } from "../../src/seccomp/default.ts";
import { shippedPolicies } from "../../src/seccomp/policies.ts";
import { type Action, allow, answerErrno, encodeAction } from "../../src/seccomp/policy.ts";
import { prebuilt } from "../../src/seccomp/prebuilt.ts";
import { readShipped, type ShippedName } from "../../src/seccomp/shipped.ts";
import { strictlyAllowed } from "../../src/seccomp/strict.ts";
import { findNumber, type Machine, machines, readCalls } from "../../src/seccomp/syscalls.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { needsLibseccomp } from "./libseccomp.ts";
import { archOf, judge, nameCall, numbers, telling } from "./reference.ts";

const test = suite("seccomp/shipped");
const policyNames = Object.keys(shippedPolicies) as ShippedName[];

/** Where a program and its policy, or two programs, differ. */
function compare(
  machine: Machine,
  program: readonly Instruction[],
  says: (nr: number, args: bigint[]) => number[],
) {
  const differences: string[] = [];
  for (const nr of numbers) {
    for (const args of [[], ...telling]) {
      const found = answer(program, { arch: archOf(machine), nr, args });
      if (says(nr, [...args]).includes(found)) continue;
      differences.push(`${nameCall(machine, nr) ?? nr}(${args}): ${found.toString(16)}`);
    }
  }
  return differences;
}

test("every system call is in one group of the default policy, and in one only", () => {
  const named = [allowed, refused, hidden].flatMap((groups) =>
    Object.values<readonly string[]>(groups).flat(),
  );
  assert.equal(
    named.filter((name, index) => named.indexOf(name) !== index),
    [],
  );
  assert.equal([...named].sort(), [...readCalls().keys()].sort());
});

test("what strict allows default allows", () => {
  const more = Object.values(strictlyAllowed).flat();
  const all = Object.values(allowed).flat();
  assert.equal(
    more.filter((name) => !all.includes(name)),
    [],
  );
  assert.ok(more.length < all.length);
});

test("the shipped programs are made of the present policies", () => {
  assert.is(prebuilt.digest, digestPolicies(), "run: npm run generate");
});

for (const name of policyNames) {
  for (const machine of machines) {
    test(`the program of ${name} for ${machine} says what the policy says, to every call`, () => {
      const program = readShipped(name, machine, []);
      assert.ok(program.length < maxInstructions);
      const policy = shippedPolicies[name];
      assert.equal(
        compare(machine, program, (nr, args) => [...judge(policy, { machine, nr, args })]),
        [],
      );
    });

    test.needs(needsLibseccomp)(`libseccomp makes the same of ${name} for ${machine}`, () => {
      const shipped = readShipped(name, machine, []);
      const fresh = buildShipped(shippedPolicies[name], machine);
      const says = (nr: number, args: bigint[]) => [answer(fresh, { arch: archOf(machine), nr, args })];
      assert.equal(compare(machine, shipped, says), []);
    });
  }

  test(`${name} kills whoever calls by another ABI`, () => {
    const kill = encodeAction({ type: "kill_process" });
    const program = readShipped(name, "x64", []);
    const [i386, arm] = [0x4000_0003, 0x4000_0028];
    for (const nr of [0, 1, 20, 39, 120, 11]) {
      assert.is(answer(program, { arch: i386, nr }), kill);
      assert.is(answer(program, { arch: archOf("x64"), nr: nr + x32Bit }), kill);
      assert.is(answer(readShipped(name, "arm64", []), { arch: arm, nr }), kill);
    }
    assert.is(answer(program, { arch: archOf("x64"), nr: 39 }), encodeAction({ type: "allow" }));
    assert.is(
      answer(readShipped(name, "arm64", []), { arch: archOf("arm64"), nr: 172 }),
      encodeAction({ type: "allow" }),
    );
  });
}

/** What `default` says to a call by name. */
function ask(name: string, args: (number | bigint)[] = [], machine: Machine = "x64"): string {
  const nr = findNumber(name, machine);
  if (nr === undefined) throw new Error(`no ${name} on ${machine}`);
  const result = answer(readShipped("default", machine, []), { arch: archOf(machine), nr, args });
  const actions: readonly (readonly [string, Action])[] = [
    ["allow", { type: "allow" }],
    ...(["EPERM", "ENOSYS", "EAFNOSUPPORT"] as const).map((errno) => [errno, answerErrno(errno)] as const),
  ];
  return actions.find(([, action]) => encodeAction(action) === result)?.[0] ?? result.toString(16);
}

test("no flag of clone makes a namespace, each beside its twin", () => {
  for (const machine of machines) {
    assert.is(ask("clone", [17], machine), "allow");
    assert.is(ask("clone", [0x3d0f00], machine), "allow", "a thread");
    for (const bit of [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000]) {
      assert.is(ask("clone", [bit | 17], machine), "EPERM", bit.toString(16));
    }
    // The kernel looks at the low 32 bits (lower_32_bits in fork.c).
    assert.is(ask("clone", [0x1_1000_0011n], machine), "EPERM");
    assert.is(ask("clone", [0x1_0000_0011n], machine), "allow");
    assert.is(ask("clone3", [], machine), "ENOSYS");
    assert.is(ask("unshare", [0x1000_0000], machine), "EPERM");
    assert.is(ask("setns", [], machine), "EPERM");
  }
});

test("typing on a terminal is refused whatever the bits above say", () => {
  for (const number of [0x5412, 0x541c]) {
    for (const above of [0n, 1n, 0xffff_ffffn, 0x8000_0000n])
      assert.is(ask("ioctl", [0, (above << 32n) | BigInt(number)]), "EPERM");
  }
  for (const number of [0x5413, 0x5411, 0x541d, 0x5401, 0x89_1b])
    assert.is(ask("ioctl", [0, number]), "allow");
});

test("sockets are of four families, by the low 32 bits", () => {
  for (const name of ["socket", "socketpair"]) {
    for (const family of [1, 2, 10, 16]) assert.is(ask(name, [family]), "allow", String(family));
    // AF_ALG 38, AF_VSOCK 40, AF_PACKET 17, AF_BLUETOOTH 31, AF_CAN 29, AF_XDP 44, AF_TIPC 30, AF_RDS 21
    for (const family of [0, 3, 17, 21, 29, 30, 31, 38, 40, 44, 0xffff])
      assert.is(ask(name, [family]), "EAFNOSUPPORT", String(family));
    assert.is(ask(name, [0x1_0000_0028n]), "EAFNOSUPPORT");
  }
});

test("a number without a call is answered ENOSYS, a call that is refused EPERM", () => {
  for (const machine of machines) {
    const program = readShipped("default", machine, []);
    const say = (nr: number) => answer(program, { arch: archOf(machine), nr });
    for (const nr of [400, 472, 500, 1023, 100_000]) assert.is(say(nr), encodeAction(answerErrno("ENOSYS")));
    for (const name of ["bpf", "keyctl", "add_key", "request_key", "perf_event_open", "userfaultfd", "mount"])
      assert.is(ask(name, [], machine), "EPERM", name);
    for (const name of [
      "io_uring_setup",
      "io_uring_enter",
      "io_uring_register",
      "open_by_handle_at",
      "kexec_load",
    ])
      assert.is(ask(name, [], machine), "EPERM", name);
    for (const name of [
      "ptrace",
      "process_vm_readv",
      "seccomp",
      "landlock_restrict_self",
      "futex_wait",
      "mseal",
    ])
      assert.is(ask(name, [], machine), "allow", name);
  }
});

test("nothing goes through that Docker's documentation says its own refuses", () => {
  // "Significant syscalls blocked by the default profile", but for those that newer kernels have made harmless.
  const blocked =
    `acct add_key bpf clock_settime create_module delete_module finit_module get_kernel_syms get_mempolicy
    init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind mount move_pages nfsservctl
    open_by_handle_at perf_event_open pivot_root query_module quotactl reboot request_key set_mempolicy setns
    settimeofday swapon swapoff sysfs _sysctl umount2 unshare uselib userfaultfd ustat`.split(/\s+/);
  assert.equal(
    blocked.filter((name) => !["EPERM", "ENOSYS"].includes(ask(name))),
    [],
  );
  for (const name of ["adjtimex", "chown", "umask", "uname"]) assert.is(ask(name), "allow", name);
});

test("personality is one of five", () => {
  for (const persona of [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff])
    assert.is(ask("personality", [persona]), "allow");
  // ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC
  for (const persona of [0x4_0000, 0x40_0000, 1]) assert.is(ask("personality", [persona]), "EPERM");
});

test("an exception is asked before the policy", () => {
  const call = { arch: archOf("x64"), nr: findNumber("bpf", "x64") ?? -1 };
  const exceptions = [{ names: ["bpf"], action: allow }];
  assert.is(answer(readShipped("default", "x64", []), call), encodeAction(answerErrno("EPERM")));
  assert.is(answer(readShipped("default", "x64", exceptions), call), encodeAction(allow));
});
