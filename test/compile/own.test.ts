// tsjail's own directories in a plan: nowhere to be seen, profiles read-only, and nothing on the way to them can be
// renamed. In: profiles and machines that exist in memory only. What the kernel makes of it: test/jail/own.test.ts.
import { TsjailError } from "../../src/error.ts";
import type { Host, OwnDirectory } from "../../src/host/host.ts";
import { followLinks } from "../../src/host/links.ts";
import type { Plan } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, pick, quiet } from "./fixture.ts";

const test = suite("compile/own");
const cache = "/home/ann/.cache/tsjail";
const ways = ["/home", "/home/ann", "/home/ann/.cache"];

function makeOwn(
  path: string,
  links: Host["links"] = {},
  access: OwnDirectory["access"] = "none",
): OwnDirectory {
  const way = new Set<string>();
  const end = followLinks(path, (place) => {
    way.add(place);
    return links[place];
  });
  return { path: end ?? path, way: [...way], access };
}

/** A machine with one directory of tsjail's own. */
function withOwn(path = cache, links: Host["links"] = {}, access: OwnDirectory["access"] = "none"): Host {
  const all = { ...debian.links, ...links };
  return { ...debian, links: all, own: [makeOwn(path, all, access)] };
}

const bind = (source: string, target = source, keys = "readonly = false") =>
  `[[mount]]\ntype = "bind"\nsource = "${source}"\ntarget = "${target}"\n${keys}\n`;
const home = bind("/home/ann");
const compile = (toml: string, host = withOwn()): Plan => compileToml(quiet + toml, host);
const hidden = (plan: Plan) => pick(plan, "hide").map(({ target }) => target);
const pinned = (plan: Plan) => pick(plan, "pin").map(({ target }) => target);
const sealed = (plan: Plan) => pick(plan, "readonly").map(({ target }) => target);
/** Operations that put something at a path, in the order of the plan. */
const opsAt = (plan: Plan, path: string) =>
  plan.filter((op) => "target" in op && op.target === path).map(({ op }) => op);

function refuses(toml: string, message: RegExp, host = withOwn()): void {
  assert.throws(
    () => compile(toml, host),
    (error) =>
      error instanceof TsjailError && error.code === "profile_conflict" && message.test(error.message),
  );
}

test("nothing is done where the jail does not show them", () => {
  for (const toml of [
    '[root]\ntype = "empty"\n',
    '[files]\ntmpfs = ["/home"]\n',
    '[files]\nhide = ["/home/ann"]\n',
  ]) {
    const plan = compile(toml);
    assert.equal([hidden(plan).filter((path) => path.startsWith(cache)), pinned(plan)], [[], []], toml);
  }
  assert.equal(pinned(compile(bind("/home/ann/project"))), []);
});

test("on a read-only root they are hidden, and need not be held", () => {
  const plan = compile("");
  assert.equal([hidden(plan), pinned(plan)], [[cache], []]);
  // A range of ids that is mapped by root may have no way into the home at all: that is as good.
  assert.equal(pick(plan, "hide").find(({ target }) => target === cache)?.flags, ["optional"]);
});

test("in a writable home every directory on the way is held, after all mounts and before the root is left", () => {
  const plan = compile(home);
  assert.equal([hidden(plan), pinned(plan)], [[cache], ["/home/ann/.cache"]]);
  const names = plan.map(({ op }) => op);
  assert.ok(names.indexOf("pin") > names.lastIndexOf("hide"));
  assert.ok(names.indexOf("pin") > names.lastIndexOf("bind"));
  assert.ok(names.indexOf("pin") < names.indexOf("pivot"));
});

test("a directory far above holds all that are between", () => {
  const plan = compile(bind("/home", "/data"));
  assert.equal(pinned(plan), ["/data/ann", "/data/ann/.cache"]);
  assert.equal(hidden(plan), ["/data/ann/.cache/tsjail", cache]);
});

test("each bind of the tree is a sight of its own, with the access that it gives", () => {
  const plan = compile(
    home + bind("/home/ann", "/again") + bind("/home/ann/.cache", "/third") + bind("/home", "/ro", ""),
  );
  assert.equal(
    hidden(plan).sort(),
    [cache, "/again/.cache/tsjail", "/third/tsjail", "/ro/ann/.cache/tsjail"].sort(),
  );
  assert.equal(pinned(plan).sort(), ["/again/.cache", "/home/ann/.cache"]);
});

test("what is read-only within something writable is a mount, and held as it is", () => {
  const plan = compile(home + bind("/home/ann/.cache", "/home/ann/.cache", ""));
  assert.equal([hidden(plan), pinned(plan)], [[cache], []]);
  // The other way round: the home can't be written, so its directories can't be renamed.
  const other = compile(bind("/home/ann", "/home/ann", "") + bind("/home/ann/.cache"));
  assert.equal([hidden(other), pinned(other)], [[cache], []]);
});

test("another directory in its place hides nothing of that one, and the way is held", () => {
  const plan = compile(home + bind("/srv/cache", "/home/ann/.cache"));
  assert.equal([hidden(plan), pinned(plan)], [[], []]);
  const own = compile(`${home}[files]\ntmpfs = ["${cache}"]\n`);
  assert.equal([opsAt(own, cache), pinned(own)], [["mount"], ["/home/ann/.cache"]]);
  const asked = compile(`${home}[files]\nhide = ["${cache}"]\n`);
  assert.equal([opsAt(asked, cache), pinned(asked)], [["hide"], ["/home/ann/.cache"]]);
});

test("something optional in its place may be passed over, so what lies below is hidden and held as well", () => {
  const optional = "readonly = false\noptional = true";
  const plan = compile(home + bind("/srv/cache", "/home/ann/.cache", optional));
  assert.equal([hidden(plan), pinned(plan)], [[cache], ["/home/ann/.cache"]]);
  const exact = compile(home + bind("/srv/cache", cache, optional));
  assert.equal(opsAt(exact, cache), ["hide", "bind"]);
  const both = compile(
    bind("/home/ann", "/home/ann", optional) + bind("/srv/x", "/home/ann/.cache", optional),
  );
  assert.equal([hidden(both), pinned(both)], [[cache], ["/home/ann", "/home/ann/.cache"]]);
});

test("links are held as well as what they lead to", () => {
  const links = { "/home/ann/.cache": "../../data/cache" };
  const host = withOwn(cache, links);
  const plan = compile(home, host);
  assert.equal([hidden(plan), pinned(plan)], [["/data/cache/tsjail"], ["/home/ann/.cache"]]);
  const both = compile(home + bind("/data"), host);
  assert.equal([hidden(both), pinned(both)], [["/data/cache/tsjail"], ["/data/cache", "/home/ann/.cache"]]);
});

test("of a chain of links each one is held, and every directory that one passes", () => {
  const links = {
    "/home/ann/.cache": "links/a",
    "/home/ann/links/a": "../over/../end",
    "/home/ann/end": "/data",
  };
  const plan = compile(home, withOwn(cache, links));
  const names = [".cache", "end", "links", "over", "links/a"];
  assert.equal(
    pinned(plan),
    names.map((name) => `/home/ann/${name}`),
  );
});

test("a home that is a link itself is known by where it leads", () => {
  const host = withOwn("/home/ann/.cache/tsjail", { "/home": "var/home" });
  const plan = compile(bind("/var/home/ann"), host);
  assert.equal(hidden(plan), ["/var/home/ann/.cache/tsjail"]);
  assert.equal(pinned(plan), ["/var/home/ann/.cache"]);
  // The same place by its other name.
  assert.equal(hidden(compile(bind("/home/ann"), host)), ["/var/home/ann/.cache/tsjail"]);
});

test("a link without end is held, too", () => {
  const plan = compile(home, withOwn(cache, { "/home/ann/.cache": ".cache" }));
  assert.equal(pinned(plan), ["/home/ann/.cache"]);
});

test("in a writable root directory the way is held from the top", () => {
  const host = withOwn("/srv/root/home/ann/.cache/tsjail");
  const root = '[root]\ntype = "directory"\npath = "/srv/root"\n';
  const plan = compile(`${root}writable = "yes"\n`, host);
  assert.equal([hidden(plan), pinned(plan)], [[cache], ways]);
  assert.equal(
    pick(plan, "mount_point").filter(({ target }) => target.includes("tsjail")),
    [],
  );
  const closed = compile(root, host);
  assert.equal([hidden(closed), pinned(closed)], [[cache], []]);
});

test("a bind of such a directory, or of a part of it, is refused", () => {
  for (const source of [cache, `${cache}/plans`]) {
    for (const keys of ["", "readonly = false", "optional = true"]) {
      refuses(bind(source, "/x", keys), /is tsjail's own: no jail may have it/);
    }
  }
  refuses(`[files]\nread = ["${cache}"]\n`, /tsjail's own/);
  refuses(bind("/links/c", "/x"), /tsjail's own/, withOwn(cache, { "/links/c": cache }));
  // The twins: a neighbour, and one whose name only begins the same.
  assert.equal(pinned(compile(bind("/home/ann/.cache/other", "/x") + bind(`${cache}2`, "/y"))), []);
});

test("such a directory is no root for a jail", () => {
  const root = (path: string) => `[root]\ntype = "directory"\npath = "${path}"\n`;
  refuses(root(cache), /tsjail's own/);
  refuses(`${root(`${cache}/plans`)}writable = "yes"\n`, /tsjail's own/);
  assert.ok(compile(root("/home/ann/.cache")).length > 0);
});

test("what the profile puts below it is there, and nothing else", () => {
  const plan = compile(`${home}[files]\ntmpfs = ["${cache}/scratch"]\n`);
  assert.equal(opsAt(plan, cache), ["mount", "attributes"]);
  assert.equal(pick(plan, "attributes").find(({ target }) => target === cache)?.set, ["ro"]);
  assert.equal(opsAt(plan, `${cache}/scratch`), ["mount"]);
});

test("one of them within another is hidden with it, whichever comes first", () => {
  const own = [makeOwn(cache), makeOwn(`${cache}/tsjail`)];
  for (const order of [own, own.toReversed()]) {
    const plan = compile(home, { ...debian, own: order });
    assert.equal(opsAt(plan, cache)[0], "hide");
    assert.equal(
      pick(plan, "bind").filter(({ target }) => target.startsWith(cache)),
      [],
    );
  }
});

test("profiles can be read, and are read-only wherever they could be written", () => {
  const config = "/home/ann/.config/tsjail";
  const host = withOwn(config, {}, "read");
  const plan = compile(home + bind("/home/ann/.config", "/again") + bind("/home", "/ro", ""), host);
  assert.equal(hidden(plan), []);
  assert.equal(sealed(plan), ["/again/tsjail", config]);
  assert.equal(pinned(plan), ["/home/ann/.config"]);
  const names = plan.map(({ op }) => op);
  assert.ok(names.lastIndexOf("pin") < names.indexOf("readonly"));
  refuses(bind(config), /has your profiles: no jail may write there/, host);
  refuses(bind(`${config}/more`, "/x"), /has your profiles/, host);
  assert.equal(sealed(compile(bind(config, config, ""), host)), []);
});

test("every operation of these has an origin, and appears once for a path", () => {
  const own = ["/home/ann/.cache/tsjail", "/home/ann/.local/share/tsjail", "/var/home/ann/.cache/tsjail"];
  const plan = compile(home, { ...debian, own: [...own, ...own].map((path) => makeOwn(path)) });
  const made = plan.filter(({ op }) => op === "pin" || op === "hide");
  assert.equal(
    made.map((op) => `${op.op} ${"target" in op && op.target} ${op.origin}`),
    [
      `hide ${cache} built in`,
      "hide /home/ann/.local/share/tsjail built in",
      "hide /var/home/ann/.cache/tsjail built in",
      "pin /home/ann/.cache built in",
      "pin /home/ann/.local built in",
      "pin /home/ann/.local/share built in",
    ],
  );
});
