// The filter of root emulation: which calls are answered with success, which are asked about, which are left alone.
import { answer } from "../../src/seccomp/answer.ts";
import { auditArchitectures } from "../../src/seccomp/bpf.ts";
import { attributeCalls, type Emulated, idCalls, makeEmulation } from "../../src/seccomp/emulate.ts";
import { encodeAction } from "../../src/seccomp/policy.ts";
import { findNumber, machines } from "../../src/seccomp/syscalls.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("seccomp/emulate");
const words: Readonly<Record<number, string>> = {
  [encodeAction({ type: "allow" })]: "left alone",
  [encodeAction({ type: "errno", value: 0 })]: "success",
  [encodeAction({ type: "notify" })]: "asked",
};
const root: Emulated = { uid: 0, gid: 0, withCapabilities: false, withAttributes: false };

for (const machine of machines) {
  const say = (name: string, args: readonly number[] = [], emulated: Partial<Emulated> = {}) => {
    const nr = findNumber(name, machine);
    if (nr === undefined) return "not there";
    const call = { arch: auditArchitectures[machine], nr, args };
    return words[answer(makeEmulation({ ...root, ...emulated }, machine), call)];
  };
  /** A name that arm64 lacks says nothing there. */
  const check = (
    expected: string,
    name: string,
    args: readonly number[] = [],
    more: Partial<Emulated> = {},
  ) => {
    const said = say(name, args, more);
    if (said !== "not there") assert.is(said, expected, `${name} ${args}`);
  };

  test(`${machine}: a file is given to somebody else with success, to oneself by the kernel`, () => {
    for (const name of ["chown", "lchown", "fchown"]) {
      for (const [uid, gid] of [
        [5, 0],
        [0, 5],
        [5, 5],
        [-1, 5],
        [5, -1],
        [65534, 65534],
      ] as const)
        check("success", name, [7, uid, gid]);
      for (const [uid, gid] of [
        [0, 0],
        [-1, -1],
        [0, -1],
        [-1, 0],
      ] as const)
        check("left alone", name, [7, uid, gid]);
    }
    assert.is(say("fchownat", [3, 7, 5, 0]), "success");
    assert.is(say("fchownat", [3, 7, 0, 0]), "left alone");
    assert.is(say("fchownat", [3, 5, 0, 5], { gid: 5 }), "left alone");
  });

  test(`${machine}: devices are asked about; fifos, sockets, files and whiteouts by the kernel`, () => {
    const made = (mode: number, device: number) => {
      check(mode === 0o20000 && device === 0 ? "left alone" : "asked", "mknod", [7, mode | 0o644, device]);
      return say("mknodat", [3, 7, mode | 0o644, device]);
    };
    assert.equal([made(0o20000, 0x103), made(0o60000, 0x700), made(0o60000, 0)], Array(3).fill("asked"));
    assert.is(made(0o20000, 0), "left alone");
    for (const mode of [0o10000, 0o140000, 0o100000, 0])
      assert.is(say("mknodat", [3, 7, mode | 0o600, 0x103]), "left alone", mode.toString(8));
  });

  test(`${machine}: credentials and attributes are asked about, and nothing else of their kind`, () => {
    for (const name of [...idCalls, ...attributeCalls]) check("asked", name);
    for (const name of ["getxattr", "getpid", "openat", "kill", "capget", "fchmod", "clone", "execve"])
      check("left alone", name);
    assert.is(say("fsetxattr", [], { withAttributes: true }), "left alone");
  });

  test(`${machine}: what is laid down is not there, unless the profile gives capabilities`, () => {
    const given = { withCapabilities: true };
    assert.equal([say("capset"), say("capset", [], given)], ["success", "left alone"]);
    for (const args of [
      [24, 7],
      [28, 1],
      [47, 2, 7],
    ]) {
      assert.is(say("prctl", args), "success", String(args));
      assert.is(say("prctl", args, given), "left alone", String(args));
    }
    // PR_SET_NAME, PR_CAPBSET_READ, PR_CAP_AMBIENT_CLEAR_ALL
    for (const args of [[15], [23, 7], [47, 4]]) assert.is(say("prctl", args), "left alone", String(args));
    assert.equal([say("prctl", [8, 1]), say("prctl", [8, 1], given)], ["asked", "asked"]);
  });

  test(`${machine}: the limit that remembers can be read, and only seems to be set`, () => {
    assert.equal([say("setrlimit", [10, 9]), say("setrlimit", [7, 9])], ["success", "left alone"]);
    assert.equal(
      [say("prlimit64", [0, 10, 9, 0]), say("prlimit64", [0, 7, 9, 0])],
      ["success", "left alone"],
    );
    assert.is(say("prlimit64", [0, 10, 0, 9]), "left alone");
  });

  test(`${machine}: other ABIs are left to the policy`, () => {
    const program = makeEmulation(root, machine);
    const nr = findNumber("setuid", machine) ?? -1;
    assert.is(words[answer(program, { arch: 0x4000_0003, nr })], "left alone");
    assert.is(
      words[answer(program, { arch: auditArchitectures[machine], nr: nr | 0x4000_0000 })],
      "left alone",
    );
  });
}
