import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { followLinks, LinkFinder } from "../../src/host/links.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("host/links");

const walk = (path: string, links: Record<string, string>) => followLinks(path, (place) => links[place]);

test("a path without links stays what it is", () => {
  assert.is(walk("/usr/bin/env", {}), "/usr/bin/env");
  assert.is(walk("/", {}), "/");
});

test("relative, absolute and chained links are followed", () => {
  assert.is(walk("/bin/sh", { "/bin": "usr/bin" }), "/usr/bin/sh");
  assert.is(
    walk("/etc/resolv.conf", { "/etc/resolv.conf": "../run/systemd/resolve/stub-resolv.conf" }),
    "/run/systemd/resolve/stub-resolv.conf",
  );
  assert.is(walk("/a/x", { "/a": "/b", "/b": "c/d" }), "/c/d/x");
});

test("dots never lead above the root", () => {
  assert.is(walk("/a/x", { "/a": "../../../etc" }), "/etc/x");
  assert.is(walk("/../../etc", {}), "/etc");
});

test("a loop of links ends", () => {
  assert.is(walk("/a", { "/a": "b", "/b": "a" }), undefined);
  const chain = (length: number) =>
    Object.fromEntries(Array.from({ length }, (_, index) => [`/${index}`, `/${index + 1}`]));
  assert.is(walk("/0", chain(40)), "/40");
  assert.is(walk("/0", chain(41)), undefined);
});

test("the last component is told apart", () => {
  const seen: [string, boolean][] = [];
  followLinks("/a/b", (place, last) => {
    seen.push([place, last]);
    return undefined;
  });
  assert.equal(seen, [
    ["/a", false],
    ["/a/b", true],
  ]);
});

test("links of a directory are found, and followed inside it only", ({ cleanup }) => {
  const root = mkdtempSync(join(tmpdir(), "links-"));
  cleanup(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  symlinkSync("usr/bin", join(root, "bin"));
  symlinkSync("/etc/secret", join(root, "escape"));
  writeFileSync(join(root, "file"), "");
  const finder = new LinkFinder();
  assert.is(finder.resolve({ root, path: "/bin/sh" }), join(root, "usr/bin/sh"));
  assert.is(finder.resolve({ root, path: "/escape" }), join(root, "etc/secret"));
  assert.is(finder.resolve({ root, path: "/file/below" }), join(root, "file/below"));
  assert.equal(finder.links, { [join(root, "bin")]: "usr/bin", [join(root, "escape")]: "/etc/secret" });
  assert.is(finder.probe(join(root, "file")), "file");
  assert.is(finder.probe(join(root, "usr")), "directory");
  assert.is(finder.probe(join(root, "nothing")), "absent");
});
