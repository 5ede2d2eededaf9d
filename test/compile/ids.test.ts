import { findIds, isMapped, mapsHostRoot } from "../../src/compile/ids.ts";
import type { TsjailError } from "../../src/error.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, hosts, makeRequest, pick, quiet } from "./fixture.ts";

const test = suite("compile/ids");

const maps = (toml: string, host = debian) => {
  const plan = compileToml(`${quiet}${toml}`, host);
  return [pick(plan, "uid_map")[0]?.map, pick(plan, "gid_map")[0]?.map, pick(plan, "setgroups")[0]?.policy];
};
const range = "[user]\nmap = [{ inside = 0, outside = 100000, count = 65536 }]\n";

test("by default the caller keeps its ids", () => {
  assert.equal(maps(""), ["1000 1000 1\n", "1000 1000 1\n", "deny"]);
});

test("the caller can be root inside, or any number", () => {
  assert.equal(maps('user = { uid = "root", gid = "root" }'), ["0 1000 1\n", "0 1000 1\n", "deny"]);
  assert.equal(maps("user = { uid = 33, gid = 34 }"), ["33 1000 1\n", "34 1000 1\n", "deny"]);
});

test("only one id needs no switch inside", () => {
  assert.equal(pick(compileToml(`${quiet}user.uid = "root"`), "ids"), []);
});

test("a range is refused to an ordinary user, with what helps", () => {
  assert.throws(
    () => maps(`${range}uid = "root"\ngid = "root"`),
    (error) => {
      const { code, detail, hint } = error as TsjailError;
      assert.is(code, "host_unsupported");
      assert.match(detail ?? "", /user_namespaces\(7\).*CAP_SETUID/);
      assert.match(hint ?? "", /user\.uid = "root"/);
      return true;
    },
  );
});

test("a range is for root, who then switches to the ids of the command", () => {
  assert.equal(maps(`${range}`, hosts.root), ["0 100000 65536\n", "0 100000 65536\n", "allow"]);
  const plan = compileToml(`${quiet}${range}uid = 1000\ngid = 1001`, hosts.root);
  const [ids] = pick(plan, "ids");
  assert.equal([ids?.uid, ids?.gid, ids?.groups], [1000, 1001, "clear"]);
  assert.equal(pick(plan, "root_tmpfs")[0]?.options, ["mode=0755", "uid=1000", "gid=1001"]);
});

test("a map of the own id alone is nobody's privilege", () => {
  assert.equal(maps("[user]\nuid = 0\ngid = 0\nmap = [{ inside = 0, outside = 1000, count = 1 }]"), [
    "0 1000 1\n",
    "0 1000 1\n",
    "deny",
  ]);
});

test("uids and gids can be mapped apart", () => {
  const map = '[user]\nmap = [{ kind = "uid", inside = 0, outside = 0, count = 10 }]\n';
  assert.equal(maps(map, hosts.root), ["0 0 10\n", "0 0 1\n", "allow"]);
});

test("an id that the map lacks is an error", () => {
  assert.throws(
    () => maps(`${range}uid = 70000`, hosts.root),
    /user\.uid is 70000 inside, and user\.map has no such/,
  );
  assert.throws(() => maps(`${range}gid = 70000`, hosts.root), /user\.gid is 70000/);
});

test("overlapping ranges are an error, adjoining ones are not", () => {
  const two = (second: number) =>
    `[user]\nmap = [{ inside = 0, outside = 100, count = 10 }, { inside = ${second}, outside = 200, count = 10 }]`;
  assert.throws(() => maps(two(9), hosts.root), /Two ranges of user\.map map the same uid/);
  assert.is(maps(two(10), hosts.root)[0], "0 100 10\n10 200 10\n");
});

test("it is known which ids exist inside, and whether the host's root is among them", () => {
  const ids = findIds(makeRequest(range, hosts.root));
  assert.ok(isMapped(ids.ranges.uid, 65535));
  assert.not.ok(isMapped(ids.ranges.uid, 65536));
  assert.not.ok(mapsHostRoot(ids));
  assert.ok(mapsHostRoot(findIds(makeRequest("", hosts.root))));
  assert.not.ok(mapsHostRoot(findIds(makeRequest('user.uid = "root"'))));
});
