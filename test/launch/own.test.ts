// Where tsjail's own directories are, and which of them are made before a start. In: environments, profiles, a
// directory with links in it. Out: paths, the ways to them, what is made. What a plan does with them: compile/own.
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { TsjailError } from "../../src/error.ts";
import { readIdentity } from "../../src/host/identity.ts";
import { findOwnDirectories, settleOwn } from "../../src/launch/own.ts";
import type { Profile } from "../../src/profile/schema.ts";
import { loadToml } from "../compile/fixture.ts";
import * as assert from "../support/assert.ts";
import { makeDirectory, removeDirectory } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("launch/own");
const account = readIdentity(readFileSync("/etc/passwd", "utf8"), process.getuid?.() ?? 0, {}).home;
const rests = [".cache", ".local/share", ".config"];
const below = (home: string) => rests.map((rest) => join(home, rest, "tsjail"));

function makeHome({ cleanup }: TestContext): string {
  const directory = makeDirectory("launch");
  cleanup(() => removeDirectory(directory));
  return directory;
}

const writing = (...paths: string[]): Profile =>
  loadToml(`[files]\nwrite = ${JSON.stringify(paths)}\n`).profile;
const pathsOf = (environment: Record<string, string>) =>
  findOwnDirectories(environment).map(({ path }) => path);

test("they are below HOME and the user database's home, each in the three usual places", () => {
  const paths = pathsOf({ HOME: "/no/where" });
  assert.equal(new Set(paths), new Set([...below("/no/where"), ...below(account)]));
  assert.equal(new Set(pathsOf({})), new Set(below(account)));
  assert.equal(new Set(pathsOf({ HOME: "relative" })), new Set(below(account)));
});

test("XDG variables add to them, and relative ones count for nothing", () => {
  const environment = { HOME: "/h", XDG_CACHE_HOME: "/c", XDG_DATA_HOME: "/d/", XDG_CONFIG_HOME: "config" };
  const paths = pathsOf(environment);
  const expected = ["/c/tsjail", "/d/tsjail", ...below("/h"), ...below(account)];
  assert.equal(new Set(paths), new Set(expected));
});

test("profiles can be read, the rest is nobody's", () => {
  const found = findOwnDirectories({ HOME: "/h", XDG_CONFIG_HOME: "/x" });
  const readable = found.filter(({ access }) => access === "read").map(({ path }) => path);
  assert.equal(
    new Set(readable),
    new Set(["/x/tsjail", "/h/.config/tsjail", join(account, ".config/tsjail")]),
  );
});

test("the way to them has every link, and what it leads to", (context) => {
  const home = makeHome(context);
  mkdirSync(join(home, "data"));
  symlinkSync("there", join(home, ".cache"));
  symlinkSync("data/../gone", join(home, "there"));
  const own = findOwnDirectories({ HOME: home }).find(({ path }) => path === join(home, "gone/tsjail"));
  const names = own?.way
    .filter((place) => place.startsWith(`${home}/`))
    .map((place) => place.slice(home.length + 1));
  assert.equal(names, [".cache", "there", "data", "gone", "gone/tsjail"]);
});

test("what a jail could make is made before it, and nothing else", (context) => {
  const home = makeHome(context);
  const settle = (starts: boolean, ...paths: string[]) =>
    settleOwn(writing(...paths), { HOME: home }, starts);
  const made = () => below(home).filter((path) => existsSync(path));
  mkdirSync(join(home, "project"));
  assert.is(settle(true, join(home, "project")).isReached, false);
  assert.is(settle(false, home).isReached, true);
  assert.equal(made(), []);
  mkdirSync(join(home, ".cache"));
  assert.is(settle(true, join(home, ".cache")).isReached, true);
  assert.equal(made(), below(home).slice(0, 1));
  const { looks } = settle(true, home);
  assert.equal(made(), below(home));
  assert.is(lstatSync(made()[2] as string).mode & 0o777, 0o700);
  // A plan that is kept must know them as they are now.
  const seen = looks.flatMap((look) => (look.type === "kind" && look.path === made()[2] ? [look.kind] : []));
  assert.equal(seen, ["directory"]);
});

test.needs("root")("root makes nothing in another user's home", (context) => {
  const home = makeHome(context);
  settleOwn(writing(home), { HOME: home }, true);
  assert.ok(existsSync(join(home, ".cache/tsjail")));
  const foreign = makeHome(context);
  chownSync(foreign, 4242, 4243);
  settleOwn(writing(foreign), { HOME: foreign }, true);
  assert.not.ok(existsSync(join(foreign, ".cache")));
});

test("links are followed on both sides before they are compared", (context) => {
  const home = makeHome(context);
  mkdirSync(join(home, "real"));
  mkdirSync(join(home, "data"));
  symlinkSync("real", join(home, "link"));
  symlinkSync("../data/cache", join(home, "real/.cache"));
  assert.is(settleOwn(writing(join(home, "real")), { HOME: join(home, "link") }, true).isReached, true);
  assert.ok(existsSync(join(home, "real/.config/tsjail")));
  assert.ok(existsSync(join(home, "data/cache/tsjail")));
});

test("a file in the way is left alone; an error that may pass stops the start", (context) => {
  const home = makeHome(context);
  for (const name of [".cache", ".local", ".config"]) writeFileSync(join(home, name), "");
  const { looks, isReached } = settleOwn(writing(home), { HOME: home }, true);
  assert.ok(isReached && looks.length > 0);
  // A procfs makes nothing, and says ENOENT.
  const settle = () =>
    settleOwn(writing("/proc/self"), { HOME: home, XDG_CACHE_HOME: "/proc/self/nothing" }, true);
  assert.throws(settle, (error) => error instanceof TsjailError && error.code === "host_unsupported");
});
