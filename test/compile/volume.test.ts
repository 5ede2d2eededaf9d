// What a volume is to a plan: a bind, and a lock where it has a name. In: profiles and a machine of the fixture. Out: the
// operations. Volumes that are used are in test/jail/volume.test.ts.
import { hostNeeds } from "../../src/host/needs.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { at, compileToml, debian, loadToml, pick, quiet } from "./fixture.ts";

const test = suite("compile: volumes");

const volumes = "/home/ann/.local/share/tsjail/volumes";
const volume = (keys: string) => `${quiet}[[volume]]\n${keys}\n`;
const cache = volume('name = "cache"\ntarget = "/srv/cache"');

test("a name is a bind of what is kept under it, and a lock", () => {
  const plan = compileToml(cache);
  const origin = "volume[0] in dev.toml:2";
  assert.equal(pick(plan, "hold"), [{ op: "hold", origin, lock: `${volumes}/cache/lock` }]);
  assert.equal(at(plan, "bind", "/srv/cache"), {
    ...{ op: "bind", origin, source: `${volumes}/cache/data`, target: "/srv/cache" },
    ...{ flags: ["recursive", "directory"], set: ["nosuid", "nodev"], propagation: "none" },
  });
});

test("a path is a bind of it, and nobody holds it", () => {
  const plan = compileToml(volume('path = "/home/ann/data"\ntarget = "/srv/data"'));
  assert.equal(pick(plan, "hold"), []);
  const { source, flags, set } = at(plan, "bind", "/srv/data") ?? {};
  assert.equal([source, flags, set], ["/home/ann/data", ["recursive", "directory"], ["nosuid", "nodev"]]);
});

test("without a volume there is no lock", () => {
  assert.equal(pick(compileToml(quiet), "hold"), []);
});

test("readonly and noexec are what they are to a mount; nosuid and nodev it always has", () => {
  const plan = compileToml(`${cache}readonly = true\nnoexec = true\n`);
  assert.equal(at(plan, "bind", "/srv/cache")?.set, ["ro", "nosuid", "nodev", "noexec"]);
});

test("one name at two places has one lock", () => {
  const plan = compileToml(`${cache}[[volume]]\nname = "cache"\ntarget = "/srv/again"\nreadonly = true\n`);
  assert.is(pick(plan, "hold").length, 1);
  assert.equal(at(plan, "bind", "/srv/again")?.source, at(plan, "bind", "/srv/cache")?.source);
});

test("two things at one target are an error, as two mounts are", () => {
  const second = [
    '[[volume]]\nname = "other"',
    '[[mount]]\ntype = "tmpfs"',
    '[[mount]]\ntype = "bind"\nsource = "/x"',
  ];
  for (const other of second) {
    const toml = `${cache}${other}\ntarget = "/srv/cache"\n`;
    assert.throws(() => compileToml(toml), /Two keys want different things at \/srv\/cache/);
  }
  const own = `${volume('path = "/x"\ntarget = "/srv/x"')}[[mount]]\ntype = "bind"\nsource = "/x"\nreadonly = false\ntarget = "/srv/x"\n`;
  assert.throws(() => compileToml(own), /Two keys want different things at \/srv\/x/);
  compileToml(`${cache}[[volume]]\nname = "other"\ntarget = "/srv/other"\n`);
});

test("what extends another profile adds volumes to its, and may say otherwise at a target", () => {
  const added = compileToml([cache, '[[volume]]\nname = "more"\ntarget = "/srv/more"\n']);
  assert.equal(
    pick(added, "hold").map(({ lock }) => lock),
    [`${volumes}/cache/lock`, `${volumes}/more/lock`],
  );
  const taken = compileToml([cache, '[[mount]]\ntype = "none"\ntarget = "/srv/cache"\n']);
  assert.equal([pick(taken, "hold"), at(taken, "bind", "/srv/cache")], [[], undefined]);
  const replaced = compileToml([cache, '[[volume]]\nname = "new"\ntarget = "/srv/cache"\n']);
  assert.equal(
    pick(replaced, "hold").map(({ lock }) => lock),
    [`${volumes}/new/lock`],
  );
});

test("without a home there is no place for a name, and there is for a path", () => {
  const { volumes: _, ...homeless } = debian;
  assert.throws(() => compileToml(cache, homeless), /A volume can't be kept: neither XDG_DATA_HOME nor HOME/);
  compileToml(volume('path = "/home/ann/data"\ntarget = "/srv/data"'), homeless);
});

test("what tsjail keeps for itself is no volume by its path, and the way to it is held", () => {
  const own = [
    {
      path: "/home/ann/.local/share/tsjail",
      way: ["/home/ann/.local", "/home/ann/.local/share"],
      access: "none",
    },
  ] as const;
  const path = `${volume(`path = "${volumes}/cache/data"\ntarget = "/srv/x"`)}`;
  assert.throws(() => compileToml(path, { ...debian, own }), /is tsjail's own: no jail may have it/);
  compileToml(cache, { ...debian, own });
  const around = compileToml(volume('path = "/home/ann"\ntarget = "/srv/home"'), { ...debian, own });
  assert.ok(pick(around, "hide").some(({ target }) => target === "/srv/home/.local/share/tsjail"));
  assert.ok(pick(around, "pin").some(({ target }) => target === "/srv/home/.local"));
});

test("a path of the project must not lead out of it, as with a bind", () => {
  const toml = volume('path = "/home/ann/project/data"\ntarget = "/srv/data"');
  const links = { ...debian.links, "/home/ann/project/data": "/home/ann/.ssh" };
  assert.throws(
    () => compileToml(toml, { ...debian, links }),
    /leads \/home\/ann\/project\/data out of the current directory/,
  );
  compileToml(toml, { ...debian, links: { ...debian.links, "/home/ann/project/data": "other" } });
});

test("where a mount lies in a volume, the links that jails have left there are looked at", () => {
  const { profile } = loadToml(`${cache}[[mount]]\ntype = "tmpfs"\ntarget = "/srv/cache/sub"\n`);
  const { paths } = hostNeeds(profile, undefined, volumes);
  assert.ok(paths.some(({ root, path }) => root === "/" && path === `${volumes}/cache/data/sub`));
});

test("a volume has a name or a path, and what belongs to it", () => {
  const refused: [string, RegExp][] = [
    ['target = "/srv/x"', /needs either name or path/],
    ['name = "x"\npath = "/x"\ntarget = "/srv/x"', /needs either name or path/],
    ['name = "../x"\ntarget = "/srv/x"', /must be a name: letters, digits/],
    ['name = ".tmp"\ntarget = "/srv/x"', /must be a name: letters, digits/],
    ['name = "x"', /is missing/],
    ['name = "x"\ntarget = "/"', /must not be \//],
    ['path = "x"\ntarget = "/srv/x"', /must be an absolute path/],
    ['path = "/x"\ntarget = "/srv/x"\ncopy = true', /can't have copy = true with a path/],
    ['name = "x"\ntarget = "/srv/x"\nnosuid = false', /is not a key of profiles/],
  ];
  for (const [keys, message] of refused) assert.throws(() => loadToml(volume(keys)), message);
  loadToml(volume('name = "x"\ntarget = "/srv/x"\ncopy = true'));
  loadToml(volume('path = "/x"\ntarget = "/srv/x"\ncopy = false'));
  const many = Array.from(
    { length: 65 },
    (_, index) => `[[volume]]\nname = "v${index}"\ntarget = "/srv/${index}"\n`,
  );
  assert.throws(() => loadToml(many.join("")), /can name 64 volumes at most/);
  loadToml(many.slice(1).join(""));
});
