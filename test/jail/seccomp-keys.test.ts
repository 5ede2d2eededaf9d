// The calls for keyrings, refused whatever the profile says of system calls, and by one filter: a second one costs time
// at every start and every call. In: profiles' security.seccomp. keyring.test.ts has what is reached without that.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { needsLibseccomp } from "../seccomp/libseccomp.ts";
import * as assert from "../support/assert.ts";
import { callInJail, callOutside } from "../support/calls.ts";
import { hostTree, jail, makeDirectory, removeDirectory, sh, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: seccomp and keys");
const calls = ["keyctl", "add_key", "request_key"] as const;
const security = (text: string) => `[security]\n${text}\n`;
const works = () => (callOutside(["keyctl"]).keyctl === "ok" ? undefined : "keyctl(2) is refused here");
const hasOtherPrograms = () =>
  callOutside(["i386"]).i386 === "ok" ? undefined : "the kernel runs no programs of 32 bits";
const readFilters = sh("sed -n 's/^Seccomp_filters:\\s*//p' /proc/self/status");

/** What they are answered, and the number of filters. */
async function look(toml: string) {
  const answers = Object.values(await callInJail(toml, calls));
  const outside = Number(/\d+/.exec(await shout({ toml: hostTree + toml, command: readFilters }))?.[0]);
  return [...new Set(answers), outside];
}

test.needs(works)("outside of a jail they work", () => {
  assert.equal(Object.values(callOutside(["keyctl", "add_key"])), ["ok", "ok"]);
});

test("every shipped policy refuses them, and so does the executor where there is none", async () => {
  assert.equal(await look(""), ["EPERM", 1]);
  assert.equal(await look(security('seccomp = "strict"')), ["EPERM", 1]);
  assert.equal(await look(security('seccomp = "off"')), ["ENOSYS", 1]);
  assert.equal(await look("[namespaces]\nnested = true\n"), ["EPERM", 1]);
});

test.needs(needsLibseccomp)("a file that lets them through does so for all but them", async ({ cleanup }) => {
  const directory = makeDirectory("seccomp-keys");
  cleanup(() => removeDirectory(directory));
  const path = join(directory, "calls.json");
  const toml = security(`seccomp = "${path}"`);
  const write = (...rules: object[]) =>
    writeFileSync(path, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }));
  write({ names: ["uname"], action: "SCMP_ACT_ERRNO" });
  assert.equal(await look(toml), ["ENOSYS", 1]);
  assert.equal(await callInJail(toml, ["uname", "personality:0x40000"]), {
    ...{ uname: "EPERM", "personality:0x40000": "ok" },
  });
  // What it says itself stays.
  write({ names: [...calls], action: "SCMP_ACT_ERRNO", errnoRet: 13 });
  assert.equal(await look(toml), ["EACCES", 1]);
});

test.needs(
  "x64",
  needsLibseccomp,
  hasOtherPrograms,
)("programs of 32 bits are refused them too, where a file lets such in", async ({ cleanup }) => {
  const directory = makeDirectory("seccomp-keys");
  cleanup(() => removeDirectory(directory));
  const path = join(directory, "calls.json");
  const architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"];
  writeFileSync(path, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", architectures }));
  for (const toml of [security(`seccomp = "${path}"`), security('seccomp = "off"')]) {
    const answers = await callInJail(toml, ["i386:286", "i386:287", "i386:288", "i386"]);
    assert.equal(Object.values(answers), ["ENOSYS", "ENOSYS", "ENOSYS", "ok"]);
  }
});

test("a profile can't let them through, and can say how they are refused", async () => {
  const allowing = security('syscalls = { keyctl = "allow" }');
  const { status, stderr } = await jail({ toml: hostTree + allowing, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, /keyctl\(2\) can't be let through.*\n.*security\.syscalls\.keyctl/);
  const answers = await callInJail(security('syscalls = { keyctl = "EACCES", bpf = "allow" }'), [
    "keyctl",
    "bpf",
  ]);
  assert.equal(answers, { keyctl: "EACCES", bpf: "EINVAL" });
});
