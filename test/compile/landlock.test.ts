import type { TsjailError } from "../../src/error.ts";
import { hostNeeds } from "../../src/host/needs.ts";
import { answer } from "../../src/seccomp/answer.ts";
import { auditArchitectures, decodeProgram } from "../../src/seccomp/bpf.ts";
import { answerErrno, encodeAction } from "../../src/seccomp/policy.ts";
import { findNumber } from "../../src/seccomp/syscalls.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, loadToml, pick, quiet } from "./fixture.ts";

const test = suite("compile/landlock");
const on = (abi: number) => ({ ...debian, landlock: abi });
const ruleset = (toml: string, abi = 7) => pick(compileToml(quiet + toml, on(abi)), "landlock")[0];
const host = 'network.mode = "host"\n';

function failure(toml: string, abi = 7): TsjailError {
  try {
    compileToml(quiet + toml, on(abi));
  } catch (error) {
    return error as TsjailError;
  }
  throw new Error("nothing was thrown");
}

test("auto masks the rights down to what the kernel has", () => {
  const expected: readonly (readonly [files: number, scopes: number])[] = [
    [0, 0], // none
    [0, 0], // without refer nothing could be moved to another directory
    [14, 0],
    [15, 0],
    [15, 0],
    [16, 0],
    [16, 2],
    [16, 2],
    [16, 2],
  ];
  for (const [abi, [files, scopes]] of expected.entries()) {
    const plan = compileToml(quiet, on(abi));
    const [found] = pick(plan, "landlock");
    assert.equal([found?.fs.length ?? 0, found?.scoped.length ?? 0], [files, scopes], `ABI ${abi}`);
    // What isn't handled can be given by no rule (EINVAL).
    const given = [
      ...pick(plan, "landlock_path").map(({ rights }) => rights),
      found?.readable,
      found?.writable,
    ];
    for (const rights of given) {
      for (const right of rights ?? []) assert.ok(found?.fs.includes(right), `ABI ${abi}: ${right}`);
    }
    assert.is(pick(plan, "landlock_path").length > 0, files > 0, `ABI ${abi}`);
  }
  assert.is(ruleset("", 2)?.fs.includes("truncate"), false);
  assert.is(ruleset("", 3)?.fs.includes("truncate"), true);
});

test("the rules come before the limits and the filter, the ruleset before them", () => {
  const names = compileToml(`${quiet}rlimits.nofile = 3`).map(({ op }) => op);
  const order = ["workdir", "landlock", "landlock_path", "rlimit", "seccomp"] as const;
  assert.equal(
    order.map((name) => names.indexOf(name)),
    order.map((name) => names.indexOf(name)).sort((a, b) => a - b),
  );
});

test("off has no rules, and does not ask the kernel", () => {
  assert.is(ruleset('security.landlock = "off"'), undefined);
  assert.is(hostNeeds(loadToml('security.landlock = "off"').profile).landlock, false);
  assert.is(hostNeeds(loadToml("").profile).landlock, true);
});

test("required names the least ABI, on a kernel that has less", () => {
  const required = 'security.landlock = "required"';
  assert.is(ruleset(required, 6)?.fs.length, 16);
  for (const abi of [0, 1, 4, 5]) {
    const { code, message, detail, origin } = failure(required, abi);
    assert.equal([code, origin?.key], ["host_unsupported", "security.landlock"]);
    assert.match(message, "ABI 6 (Linux 6.12)");
    assert.match(detail ?? "", abi === 0 ? "has none" : `has ABI ${abi}`);
  }
});

test("who may mount has no rules for files: auto leaves them out, required is refused with both keys", () => {
  for (const [toml, key] of [
    ["namespaces.nested = true\n", "namespaces.nested"],
    ['security.capabilities = ["sys_admin"]\n', "security.capabilities"],
  ] as const) {
    const plan = compileToml(quiet + toml);
    assert.equal(pick(plan, "landlock_path"), []);
    const [found] = pick(plan, "landlock");
    assert.equal([found?.fs, found?.readable, found?.scoped], [[], [], ["abstract_unix_socket", "signal"]]);
    const { code, detail } = failure(`${toml}security.landlock = "required"`);
    assert.is(code, "profile_conflict");
    assert.match(detail ?? "", "security.landlock in dev.toml");
    assert.match(detail ?? "", `${key} in dev.toml`);
  }
});

test("without no_new_privs there is none, and what needs it is refused", () => {
  const gaining = 'security.seccomp = "off"\nsecurity.no_new_privs = false\n';
  assert.is(ruleset(gaining), undefined);
  assert.throws(() => loadToml(`${gaining}security.landlock = "required"`), /needs security.no_new_privs/);
  assert.throws(() => loadToml(`${gaining}${host}network.bind = []`), /needs security.seccomp/);
  assert.is(ruleset(`${gaining}security.capabilities = ["sys_admin"]`)?.scoped.length, 2);
});

test("ports are restricted where they are named, and an empty list is none", () => {
  const ports = (toml: string) => {
    const plan = compileToml(quiet + host + toml);
    return [
      pick(plan, "landlock")[0]?.net,
      pick(plan, "landlock_port").map(({ port, rights }) => [port, rights]),
    ];
  };
  assert.equal(ports(""), [[], []]);
  assert.equal(ports("network.bind = []"), [["bind_tcp"], []]);
  assert.equal(ports("network.connect = [443, 80, 443]"), [
    ["connect_tcp"],
    [
      [80, ["connect_tcp"]],
      [443, ["connect_tcp"]],
    ],
  ]);
});

test("ports stop the start where the kernel can't restrict them", () => {
  for (const key of ["bind", "connect"]) {
    const toml = `${host}network.${key} = [80]\n`;
    assert.equal(ruleset(toml, 4)?.net, [`${key}_tcp`]);
    for (const abi of [0, 3]) {
      const { code, message, origin } = failure(toml, abi);
      assert.equal([code, origin?.key], ["host_unsupported", `network.${key}`]);
      assert.match(message, "ABI 4 (Linux 6.7)");
    }
    assert.throws(() => loadToml(`network.${key} = [80]`), /needs network.mode = "host"/);
    assert.throws(() => loadToml(`${toml}security.landlock = "off"`), /needs security.landlock/);
    assert.throws(() => loadToml(`${toml}security.seccomp = "off"`), /needs security.seccomp/);
  }
  assert.throws(() => loadToml(`${host}network.bind = [65536]`), /whole number from 0 to 65535/);
  assert.throws(() => loadToml(`${host}network.connect = [0]`), /whole number from 1 to 65535/);
});

test("with ports, the ways around them are closed by the filter of system calls", () => {
  const say = (toml: string, name: string, ...args: number[]) => {
    const [filter] = pick(compileToml(quiet + host + toml), "seccomp");
    const call = { arch: auditArchitectures.x64, nr: findNumber(name, "x64") ?? -1, args };
    return answer(decodeProgram(filter?.filter ?? new Uint8Array()), call);
  };
  const allowed = encodeAction({ type: "allow" });
  const calls: readonly (readonly [
    errno: "EPROTONOSUPPORT" | "EOPNOTSUPP",
    name: string,
    ...args: number[],
  ])[] = [
    ["EPROTONOSUPPORT", "socket", 2, 1, 262],
    ["EOPNOTSUPP", "sendto", 3, 0, 0, 0x2000_4000],
    ["EOPNOTSUPP", "sendmsg", 3, 0, 0x2000_0000],
    ["EOPNOTSUPP", "sendmmsg", 3, 0, 1, 0x2000_0000],
  ];
  for (const [errno, name, ...args] of calls) {
    assert.is(say("network.connect = [443]", name, ...args), encodeAction(answerErrno(errno)), name);
    assert.is(say("network.bind = []", name, ...args), encodeAction(answerErrno(errno)), name);
    assert.is(say("", name, ...args), allowed, name);
  }
  assert.equal(
    [say("network.connect = [443]", "socket", 2, 1, 6), say("network.bind = []", "sendto", 3)],
    [allowed, allowed],
  );
});
