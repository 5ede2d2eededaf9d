import type { TsjailError } from "../../src/error.ts";
import type { FileFact } from "../../src/host/host.ts";
import { hostNeeds } from "../../src/host/needs.ts";
import { answer } from "../../src/seccomp/answer.ts";
import { auditArchitectures, decodeProgram, type Instruction } from "../../src/seccomp/bpf.ts";
import { keyCalls } from "../../src/seccomp/keys.ts";
import { answerErrno, encodeAction, type Policy } from "../../src/seccomp/policy.ts";
import { findNumber, type Machine } from "../../src/seccomp/syscalls.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, loadToml, noRun, pick, quiet } from "./fixture.ts";

const test = suite("compile/seccomp");
const eperm = encodeAction(answerErrno("EPERM"));
const allowed = encodeAction({ type: "allow" });

const filterOf = (toml: string, host = debian) => pick(compileToml(quiet + toml, host), "seccomp")[0];

function say(
  toml: string,
  name: string,
  args: number[] = [],
  host: { architecture: string } & typeof debian = debian,
): number {
  const machine = host.architecture as Machine;
  const program = decodeProgram(filterOf(toml, host)?.filter ?? new Uint8Array());
  return answer(program, { arch: auditArchitectures[machine], nr: findNumber(name, machine) ?? -1, args });
}

test("there is one by default, and none when it is off", () => {
  const filter = filterOf("");
  assert.is(filter?.origin, "security.seccomp in default");
  assert.equal([filter?.flags, filter?.notify_fd], [[], -1]);
  assert.is(filterOf('security.seccomp = "off"'), undefined);
  assert.equal([say("", "chmod"), say('security.seccomp = "strict"', "chmod")], [allowed, eperm]);
});

test("it is for the host's machine", () => {
  const arm = { ...debian, architecture: "arm64" };
  assert.is(say("", "mount", [], arm), eperm);
  assert.is(say("", "read", [], arm), allowed);
  assert.throws(
    () => filterOf("", { ...debian, architecture: "riscv64" }),
    /no filter of system calls for riscv64/,
  );
  assert.is(filterOf('security.seccomp = "off"', { ...debian, architecture: "riscv64" }), undefined);
});

test("capabilities and nested open what they are for", () => {
  const admin = 'security.capabilities = ["sys_admin"]';
  assert.equal([say("", "mount"), say(admin, "mount")], [eperm, allowed]);
  assert.equal([say(admin, "clone", [0x2000_0000]), say(admin, "clone", [0x1000_0000])], [allowed, eperm]);
  assert.equal(
    [say(admin, "unshare", [0x2000_0000]), say(admin, "unshare", [0x1000_0000])],
    [allowed, eperm],
  );
  assert.equal([say(admin, "keyctl"), say(admin, "bpf")], [eperm, eperm]);
  const nested = "namespaces.nested = true";
  assert.equal(
    [say(nested, "clone", [0x1000_0000]), say(nested, "clone3"), say(nested, "pivot_root")],
    [allowed, allowed, allowed],
  );
  assert.is(say(nested, "keyctl"), eperm);
});

test("single answers go before everything, in whichever order they are written", () => {
  const toml = 'security.syscalls = { mount = "allow", read = "ENOTSUP" }';
  assert.equal([say(toml, "mount"), say(toml, "read")], [allowed, encodeAction(answerErrno("ENOTSUP"))]);
  const other = 'security.syscalls = { read = "ENOTSUP", mount = "allow" }';
  assert.equal(filterOf(other)?.filter, filterOf(toml)?.filter);
});

test("the calls for keyrings are refused, and can't be let through", () => {
  for (const name of keyCalls) {
    for (const policy of ["default", "strict"])
      assert.is(say(`security.seccomp = "${policy}"`, name), eperm, `${policy} ${name}`);
    for (const word of ["allow", "log"]) {
      assert.throws(
        () => filterOf(`security.syscalls.${name} = "${word}"`),
        (error) => (error as TsjailError).origin?.key === `security.syscalls.${name}`,
      );
    }
    assert.is(say(`security.syscalls.${name} = "EACCES"`, name), encodeAction(answerErrno("EACCES")));
  }
  const mounts = 'security.capabilities = ["sys_admin"]\nnamespaces.nested = true';
  assert.equal([say(mounts, "keyctl"), say(mounts, "mount")], [eperm, allowed]);
});

test("what can't be is refused with the key", () => {
  const keyOf = (toml: string) => {
    let found: string | undefined;
    assert.throws(
      () => compileToml(quiet + toml),
      (error) => {
        found = (error as TsjailError).origin?.key;
        return true;
      },
    );
    return found;
  };
  assert.is(keyOf('security.syscalls.execve = "kill"'), "security.syscalls.execve");
  assert.is(keyOf('security.seccomp = "/no/such.json"'), "security.seccomp");
  assert.throws(
    () => loadToml('security.syscalls.opne = "deny"'),
    /is no system call: "opne"; did you mean "open"/,
  );
  assert.throws(() => loadToml('security.syscalls.open = "dney"'), /did you mean "deny"/);
  assert.throws(
    () => loadToml('security = { seccomp = "off", syscalls = { open = "deny" } }'),
    /needs security.seccomp/,
  );
  assert.throws(() => loadToml("security = { no_new_privs = false }"), /needs security.seccomp = "off"/);
});

const path = "/etc/calls.json";
const toml = `security.seccomp = "${path}"`;
const withFile = (value: unknown): typeof debian => {
  const fact: FileFact = { kind: "content", content: JSON.stringify(value) };
  return { ...debian, files: { ...debian.files, [path]: fact } };
};

test("a file is read by the host, and made by whoever can", () => {
  assert.ok(hostNeeds(loadToml(toml).profile).files.includes(path));
  const given: Policy[] = [];
  const letAll: Instruction[] = [{ code: 6, jt: 0, jf: 0, k: allowed }];
  const run = {
    ...noRun,
    buildProgram: (policy: Policy) => {
      given.push(policy);
      return { program: letAll, more: [], left: [] };
    },
  };
  const rules = [{ names: ["mount", "open"], action: "SCMP_ACT_ERRNO" }];
  const host = withFile({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: rules,
    flags: ["SECCOMP_FILTER_FLAG_LOG"],
  });
  const plan = compileToml(`${quiet}${toml}\nsecurity.syscalls.mount = "kill"`, host, run);
  assert.equal(pick(plan, "seccomp")[0]?.flags, ["log"]);
  assert.equal(given[0]?.rules, [
    { names: ["open"], action: answerErrno("EPERM"), comparisons: [] },
    { names: ["mount"], action: { type: "kill_process" }, comparisons: [] },
  ]);
  const asking = withFile({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mknod"], action: "SCMP_ACT_NOTIFY" }],
  });
  assert.throws(() => compileToml(quiet + toml, asking, run), /asks a supervisor.*there is none/);
  const notified = pick(compileToml(quiet + toml, asking, { ...run, notifyFd: 9 }), "seccomp")[0];
  assert.equal([notified?.flags, notified?.notify_fd], [["notify"], 9]);
});

test("a file that lets the calls for keyrings through does not, for any ABI", () => {
  const letAll: Instruction[] = [{ code: 6, jt: 0, jf: 0, k: allowed }];
  const run = { ...noRun, buildProgram: () => ({ program: letAll, more: [], left: [] }) };
  const programOf = (file: object) => {
    const plan = compileToml(quiet + toml, withFile(file), run);
    return decodeProgram(pick(plan, "seccomp")[0]?.filter ?? new Uint8Array());
  };
  const open = programOf({ defaultAction: "SCMP_ACT_ALLOW" });
  const enosys = encodeAction(answerErrno("ENOSYS"));
  const numbers: readonly (readonly [arch: number, first: number])[] = [
    [0xc000_003e, 248], // x86-64
    [0xc000_003e, 248 + 0x4000_0000], // x32
    [0x4000_0003, 286], // i386
  ];
  for (const [arch, first] of numbers) {
    for (const nr of [first, first + 1, first + 2])
      assert.is(answer(open, { arch, nr }), enosys, `${arch} ${nr}`);
    for (const nr of [first - 1, first + 3]) assert.is(answer(open, { arch, nr }), allowed, `${arch} ${nr}`);
  }
  // What refuses them itself stays as it is.
  const rules = [{ names: [...keyCalls], action: "SCMP_ACT_ERRNO" }];
  assert.is(programOf({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }).length, letAll.length);
});
