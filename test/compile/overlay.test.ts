// What a layer over the root is made of, and mounts of type "overlay". In: profiles and a machine of the fixture. Out:
// the operations. What the kernel makes of them is in test/jail/overlay.test.ts.
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { at, compileToml, debian, pick, quiet } from "./fixture.ts";

const test = suite("compile: overlay");

const ephemeral = `${quiet}[root]\nwritable = "ephemeral"\n`;
const kept = `${quiet}[root]\nwritable = "persistent"\nname = "work"\n`;
const directory = (writable: string) =>
  `${quiet}[root]\ntype = "directory"\npath = "/srv/debian"\nwritable = "${writable}"\n`;
const layers = "/home/ann/.local/share/tsjail/layers";

test("each directory of the host's top level gets a layer, but not what is the kernel's or is mounted", () => {
  const plan = compileToml(ephemeral);
  const targets = pick(plan, "overlay").map(({ target }) => target);
  assert.equal(targets, ["/etc", "/home", "/opt", "/root", "/srv", "/tmp", "/usr", "/var"]);
  assert.equal(at(plan, "bind", "/run")?.set, ["ro", "nosuid", "nodev"]);
  assert.is(at(plan, "bind", "/usr"), undefined);
});

test("a directory with something mounted below it is shown as it is, read-only", () => {
  const plan = compileToml(ephemeral, { ...debian, mounts: ["/", "/var/lib/docker", "/usr"] });
  assert.is(at(plan, "overlay", "/var"), undefined);
  assert.equal(at(plan, "bind", "/var")?.set, ["ro", "nosuid", "nodev"]);
  assert.equal(at(plan, "overlay", "/usr")?.lower, ["/usr"]);
});

test("without a layer there is none of it", () => {
  const plan = compileToml(quiet);
  for (const op of ["overlay", "root_overlay", "scratch", "layer"] as const) assert.equal(pick(plan, op), []);
});

test("a layer that is thrown away lies on the stage, or with a size on a tmpfs of its own", () => {
  assert.equal(pick(compileToml(ephemeral), "scratch")[0]?.options, []);
  const sized = compileToml(`${ephemeral}size = "1M"\n`);
  assert.equal(pick(sized, "scratch")[0]?.options, ["mode=0700", "size=1048576"]);
  assert.is(pick(sized, "stage").length, 1);
});

test("on disk it lies in a directory that the monitor makes, whoever lays the layers", () => {
  const scratch = "/home/ann/.local/share/tsjail/scratch";
  const host = { ...debian, scratch };
  const onDisk = `${ephemeral}scratch = "disk"\n`;
  const plan = compileToml(onDisk, host);
  assert.equal(pick(plan, "scratch_directory"), [
    { op: "scratch_directory", origin: "root.scratch in dev.toml:4", parent: scratch },
  ]);
  assert.equal(pick(plan, "scratch")[0]?.options, []);
  assert.equal(pick(compileToml(ephemeral, host), "scratch_directory"), []);
  assert.throws(() => compileToml(onDisk), /neither XDG_DATA_HOME nor HOME/);
  const makers = { "/": { by: "fuse", why: "root.overlay says so" } } as const;
  const layerServer = { program: "/usr/bin/fuse-overlayfs", places: [], kernelMounts: [] };
  const served = compileToml(onDisk, { ...host, makers, layerServer });
  assert.is(pick(served, "scratch_directory").length, 1);
  assert.equal(pick(served, "scratch"), []);
});

test("no directory is made on disk where nothing is thrown away", () => {
  const host = { ...debian, scratch: "/home/ann/.local/share/tsjail/scratch" };
  const made = (toml: string) => pick(compileToml(toml, host), "scratch_directory").length;
  assert.is(made(`${kept}scratch = "disk"\n`), 0);
  assert.is(made(`${kept}scratch = "disk"\nbusy = "ephemeral"\n`), 1);
  assert.is(made(`${quiet}[root]\nscratch = "disk"\n`), 0);
  const single = '[[mount]]\ntype = "overlay"\ntarget = "/srv/www"\nlower = ["/a"]\n';
  assert.is(made(`${quiet}[root]\nscratch = "disk"\n${single}`), 1);
  assert.is(made(`${quiet}[root]\nscratch = "disk"\n${single}upper = "/c"\nwork = "/d"\n`), 0);
});

test("a kept layer is locked, and has a part for each directory", () => {
  const plan = compileToml(kept);
  assert.equal(pick(plan, "layer"), [
    { op: "layer", origin: "root.name in dev.toml:4", lock: `${layers}/work/lock`, busy: "error" },
  ]);
  const { upper, work } = at(plan, "overlay", "/usr") ?? {};
  assert.equal([upper, work], [`${layers}/work/upper/usr`, `${layers}/work/work/usr`]);
  assert.equal(pick(plan, "scratch"), []);
});

test("where a kept layer may be in use there is room for one that is thrown away", () => {
  const plan = compileToml(`${kept}busy = "ephemeral"\n`);
  assert.is(pick(plan, "layer")[0]?.busy, "ephemeral");
  assert.is(pick(plan, "scratch").length, 1);
});

test("a layer can't be kept without a home", () => {
  const { layers: _, ...homeless } = debian;
  assert.throws(() => compileToml(kept, homeless), /can't be kept/);
  assert.is(pick(compileToml(ephemeral, homeless), "layer").length, 0);
});

test("over a directory there is one layer for all of it", () => {
  const plan = compileToml(directory("ephemeral"));
  const [root] = pick(plan, "root_overlay");
  assert.equal(root?.lower, ["/srv/debian"]);
  assert.is(root?.upper, "");
  assert.equal(pick(plan, "root_bind"), []);
  assert.equal(pick(plan, "mount_point"), []);
  assert.equal(
    pick(compileToml(directory("yes")), "root_bind").map(({ source }) => source),
    ["/srv/debian"],
  );
});

test("a mount of layers names them, the uppermost first", () => {
  const toml = `${quiet}[[mount]]\ntype = "overlay"\ntarget = "/srv/www"\nlower = ["/a", "/b"]\n`;
  const overlay = at(compileToml(toml), "overlay", "/srv/www");
  assert.equal(overlay?.lower, ["/a", "/b"]);
  assert.equal(overlay?.set, ["nosuid", "nodev"]);
  const keeping = compileToml(`${toml}upper = "/c"\nwork = "/d"\nreadonly = true\n`);
  assert.is(at(keeping, "overlay", "/srv/www")?.upper, "/c");
  assert.equal(at(keeping, "overlay", "/srv/www")?.set, ["ro", "nosuid", "nodev"]);
  assert.equal(pick(keeping, "scratch"), []);
});

test("tsjail's own directories are no layers, and hidden below one", () => {
  const own = [
    {
      path: "/home/ann/.cache/tsjail",
      way: ["/home", "/home/ann", "/home/ann/.cache", "/home/ann/.cache/tsjail"],
      access: "none" as const,
    },
  ];
  const host = { ...debian, own };
  const over = (lower: string) =>
    `${quiet}[[mount]]\ntype = "overlay"\ntarget = "/srv/www"\nlower = ["/a", "${lower}"]\n`;
  assert.throws(() => compileToml(over("/home/ann/.cache/tsjail"), host), /tsjail's own/);
  assert.ok(at(compileToml(over("/home/ann"), host), "hide", "/srv/www/.cache/tsjail"));
  assert.is(at(compileToml(over("/home/bob"), host), "hide", "/srv/www/.cache/tsjail"), undefined);
  const root = compileToml(ephemeral, host);
  assert.ok(at(root, "hide", "/home/ann/.cache/tsjail"));
  assert.equal(pick(root, "pin"), []);
});

test("Landlock lets the command write where a layer takes it, and nowhere else", () => {
  const plan = compileToml(ephemeral);
  const rights = (path: string) =>
    pick(plan, "landlock_path").find((rule) => rule.path === path)?.rights ?? [];
  assert.ok(rights("/usr").includes("make_reg"));
  assert.not.ok(rights("/run").includes("make_reg"));
  const whole = compileToml(directory("ephemeral"));
  assert.ok(pick(whole, "landlock_path")[0]?.rights.includes("make_reg"));
});

for (const [toml, message] of [
  ['[root]\nwritable = "persistent"\n', "root.name must say"],
  ['[root]\nname = "work"\n', 'needs root.writable = "persistent"'],
  ['[root]\ntype = "empty"\nwritable = "ephemeral"\n', 'root.type is "empty"'],
  ['[root]\nwritable = "persistent"\nname = "../up"\n', "must be a name"],
  ['[root]\nbusy = "ephemeral"\n', 'needs root.writable = "persistent"'],
  ['[root]\nwritable = "ephemeral"\nscratch = "disk"\nsize = "1M"\n', 'needs root.scratch = "memory"'],
  [
    '[root]\nscratch = "disk"\n[user]\nmap = [{ inside = 0, outside = 1, count = 1 }]\n',
    "user.map can't both be said",
  ],
  ['[[mount]]\ntype = "overlay"\ntarget = "/a"\nlower = ["/b"]\nupper = "/c"\n', "needs both upper and work"],
  ['[[mount]]\ntype = "overlay"\ntarget = "/a"\nlower = []\n', "needs a directory"],
] as const) {
  test(`refused: ${message} (${toml.replaceAll("\n", " ").trim()})`, () => {
    assert.throws(
      () => compileToml(toml),
      (error: Error) => error.message.includes(message),
    );
  });
}

test("128 layers are taken, and one more is not", () => {
  const toml = (count: number) =>
    `${quiet}[[mount]]\ntype = "overlay"\ntarget = "/srv/www"\nlower = ${JSON.stringify(Array.from({ length: count }, (_, n) => `/l/${n}`))}\n`;
  assert.is(at(compileToml(toml(128)), "overlay", "/srv/www")?.lower.length, 128);
  assert.throws(() => compileToml(toml(129)), /128 directories at most/);
});
