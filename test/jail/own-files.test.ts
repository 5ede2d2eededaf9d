// What jails are made by where it lies in the project, which the jail can write: ./tsjail.toml, profiles in use and what
// they extend, a filter's file, a compiled plan. In: projects of the test's own. Out: that none of them has changed and
// nothing was made, beside the same attempts on neighbours; and that what a jail plants is not used without a word.
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { attempt, type Jail, jail, makeDirectory, removeDirectory, sh, shout } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: files that jails are made by").needs("userns");

const writing = 'extends = "base"\n[files]\nwrite = ["$PWD"]\n';

interface Project {
  readonly directory: string;
  readonly request: Jail;
}

/** A project with these files, and a home beside it. */
function makeProject({ cleanup }: TestContext, files: Readonly<Record<string, string>> = {}): Project {
  const top = makeDirectory("files");
  cleanup(() => removeDirectory(top));
  const [directory, home] = [join(top, "project"), join(top, "home")];
  mkdirSync(home);
  for (const [name, text] of Object.entries({ "other.toml": "as it was\n", "others/x": "", ...files })) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  const env = { HOME: home, XDG_CONFIG_HOME: undefined, XDG_DATA_HOME: undefined };
  return { directory, request: { cwd: directory, env, profile: "./profiles/lab.toml" } };
}

/** Everything that would put something else at a path, without leaving anything behind where it works. */
const script = `${attempt}
  write() { echo evil >>"$1"; }
  probe() {
    cp -a "$1" /tmp/kept; echo evil >/tmp/evil; cp /tmp/evil ./evil; ln -s /tmp/evil ./link
    echo $(try write "$1"; try touch -d tomorrow "$1"; try chmod 600 "$1"; try truncate -s 0 "$1";
      try mv "$1" ./gone; try mv ./evil "$1"; try mv -T ./link "$1"; try ln -f ./others/x "$1"; try rm -f "$1")
    cp -a /tmp/kept "$1" 2>/dev/null; rm -rf ./evil ./link ./gone /tmp/kept
  }
  replace() { mkdir ./new; echo $(try mv "$1" ./moved; try mv -T ./new "$1"); rm -rf ./new; }
`;
const no = (count: number) => Array.from({ length: count }, () => "no").join(" ");
const yes = (count: number) => no(count).replaceAll("no", "yes");

const files = {
  "tsjail.toml": writing,
  "profiles/lab.toml": 'extends = ["../parts/common.toml"]\n[security]\nseccomp = "$PWD/calls.json"\n',
  "parts/common.toml": writing,
  "calls.json": '{ "defaultAction": "SCMP_ACT_ALLOW" }\n',
};

test("profiles in use, what they extend and their filters can be read, and are held", async (context) => {
  const { directory, request } = makeProject(context, files);
  const look = () => Object.keys(files).map((name) => readFileSync(join(directory, name), "utf8"));
  const before = look();
  const held = Object.keys(files);
  const lines = [
    ...held.map((name) => `cat ./${name} >/dev/null && probe ./${name}`),
    "probe ./other.toml",
    "replace ./profiles; replace ./parts; replace ./others",
  ];
  const expected = [...held.map(() => no(9)), yes(9), no(2), no(2), yes(2)];
  // From the profile, and from the plan that is kept of it.
  for (const round of ["first", "second"]) {
    const output = await shout({ ...request, command: sh(script + lines.join("\n")) });
    assert.equal(output.trim().split("\n"), expected, round);
    assert.equal(look(), before, round);
    rmSync(join(directory, "others"), { recursive: true });
    renameSync(join(directory, "moved"), join(directory, "others"));
  }
});

test("links to a profile are held with what they lead to", async (context) => {
  const { directory, request } = makeProject(context, { "real/lab.toml": writing });
  symlinkSync("real", join(directory, "profiles"));
  symlinkSync("profiles/lab.toml", join(directory, "tsjail.toml"));
  symlinkSync("others/x", join(directory, "link.toml"));
  const lines = "for path in profiles tsjail.toml link.toml; do replace ./$path; done; probe real/lab.toml";
  const output = await shout({ ...request, command: sh(`${script}\n${lines}`) });
  assert.equal(output.trim().split("\n"), ["no no", "no no", "yes yes", no(9)]);
});

test("a tsjail.toml that a jail plants is not used before it is trusted, and nothing is made in its place", async (context) => {
  const { directory, request } = makeProject(context, { "profiles/lab.toml": writing });
  const before = readdirSync(directory);
  await shout({ ...request, command: ["true"] });
  assert.equal(readdirSync(directory), before);
  const planted = `hostname = "planted"\n${writing}`;
  const plant = `printf '%s' '${planted}' >tsjail.toml; printf '%s' '${planted}' >base.toml`;
  await shout({ ...request, command: sh(plant) });
  const { profile: _, ...bare } = request;
  const start = (options: string[] = []) => jail({ ...bare, options, command: ["uname", "-n"] });
  for (const options of [[], ["-p", "base"]]) {
    const { status, stdout, stderr } = await start(options);
    assert.equal([status, stdout], [125, ""]);
    assert.match(stderr, /has not been trusted/);
  }
  // The twin: somebody has looked at it. From then on no jail can change it.
  assert.is((await jail({ ...bare, options: ["trust"] })).status, 0);
  assert.is((await start()).stdout, "planted\n");
  const output = await shout({ ...bare, command: sh(`${script} probe ./tsjail.toml; probe ./base.toml`) });
  assert.equal(output.trim().split("\n"), [no(9), yes(9)]);
});

test("a plan that is compiled into the project is held by the jail that it makes", async (context) => {
  const { directory, request } = makeProject(context, { "profiles/lab.toml": writing });
  const { profile, ...bare } = request;
  const compiled = await jail({ ...bare, options: ["compile", profile ?? "", "-o", "lab.plan"] });
  assert.is(compiled.status, 0, compiled.stderr);
  const before = readFileSync(join(directory, "lab.plan"), "latin1");
  const words = ["run", "./lab.plan", ...sh(`${script} probe ./lab.plan; probe ./other.toml`)];
  const { stdout, stderr } = await jail({ ...bare, options: words });
  assert.equal(stdout.trim().split("\n"), [no(9), yes(9)], stderr);
  assert.is(readFileSync(join(directory, "lab.plan"), "latin1"), before);
});

test("a jail that asks for such a file, writable, is refused", async (context) => {
  const { request } = makeProject(context, files);
  const start = (bind: string) => jail({ ...request, options: ["--bind", bind], command: ["true"] });
  for (const name of Object.keys(files)) {
    const { status, stderr } = await start(`./${name}:/tmp/x:rw`);
    assert.is(status, 125, name);
    assert.match(stderr, /is what jails are made by: no jail may write there/);
    assert.is((await start(`./${name}:/tmp/x`)).status, 0, name);
  }
  assert.is((await start("./other.toml:/tmp/x:rw")).status, 0);
});
