import { answer } from "../../src/seccomp/answer.ts";
import { auditArchitectures, decodeProgram } from "../../src/seccomp/bpf.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, noRun, pick, quiet } from "./fixture.ts";

const test = suite("compile/emulate");
const asRoot = '[user]\nuid = "root"\n';
const emulated = `${asRoot}emulate = true\n`;
const capabilitiesOf = (toml: string) => pick(compileToml(quiet + toml), "capabilities")[0]?.keep;

test("there is a filter for it only where it is asked for, ahead of the command's own, which is the same", () => {
  const plan = compileToml(quiet + emulated);
  const names = plan.map(({ op }) => op);
  assert.is(names.indexOf("seccomp"), names.indexOf("emulate") + 1);
  const [operation] = pick(plan, "emulate");
  assert.equal([operation?.uid, operation?.gid], [0, debian.gid]);
  assert.is(operation?.origin, "user.emulate in dev.toml:4");
  const without = compileToml(quiet + asRoot);
  assert.equal(pick(without, "emulate"), []);
  assert.equal(pick(plan, "seccomp"), pick(without, "seccomp"));
});

test("the ids that the kernel can give a file to are those that are mapped", () => {
  const say = (toml: string, gid: number) => {
    const filter = pick(compileToml(quiet + toml), "emulate")[0]?.filter ?? new Uint8Array();
    return answer(decodeProgram(filter), { arch: auditArchitectures.x64, nr: 92, args: [7, 0, gid] });
  };
  assert.is(say(emulated, debian.gid), 0x7fff_0000);
  assert.is(say(emulated, 0), 0x0005_0000);
  assert.is(say(`${emulated}gid = "root"\n`, 0), 0x7fff_0000);
});

test("root writes to what has no w, beside what the profile lets it", () => {
  assert.equal([capabilitiesOf(asRoot), capabilitiesOf(emulated)], [0n, 2n]);
  assert.is(capabilitiesOf(`${emulated}[security]\ncapabilities = ["net_bind_service"]\n`), 0x402n);
});

test("it works with every filter, and without one", () => {
  for (const seccomp of ["default", "strict", "off"]) {
    const plan = compileToml(`${quiet}${emulated}[security]\nseccomp = "${seccomp}"\n`);
    assert.is(pick(plan, "emulate").length, 1, seccomp);
    assert.is(pick(plan, "seccomp").length, seccomp === "off" ? 0 : 1, seccomp);
  }
});

for (const [what, toml, message] of [
  [
    "another user than root",
    "[user]\nemulate = true\n",
    "Root is to be emulated, and the jail's user is 1000.",
  ],
  ["no_new_privs = false", `${emulated}[security]\nno_new_privs = false\nseccomp = "off"\n`, "no_new_privs"],
  ["a limit on locks", `${emulated}[rlimits]\nlocks = 5\n`, "rlimits.locks"],
] as const) {
  test(`it does not go with ${what}`, () => {
    assert.throws(() => compileToml(quiet + toml), new RegExp(message));
    assert.is(pick(compileToml(quiet + emulated), "emulate").length, 1);
  });
}

test("it does not go with ids that are real, nor with another supervisor", () => {
  const map = "map = [{ inside = 0, outside = 100000, count = 65536 }]\n";
  const root = { ...debian, uid: 0, gid: 0, user: "root", home: "/root", cwd: "/", privileged: true };
  assert.throws(() => compileToml(quiet + emulated + map, root), /user\.map maps ids that are real/);
  assert.is(pick(compileToml(quiet + asRoot + map, root), "emulate").length, 0);
  const content = JSON.stringify({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mknod"], action: "SCMP_ACT_NOTIFY" }],
  });
  const host = {
    ...debian,
    files: { ...debian.files, "/rules.json": { kind: "content", content } as const },
  };
  const letAll = [{ code: 6, jt: 0, jf: 0, k: 0x7fff_0000 }];
  const run = { ...noRun, notifyFd: 9, buildProgram: () => ({ program: letAll, more: [], left: [] }) };
  const rules = '[security]\nseccomp = "/rules.json"\n';
  assert.throws(() => compileToml(quiet + emulated + rules, host, run), /has a supervisor already/);
  assert.is(pick(compileToml(quiet + asRoot + rules, host, run), "seccomp")[0]?.notify_fd, 9);
});
