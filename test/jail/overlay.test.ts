// Layers over the root and over single directories, as the kernel lays them: what is written goes to the layer and the
// host's tree stays as it is. In: a root with next to nothing in it. Kept layers: kept-layer.test.ts.
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import {
  attempt,
  hostPrograms,
  hostTree,
  jail,
  makeDirectory,
  removeDirectory,
  sh,
  shout,
  snapshot,
} from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: overlay");

function makeScratch({ cleanup }: TestContext): string {
  const directory = makeDirectory("overlay");
  cleanup(() => removeDirectory(directory));
  return directory;
}

function makeRoot(context: TestContext): string {
  const root = join(makeScratch(context), "root");
  mkdirSync(join(root, "data/old"), { recursive: true });
  writeFileSync(join(root, "data/file"), "content\n");
  symlinkSync("file", join(root, "data/link"));
  return root;
}

const inDirectory = (path: string, more = "") =>
  `${hostPrograms}[root]\ntype = "directory"\npath = "${path}"\nwritable = "ephemeral"\n${more}`;
const overHost = (more = "") => `${hostTree}writable = "ephemeral"\n${more}`;
const overlayMount = (target: string, lower: readonly string[], more = "") =>
  `[[mount]]\ntype = "overlay"\ntarget = "${target}"\nlower = ${JSON.stringify(lower)}\n${more}`;

test("what is written over a directory is seen in the jail, and gone with it; the directory stays", async (context) => {
  const root = makeRoot(context);
  const before = snapshot(root);
  const script =
    "cd /data; echo new >new; echo more >>file; rm -r old link; mkdir made; cat file; ls; touch /top && ls /top";
  const toml = inDirectory(root);
  assert.is(await shout({ toml, command: sh(script) }), "content\nmore\nfile\nmade\nnew\n/top\n");
  assert.is(await shout({ toml, command: sh("cat /data/file; ls /data") }), "content\nfile\nlink\nold\n");
  assert.equal(snapshot(root), before);
});

test("the layer has the size that is said", async (context) => {
  const root = makeRoot(context);
  const script = `${attempt}try head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >/data/big 2>/dev/null && echo fits || echo full`;
  assert.is(await shout({ toml: inDirectory(root, 'size = "1M"\n'), command: sh(script) }), "yes\nfull\n");
  assert.is(await shout({ toml: inDirectory(root, 'size = "8M"\n'), command: sh(script) }), "yes\nfits\n");
});

test("over the host's tree programs write where root's directories are, and the host has none of it", async () => {
  const name = `tsjail-test-${process.pid}`;
  const script = `echo x >/etc/${name} && mkdir /opt/${name} && cat /etc/${name}; ls -d /opt/${name}`;
  assert.is(await shout({ toml: overHost(), command: sh(script) }), `x\n/opt/${name}\n`);
  assert.not.ok(readdirSync("/etc").includes(name));
  assert.not.ok(readdirSync("/opt").includes(name));
  const plain = await jail({ toml: hostTree, command: sh(`echo x >/etc/${name}`) });
  assert.is.not(plain.status, 0);
});

test("the top level itself takes nothing: no layer would have it", async () => {
  const script = `${attempt}try touch /new; try touch /etc/new`;
  assert.is(await shout({ toml: overHost(), command: sh(script) }), "no\nyes\n");
});

test("files of the jail's own find a place in a layer where the root lacks them", async (context) => {
  const root = makeRoot(context);
  const toml = `${inDirectory(root)}[[mount]]\ntype = "file"\ntarget = "/data/deep/er/file"\ncontent = "own"\n`;
  assert.is(await shout({ toml, command: sh("cat /data/deep/er/file") }), "own");
  assert.equal(readdirSync(join(root, "data")).sort(), ["file", "link", "old"]);
});

test("nothing is above a root of layers, and the list of mounts tells no path of the host's", async (context) => {
  const root = makeRoot(context);
  const script =
    "stat -Lc %d:%i / /.. /../.. /proc/self/root/..; grep -c tsjail-overlay /proc/self/mountinfo";
  const lines = (await shout({ toml: inDirectory(root), command: sh(`${script}; true`) })).trim().split("\n");
  assert.is(new Set(lines.slice(0, 4)).size, 1);
  assert.is(lines[4], "0");
});

test("a mount of layers shows the uppermost, and keeps what is written where the profile says", async (context) => {
  const directory = makeScratch(context);
  for (const name of ["one", "two", "upper", "work"]) mkdirSync(join(directory, name));
  writeFileSync(join(directory, "one/both"), "one\n");
  writeFileSync(join(directory, "two/both"), "two\n");
  writeFileSync(join(directory, "two/only"), "two\n");
  const lower = [join(directory, "one"), join(directory, "two")];
  const keep = `upper = "${directory}/upper"\nwork = "${directory}/work"\n`;
  const toml = hostTree + overlayMount("/layers", lower, keep);
  const script = "cd /layers; cat both only; echo new >both; rm only; ls";
  assert.is(await shout({ toml, command: sh(script) }), "one\ntwo\nboth\n");
  assert.is(readFileSync(join(directory, "upper/both"), "utf8"), "new\n");
  assert.is(readFileSync(join(directory, "one/both"), "utf8"), "one\n");
  assert.is(await shout({ toml, command: sh("ls /layers") }), "both\n");
  const thrown = hostTree + overlayMount("/layers", lower);
  assert.is(await shout({ toml: thrown, command: sh("cd /layers; rm both; ls") }), "only\n");
  assert.is(await shout({ toml: thrown, command: sh("ls /layers") }), "both\nonly\n");
});

test("a mount of layers can be read-only", async (context) => {
  const directory = makeScratch(context);
  const toml = (readonly: boolean) =>
    hostTree + overlayMount("/layers", [directory], `readonly = ${readonly}\n`);
  const command = sh(`${attempt}try touch /layers/new`);
  assert.is(await shout({ toml: toml(true), command }), "no\n");
  assert.is(await shout({ toml: toml(false), command }), "yes\n");
});

test("128 layers lie over one another, with long paths", async (context) => {
  const directory = join(makeScratch(context), "a".repeat(200), "b".repeat(200));
  const lower = Array.from({ length: 128 }, (_, number) => join(directory, String(number)));
  for (const [number, path] of lower.entries()) {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "top"), `${number}\n`);
    writeFileSync(join(path, `file${number}`), "");
  }
  const toml = hostTree + overlayMount("/layers", lower);
  assert.is(await shout({ toml, command: sh("cat /layers/top; ls /layers | wc -l") }), "0\n129\n");
});

test("a layer that isn't there is named, with what to do", async (context) => {
  const directory = makeScratch(context);
  const toml = hostTree + overlayMount("/layers", [join(directory, "nowhere")]);
  const { status, stderr } = await jail({ toml, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, /doesn't exist, or is no directory/);
  assert.match(stderr, /mount\[2\] in /);
  const whole = hostTree + overlayMount("/layers", [directory]);
  assert.is((await jail({ toml: whole, command: ["true"] })).status, 0);
});

test("a directory with mounts in it is no layer: the message says which they are", async () => {
  const { status, stderr } = await jail({
    toml: hostTree + overlayMount("/layers", ["/dev"], 'overlay = "kernel"\n'),
    command: ["true"],
  });
  assert.is(status, 125);
  assert.match(stderr, /mounted below a layer: .*\/dev\//);
});

test("nobody in the jail gets to what tsjail keeps by way of a layer", async (context) => {
  const home = makeScratch(context);
  mkdirSync(join(home, ".config/tsjail"), { recursive: true });
  writeFileSync(join(home, ".config/tsjail/mine.toml"), "");
  mkdirSync(join(home, ".local/share/tsjail/layers"), { recursive: true });
  const env = { HOME: home, XDG_DATA_HOME: undefined, XDG_CONFIG_HOME: undefined };
  const toml = hostTree + overlayMount("/layers", [home]);
  const script = "ls -A /layers/.local/share/tsjail; ls -A /layers/.config/tsjail";
  assert.is(await shout({ toml, command: sh(script), env }), "mine.toml\n");
});

test("a command that is missing under a layer is looked for where the layer lies", async (context) => {
  const root = makeRoot(context);
  const missing = await jail({ toml: inDirectory(root), command: ["/data/nowhere"] });
  assert.is(missing.status, 127);
  assert.match(missing.stderr, /There is no command \/data\/nowhere in the jail/);
  const closed = await jail({ toml: inDirectory(root), command: ["/data/file"] });
  assert.is(closed.status, 126);
});
