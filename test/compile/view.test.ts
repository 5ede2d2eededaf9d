import { findCover, findHostPath, findHostPathBeneath, findParentCover } from "../../src/compile/view.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { debian, resolveToml } from "./fixture.ts";

const test = suite("compile/view");

const toml = `
[files]
tmpfs = ["/home/ann"]
write = ["/home/ann/project"]
[[mount]]
type = "bind"
source = "/data"
target = "/srv/x"
[[mount]]
type = "none"
target = "/opt"
`;
const { view } = resolveToml(toml, { ...debian, links: { "/data": "big/data" } })[1];

test("the nearest intent covers a path", () => {
  assert.is(findCover(view, "/home/ann/project/src")?.written, "/home/ann/project");
  assert.is(findCover(view, "/home/ann/other")?.written, "/home/ann");
  assert.is(findCover(view, "/home/bob"), undefined);
  assert.is(findParentCover(view, "/home/ann/project")?.written, "/home/ann");
});

test("a path of the jail shows a path of the host, or nothing of it", () => {
  assert.is(findHostPath(view, "/home/bob"), "/home/bob");
  assert.is(findHostPath(view, "/home/ann/project/src"), "/home/ann/project/src");
  assert.is(findHostPath(view, "/home/ann/other"), undefined);
  assert.is(findHostPath(view, "/srv/x/y"), "/big/data/y");
  assert.is(findHostPath(view, "/opt"), "/opt");
  assert.is(findHostPath(view, "/proc/1"), undefined);
});

test("beneath a mount lies what it covers", () => {
  assert.is(findHostPathBeneath(view, "/home/ann"), "/home/ann");
  assert.is(findHostPathBeneath(view, "/home/ann/project"), undefined);
});

test("an empty root shows nothing by itself", () => {
  const empty = resolveToml('root.type = "empty"\nfiles.read = ["/usr"]')[1].view;
  assert.is(findHostPath(empty, "/etc"), undefined);
  assert.is(findHostPath(empty, "/usr/bin"), "/usr/bin");
});
