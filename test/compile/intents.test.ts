import type { TsjailError } from "../../src/error.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { at, compileToml, debian, hosts, pick, quiet, resolveToml } from "./fixture.ts";

const test = suite("compile/intents");

const standing = (toml: string | string[], host = debian) =>
  resolveToml(toml, host)[1]
    .intents.filter(({ content }) => content.kind !== "generated")
    .map(({ path, content }) => `${content.kind} ${path}`);

const mount = (type: string, rest: string) => `[[mount]]\ntype = "${type}"\n${rest}\n`;

/** Each contradicts the first one at the same path. */
const rivals = {
  "files.write": 'files.write = ["/x"]',
  "files.hide": 'files.hide = ["/x"]',
  "files.tmpfs": 'files.tmpfs = ["/x"]',
  "another bind": mount("bind", 'source = "/y"\ntarget = "/x"'),
  "an optional bind": mount("bind", 'source = "/x"\noptional = true'),
  "a tmpfs": mount("tmpfs", 'target = "/x"'),
  "a file": mount("file", 'target = "/x"\ncontent = ""'),
  "a symlink": mount("symlink", 'target = "/x"\nsource = "y"'),
  proc: mount("proc", 'target = "/x"'),
  dev: mount("dev", 'target = "/x"'),
  sys: mount("sys", 'target = "/x"'),
  mqueue: mount("mqueue", 'target = "/x"'),
  hide: mount("hide", 'target = "/x"'),
  none: mount("none", 'target = "/x"'),
};

for (const [name, toml] of Object.entries(rivals)) {
  test(`files.read and ${name} at one path of one file are a conflict that names both places`, () => {
    const both = toml.startsWith("[[") ? `files.read = ["/x"]\n${toml}` : `files.read = ["/x"]\n${toml}\n`;
    assert.throws(
      () => compileToml(quiet + both),
      (error) => {
        const { code, message, detail, hint } = error as TsjailError;
        assert.is(code, "profile_conflict");
        assert.match(message, "at /x");
        const lines = (detail ?? "").split("\n");
        assert.is(lines.length, 2);
        for (const line of lines) assert.match(line, /^(files\.\w+|mount)\[0\] in dev\.toml:\d+: /);
        assert.ok(hint);
        return true;
      },
    );
  });
  test(`${name} of a later file takes the place of files.read`, () => {
    const [kind] = standing(['files.read = ["/x"]', toml]);
    assert.match(kind ?? "", / \/x$/);
    assert.not.throws(() => compileToml(['files.read = ["/x"]', `${quiet}${toml}`]));
  });
}

test("the same wish twice is one", () => {
  const toml = `${quiet}files.read = ["/x"]\n${mount("bind", 'source = "/x"')}`;
  assert.equal(standing(toml), ["bind /x"]);
  assert.is(pick(compileToml(toml), "bind").filter(({ target }) => target === "/x").length, 1);
});

test("an earlier file's quarrel is nobody's business once a later one decides", () => {
  assert.throws(() => standing(['files.read = ["/x"]\nfiles.hide = ["/x"]', ""]), /different things at \/x/);
  assert.equal(standing(['files.read = ["/x"]\nfiles.hide = ["/x"]', 'files.tmpfs = ["/x"]']), ["tmpfs /x"]);
});

test("none takes an inherited wish away", () => {
  const plan = compileToml(['files.hide = ["/var/x", "/var/y"]', quiet + mount("none", 'target = "/var/x"')]);
  assert.is(at(plan, "hide", "/var/x"), undefined);
  assert.ok(at(plan, "hide", "/var/y"));
});

test("two names of one place are one place", () => {
  assert.throws(
    () => standing('files.read = ["/home/ann/x"]\nfiles.hide = ["/var/home/ann/x"]', hosts.silverblue),
    (error) => /written as \/home\/ann\/x, a symlink/.test((error as TsjailError).detail ?? ""),
  );
  assert.equal(standing('files.hide = ["/home"]\nfiles.tmpfs = ["/opt"]', hosts.silverblue), [
    "hide /var/home",
    "tmpfs /var/opt",
  ]);
});

test("a hidden link stays hidden when its end is bound", () => {
  const host = { ...debian, links: { "/home/ann/.ssh": "dotfiles/ssh" } };
  const toml = `${quiet}files.hide = ["/home/ann/.ssh"]\nfiles.write = ["/home/ann/dotfiles"]\n`;
  const plan = compileToml(toml, host);
  const order = plan.map((operation) => ("target" in operation ? `${operation.op} ${operation.target}` : ""));
  const bound = order.indexOf("bind /home/ann/dotfiles");
  assert.ok(bound > 0);
  assert.ok(order.indexOf("hide /home/ann/dotfiles/ssh") > bound);
});

test("a hidden link's end is hidden even where the jail does not have the link", () => {
  const host = { ...debian, links: { "/home/ann/.ssh": "dotfiles/ssh" } };
  const files = 'tmpfs = ["/home/ann"]\nhide = ["/home/ann/.ssh"]';
  const shown = standing(`[files]\n${files}\nwrite = ["/home/ann/dotfiles"]`, host);
  assert.ok(shown.includes("hide /home/ann/dotfiles/ssh"));
  assert.not.ok(standing(`[files]\n${files}`, host).includes("hide /home/ann/dotfiles/ssh"));
  const wanted = standing(`[files]\n${files}\nread = ["/home/ann/dotfiles/ssh"]`, host);
  assert.ok(wanted.includes("bind /home/ann/dotfiles/ssh"));
});

test("a link of the host does not exist on a file system of the jail's own", () => {
  const host = { ...debian, links: { "/home/ann/.gitconfig": "dotfiles/gitconfig" } };
  const toml = 'files.tmpfs = ["/home/ann"]\nfiles.read = ["/home/ann/.gitconfig"]';
  assert.equal(standing(toml, host), ["tmpfs /home/ann", "bind /home/ann/.gitconfig"]);
  assert.equal(standing('files.read = ["/home/ann/.gitconfig"]', host), [
    "bind /home/ann/dotfiles/gitconfig",
  ]);
});

test("links of a bind's source count below its target", () => {
  const host = { ...debian, links: { "/data": "/big", "/big/ann/link": "real" } };
  const toml = `files.hide = ["/home/ann/link"]\n${mount("bind", 'source = "/data/ann"\ntarget = "/home/ann"')}`;
  assert.equal(standing(toml, host), ["bind /home/ann", "hide /home/ann/real"]);
});

test("links that the profile makes are followed too", () => {
  const toml = `${mount("symlink", 'target = "/bin"\nsource = "usr/bin"')}${mount("bind", 'source = "/x"\ntarget = "/bin/x"')}`;
  assert.equal(standing(`root.type = "empty"\n${toml}`), ["symlink /bin", "bind /usr/bin/x"]);
});

test("shallow comes before deep, and names decide among equals", () => {
  assert.equal(standing('files.read = ["/b/c/d", "/b", "/a/z", "/b/a"]'), [
    "bind /b",
    "bind /a/z",
    "bind /b/a",
    "bind /b/c/d",
  ]);
});

test("a link to the root itself is an error, since nothing can be put there", () => {
  const host = { ...debian, links: { "/up": ".." } };
  assert.throws(() => standing('files.tmpfs = ["/up"]', host), /\/up is a symlink to \//);
  assert.equal(standing('files.tmpfs = ["/up/x"]', host), ["tmpfs /x"]);
});

test("a link to / can't be hidden, not even where the jail does not have the link", () => {
  const host = { ...debian, links: { "/home/ann/all": "../.." } };
  const error = /\/home\/ann\/all is a symlink to \/, where nothing can be put/;
  assert.throws(() => standing('files.hide = ["/home/ann/all"]', host), error);
  assert.throws(() => standing('[files]\nhide = ["/home/ann/all"]\ntmpfs = ["/home"]', host), error);
  assert.ok(standing('files.hide = ["/home/ann/all"]').includes("hide /home/ann/all"));
});
