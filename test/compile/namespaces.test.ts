import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, pick, quiet } from "./fixture.ts";

const test = suite("compile/namespaces");

const namespaces = (toml: string) => pick(compileToml(`${quiet}${toml}`), "clone")[0]?.namespaces;

test("everything is private by default", () => {
  assert.equal(namespaces(""), ["mount", "pid", "uts", "ipc", "cgroup", "time", "net"]);
});

for (const name of ["pid", "uts", "ipc", "cgroup", "time"] as const) {
  test(`${name} can be the host's`, () => {
    const shared = namespaces(`namespaces.${name} = "host"`);
    assert.not.ok(shared?.includes(name));
    assert.is(shared?.length, 6);
  });
}

test("the network follows network.mode, and only a network of its own has a loopback to bring up", () => {
  assert.not.ok(namespaces('network.mode = "host"')?.includes("net"));
  assert.is(pick(compileToml(`${quiet}network.mode = "host"`), "loopback").length, 0);
  assert.is(pick(compileToml(quiet), "loopback").length, 1);
});

test("clocks with an offset get their namespace later, from within", () => {
  const plan = compileToml(`${quiet}[namespaces]\ntime_offsets = { monotonic = "-1500ms", boottime = "2h" }`);
  assert.not.ok(pick(plan, "clone")[0]?.namespaces.includes("time"));
  assert.is(pick(plan, "time_offsets")[0]?.offsets, "monotonic -2 500000000\nboottime 7200 0\n");
});

test("names belong to a uts namespace of the jail's own", () => {
  const plan = compileToml(`hostname = "box"\ndomainname = "nis"\n${quiet}`);
  assert.equal([pick(plan, "hostname")[0]?.name, pick(plan, "domainname")[0]?.name], ["box", "nis"]);
  const shared = compileToml(`${quiet}namespaces.uts = "host"`);
  assert.is(pick(shared, "hostname").length, 0);
  const both = `hostname = "box"\n${quiet}namespaces.uts = "host"`;
  assert.throws(() => compileToml(both), /private uts namespace/);
});

test("user namespaces inside are off unless the profile nests", () => {
  const [sysctl] = pick(compileToml(quiet), "sysctl");
  assert.equal([sysctl?.name, sysctl?.value], ["user.max_user_namespaces", "0"]);
  assert.is(pick(compileToml(`${quiet}namespaces.nested = true`), "sysctl").length, 0);
});

test("without init the pid namespace has to be private", () => {
  const toml = '[process]\ntty = "never"\ninit = false\n';
  assert.throws(() => compileToml(`${toml}[namespaces]\npid = "host"`), /Without init/);
  assert.equal(pick(compileToml(toml), "supervise")[0]?.flags, ["die_with_parent"]);
});

test("without init the clocks can't be set", () => {
  const toml = '[process]\ntty = "never"\ninit = false\n[namespaces.time_offsets]\nboottime = "1h"';
  assert.throws(() => compileToml(toml), /Time offsets/);
});
