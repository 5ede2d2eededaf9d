import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { at, compileToml, pick, quiet } from "./fixture.ts";

const test = suite("compile/sys");

const sys = '[[mount]]\ntype = "sys"\n';

test("a network of its own has a sysfs of its own, read-only and masked", () => {
  const plan = compileToml(quiet + sys);
  const mounted = at(plan, "mount", "/sys");
  assert.equal([mounted?.fstype, mounted?.set], ["sysfs", ["ro", "nosuid", "nodev", "noexec"]]);
  assert.ok(at(plan, "hide", "/sys/firmware"));
  assert.ok(at(plan, "hide", "/sys/devices/virtual/powercap"));
});

test("with the host's network the host's sysfs is bound, read-only all the way down", () => {
  const plan = compileToml(`${quiet}network.mode = "host"\n${sys}`);
  assert.is(at(plan, "mount", "/sys"), undefined);
  const bind = at(plan, "bind", "/sys");
  assert.equal([bind?.source, bind?.flags, bind?.set[0]], ["/sys", ["recursive"], "ro"]);
});

test("where user namespaces may nest there are no masks", () => {
  assert.is(pick(compileToml(`${quiet}namespaces.nested = true\n${sys}`), "hide").length, 0);
});

test("a sysfs of its own comes last, for the network namespace's sake, unless something is to be put on it", () => {
  const place = (plan: ReturnType<typeof compileToml>, target: string) =>
    plan.findIndex((operation) => "target" in operation && operation.target === target);
  const last = compileToml(`${quiet}${sys}[[mount]]\ntype = "tmpfs"\ntarget = "/tmp"\n`);
  assert.ok(place(last, "/tmp") < place(last, "/sys"));
  assert.ok(place(last, "/sys") < place(last, "/sys/firmware"));
  const hidden = compileToml(`${quiet}files.hide = ["/sys/block"]\n${sys}`);
  assert.ok(place(hidden, "/sys") < place(hidden, "/sys/block"));
  const covered = compileToml(`${quiet}${sys}[[mount]]\ntype = "tmpfs"\ntarget = "/sys/fs"\n`);
  assert.ok(place(covered, "/sys") < place(covered, "/sys/fs"));
});
