// Paths that stay as they are. In: profiles and machines that exist in memory only. Out: read-only mounts where the jail
// could write, the way to them held, and nothing anywhere else. What the kernel makes of it: test/jail/protect.test.ts.
import type { Host } from "../../src/host/host.ts";
import type { Plan } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, pick, quiet } from "./fixture.ts";

const test = suite("compile/protect");
const project = "/home/ann/project";
const write = `[files]\nwrite = ["${project}"]\n`;
const protect = (...names: string[]) =>
  `protect = ${JSON.stringify(names.map((name) => `${project}/${name}`))}\n`;
const compile = (toml: string | string[], host: Host = debian): Plan =>
  compileToml(typeof toml === "string" ? quiet + toml : [quiet, ...toml], host);
const sealed = (plan: Plan) => pick(plan, "readonly").map(({ target }) => target);
const pinned = (plan: Plan) => pick(plan, "pin").map(({ target }) => target);

test("they are read-only, and every directory between the mount and them is held once", () => {
  const plan = compile(write + protect(".git/hooks", ".git/config", ".vscode"));
  assert.equal(
    sealed(plan),
    [".vscode", ".git/config", ".git/hooks"].map((name) => `${project}/${name}`),
  );
  assert.equal(pinned(plan), [`${project}/.git`]);
  assert.equal(pick(plan, "bind").find(({ target }) => target === project)?.set, ["nosuid", "nodev"]);
  // A recursive bind of the directory over itself brings what is read-only in it along; the other way round it would not.
  const names = plan.map(({ op }) => op);
  assert.ok(
    names.indexOf("pin") < names.indexOf("readonly") + 2 &&
      names.indexOf("readonly") < names.indexOf("pivot"),
  );
});

test("nothing is done where nothing is, and where nothing can be written", () => {
  const absent = { ...debian, kinds: { [`${project}/.git/hooks`]: "absent" } } as const;
  for (const plan of [
    compile(write + protect(".git/hooks"), absent),
    compile(`[files]\nread = ["${project}"]\n${protect(".git/hooks")}`),
    compile(`[files]\ntmpfs = ["${project}"]\n${protect(".git/hooks")}`),
    compile(`[files]\n${protect(".git/hooks")}`),
  ])
    assert.equal([sealed(plan), pinned(plan)], [[], []]);
  // The twin: what is beside the absent one.
  assert.equal(sealed(compile(write + protect(".git/hooks", ".git/config"), absent)), [
    `${project}/.git/config`,
  ]);
});

test("a later layer takes it out, by name or by a mount of its own", () => {
  const file = `${project}/.git/config`;
  const base = write + protect(".git/config");
  assert.equal(sealed(compile([base, `[[mount]]\ntype = "none"\ntarget = "${file}"\n`])), []);
  const own = compile([base, `[[mount]]\ntype = "bind"\nsource = "${file}"\nreadonly = false\n`]);
  assert.equal([sealed(own), pick(own, "bind").filter(({ target }) => target === file).length], [[], 1]);
});

test("where a link leads it is protected, and the link is held", () => {
  const links = { ...debian.links, [`${project}/.git/hooks`]: "../tools/hooks" };
  const plan = compile(write + protect(".git/hooks"), { ...debian, links });
  assert.equal(sealed(plan), [`${project}/tools/hooks`]);
  assert.equal(
    new Set(pinned(plan)),
    new Set(["tools", ".git", ".git/hooks"].map((name) => `${project}/${name}`)),
  );
});
