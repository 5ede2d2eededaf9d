// Images as roots: what a jail sees of the layers, where it may write, and what the image's configuration stands for.
// In: archives of the test's own, in a store of its own.
// time-limit: 300s
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import {
  hostPrograms,
  type Jail,
  jail,
  makeDirectory,
  removeDirectory,
  sh,
  shout,
  startJail,
  tsjail,
} from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: images");

interface World {
  readonly home: string;
  readonly toml: string;
  readonly env: NonNullable<Jail["env"]>;
  run(...words: readonly string[]): string;
  /** Makes an image of a directory that `fill` fills, over another image's layers where one is named. */
  make(name: string, fill: (root: string) => void): void;
  /** A layer more, which a jail writes. */
  extend(from: string, to: string, script: string): Promise<void>;
}

function makeWorld({ cleanup }: TestContext): World {
  const home = makeDirectory("images");
  cleanup(() => removeDirectory(home));
  const env = { HOME: home, XDG_DATA_HOME: undefined };
  const given = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
  const toml = `${hostPrograms.replace('"HOME"', '"NOTHING"')}[root]\ntype = "image"\nimage = "plain"\n`;
  const world: World = {
    home,
    toml,
    env,
    run: (...words) =>
      execFileSync(tsjail, words, {
        encoding: "utf8",
        env: Object.fromEntries(given),
        stdio: ["ignore", "pipe", "pipe"],
      }),
    make(name, fill) {
      const root = join(home, `root-${name}`);
      for (const directory of ["etc", "data", "root"]) mkdirSync(join(root, directory), { recursive: true });
      writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/data:/bin/sh\n");
      writeFileSync(join(root, "etc/group"), "root:x:0:\nwww:x:34:\nstaff:x:50:\n");
      fill(root);
      world.run("image", "import", root, "--name", name);
    },
    async extend(from, to, script) {
      const kept = `${toml}writable = "persistent"\nname = "${to}"\n`;
      await shout({ toml: kept, env, options: ["--image", from], command: sh(script) });
      world.run("commit", to, to);
      world.run("layer", "rm", to);
    },
  };
  return world;
}

/** Gives an image another configuration, as an archive of docker's would bring it. */
function configure(world: World, name: string, config: Readonly<Record<string, unknown>>): void {
  const layout = join(world.home, "layout/");
  world.run("image", "export", name, layout);
  const read = (digest: string) => JSON.parse(readFileSync(blob(digest), "utf8"));
  const blob = (digest: string) => join(layout, "blobs/sha256", digest.slice(7));
  const add = (value: unknown) => {
    const text = JSON.stringify(value);
    const hex = execFileSync("sha256sum", { input: text, encoding: "utf8" }).slice(0, 64);
    writeFileSync(blob(`sha256:${hex}`), text);
    return { digest: `sha256:${hex}`, size: text.length };
  };
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  const manifest = read(index.manifests[0].digest);
  Object.assign(manifest.config, add({ ...read(manifest.config.digest), config }));
  Object.assign(index.manifests[0], add(manifest));
  writeFileSync(join(layout, "index.json"), JSON.stringify(index));
  world.run("image", "import", layout, "--name", name);
  execFileSync("rm", ["-r", layout]);
}

test("an image is a root that can't be written to, unless it is said", async (context) => {
  const world = makeWorld(context);
  world.make("plain", (root) => writeFileSync(join(root, "data/file"), "of the image\n"));
  const script = "cat /data/file; for f in /new /data/new; do echo 2>/dev/null > $f && echo $f; done; true";
  assert.is(await shout({ ...world, command: sh(script) }), "of the image\n");
  const toml = `${world.toml}writable = "ephemeral"\n`;
  assert.is(await shout({ ...world, toml, command: sh(script) }), "of the image\n/new\n/data/new\n");
  assert.is(await shout({ ...world, toml, command: sh("ls /data") }), "file\n");
});

test("layers lie over one another: changed, removed and replaced", async (context) => {
  const world = makeWorld(context);
  world.make("plain", (root) => {
    for (const name of ["changed", "gone", "same"]) writeFileSync(join(root, "data", name), `${name}\n`);
    mkdirSync(join(root, "data/directory"));
    writeFileSync(join(root, "data/directory/old"), "");
  });
  const change =
    "cd /data; echo new > changed; rm gone; rm -r directory; mkdir directory; touch directory/new";
  await world.extend("plain", "two", change);
  await world.extend("two", "three", "echo third > /data/third; rm /data/directory/new");
  const list = sh("cd /data; ls -R; cat changed same third");
  const seen = await shout({ ...world, options: ["--image", "three"], command: list });
  assert.is(seen, ".:\nchanged\ndirectory\nsame\nthird\n\n./directory:\nnew\nsame\nthird\n");
});

test("a kept layer stays with its image, and knows it", async (context) => {
  const world = makeWorld(context);
  world.make("plain", () => {});
  const toml = `${world.toml}writable = "persistent"\nname = "work"\n`;
  await shout({ ...world, toml, command: sh("echo kept > /data/note") });
  assert.is(await shout({ ...world, toml, command: sh("cat /data/note") }), "kept\n");
  assert.is(world.run("diff", "work"), "+ /data/note\n");
  assert.match(world.run("layer", "ls"), /over the image plain/);
  world.make("plain", (root) => writeFileSync(join(root, "data/other"), ""));
  const { status, stderr } = await jail({ ...world, toml, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, /lies over an older plain/);
});

test("what a jail has left in place of a kept layer's /etc/passwd is no more than its own loss", async (context) => {
  const world = makeWorld(context);
  world.make("plain", () => {});
  const toml = `${world.toml}writable = "persistent"\nname = "work"\n[[mount]]\ntype = "none"\ntarget = "/etc/passwd"\n`;
  const after = async (script: string) => {
    await shout({ ...world, toml, command: sh(`cd /etc; rm -rf passwd; ${script}`) });
    return shout({ ...world, toml, command: sh('echo "$HOME $(id -g)"') });
  };
  const account = (fields: string) => `printf '${fields}:/bin/sh\\n' > passwd`;
  assert.is(await after(account("root:x:0:7::/of-the-layer")), "/of-the-layer 7\n");
  const long = "$(printf %0300d 0)";
  for (const link of [long, `${long}/x`, "passwd", "/proc/self/environ", "../../../../../../etc/passwd"])
    assert.is(await after(`ln -s ${link} passwd`), "/ 0\n", link);
  assert.is(await after("mkfifo passwd"), "/ 0\n");
  assert.is(await after("mkdir passwd"), "/ 0\n");
  for (const fields of ["root:x:0:0::/a\\0b", "root:x:0:none::/x", "root:x:0:99999999999::/x"])
    assert.is(await after(account(fields)), "/ 0\n", fields);
});

test("the image's configuration stands where the profile says nothing", async (context) => {
  const world = makeWorld(context);
  world.make("plain", () => {});
  configure(world, "plain", {
    Env: ["PATH=/usr/bin:/bin", "GREETING=from the image", "HOME=/data"],
    WorkingDir: "/data",
    Entrypoint: ["sh", "-c"],
    Cmd: ['echo "$GREETING $HOME"; pwd; id -u; id -g'],
    User: "web",
  });
  assert.is(await shout({ ...world }), "from the image /data\n/data\n33\n34\n");
  const says = ["workdir=/etc", "user.uid=5", "user.gid=6", "env.set.GREETING=from the profile"];
  const options = says.flatMap((each) => ["--set", each]);
  const command = sh('echo "$GREETING"; pwd; id -u; id -g');
  assert.is(await shout({ ...world, options, command }), "from the profile\n/etc\n5\n6\n");
});

test("where an image's directory is missing, the image is named", async (context) => {
  const world = makeWorld(context);
  world.make("plain", () => {});
  configure(world, "plain", { WorkingDir: "/data/none" });
  const { status, stderr } = await jail({ ...world, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, /working directory \/data\/none[\s\S]*asked for by root\.image in/);
  configure(world, "plain", { WorkingDir: "/data" });
  assert.is(await shout({ ...world, command: ["pwd"] }), "/data\n");
});

test("who an image's user is, its own database says", async (context) => {
  const world = makeWorld(context);
  world.make("plain", () => {});
  const ids = async (User: string, options: readonly string[] = []) => {
    configure(world, "plain", { User });
    return shout({ ...world, options, command: sh("echo $(id -u) $(id -g) $(id -un)") });
  };
  assert.is(await ids(""), "0 0 root\n");
  assert.is(await ids("web"), "33 34 web\n");
  assert.is(await ids("33:staff"), "33 50 web\n");
  assert.is(await ids("1234:7"), "1234 7 user1234\n");
  assert.is(await ids("web", ["--user", "root"]), "0 0 root\n");
  configure(world, "plain", { User: "nobody-here" });
  const { status, stderr } = await jail({ ...world, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, /own user is "nobody-here", of which its user database says nothing/);
  assert.match(stderr, /root\.image/);
});

test("root of an image is emulated, and nobody else", async (context) => {
  const world = makeWorld(context);
  world.make("plain", (root) => writeFileSync(join(root, "data/file"), ""));
  const toml = `${world.toml}writable = "ephemeral"\n`;
  const command = sh("chown 5:5 /data/file 2>/dev/null && echo yes || echo no");
  assert.is(await shout({ ...world, toml, command }), "yes\n");
  assert.is(await shout({ ...world, toml, options: ["--set", "user.emulate=false"], command }), "no\n");
  assert.is(await shout({ ...world, toml, options: ["--user", "1000:1000"], command }), "no\n");
});

test("links of the image lead inside it, whichever layer they are in", async (context) => {
  const world = makeWorld(context);
  const secret = join(world.home, "secret");
  writeFileSync(secret, "of the host\n");
  world.make("plain", (root) => {
    symlinkSync("/data/passwd", join(root, "etc/other"));
    symlinkSync(secret, join(root, "etc/outside"));
    symlinkSync("/data", join(root, "place"));
  });
  await world.extend("plain", "two", "ln -s /data/deep /deep; mkdir /data/deep");
  const options = ["--image", "two", "--tmpfs", "/place/deep", "--tmpfs", "/deep"];
  assert.is(
    await shout({
      ...world,
      options,
      command: sh("touch /data/deep/x; ls /deep; cat /etc/outside 2>/dev/null; true"),
    }),
    "x\n",
  );
});

test("a start with an image is kept, until the image is another", async (context) => {
  const world = makeWorld(context);
  world.make("plain", (root) => writeFileSync(join(root, "data/file"), "one\n"));
  const profile = join(world.home, "p.toml");
  writeFileSync(profile, world.toml);
  const node = join(world.home, "node");
  mkdirSync(node);
  const counter = join(world.home, "starts");
  const wrapper = `#!/bin/sh\necho x >> ${counter}\nexec ${process.execPath} "$@"\n`;
  writeFileSync(join(node, "node"), wrapper, { mode: 0o755 });
  // With TSJAIL_EXECUTOR, as under sanitizers, no plan is kept.
  const env = { ...world.env, PATH: `${node}:${process.env.PATH}`, TSJAIL_EXECUTOR: "" };
  const start = () => shout({ profile, env, command: ["cat", "/data/file"] });
  const starts = () => readFileSync(counter, "utf8").split("\n").length - 1;
  assert.is(await start(), "one\n");
  // What had only just been written is looked at once more.
  for (let round = 0; round < 3; round++) await start();
  const before = starts();
  assert.is(await start(), "one\n");
  assert.is(starts(), before);
  world.make("plain", (root) => writeFileSync(join(root, "data/file"), "two\n"));
  assert.is(await start(), "two\n");
  assert.ok(starts() > before);
});

test("an image that is not there, and keys that contradict each other", async (context) => {
  const world = makeWorld(context);
  world.make("plain", () => {});
  assert.is((await jail({ ...world, command: ["true"] })).status, 0);
  const refused = async (toml: string, message: RegExp) => {
    const { status, stderr } = await jail({ ...world, toml, command: ["true"] });
    assert.is(status, 125, stderr);
    assert.match(stderr, message);
  };
  await refused(
    world.toml.replace('"plain"', '"plai"'),
    /no image "plai"[\s\S]*root\.image[\s\S]*Did you mean plain/,
  );
  await refused(world.toml.replace('image = "plain"\n', ""), /root\.image must say which/);
  await refused(`${world.toml}path = "/"\n`, /root\.path needs root\.type = "directory"/);
  await refused(`${world.toml}writable = "yes"\n`, /needs root\.type = "directory"/);
  await refused(world.toml.replace('"image"', '"host"'), /root\.image needs root\.type = "image"/);
});

test("a new volume begins with what the layers have there together, a kept one among them", async (context) => {
  const world = makeWorld(context);
  world.make("plain", (root) => {
    for (const name of ["changed", "gone", "same"]) writeFileSync(join(root, "data", name), `${name}\n`);
    symlinkSync("/data", join(root, "link"));
  });
  await world.extend("plain", "two", "cd /data; echo new > changed; rm gone; mkdir sub; touch sub/file");
  const { env } = world;
  const toml = world.toml.replace('"plain"', '"two"');
  const volume = '[[volume]]\nname = "one"\ntarget = "/link"\n';
  const script = "cd /data; cat changed; find . | sort; echo more > more";
  const first = "new\n.\n./changed\n./same\n./sub\n./sub/file\n";
  assert.is(await shout({ env, toml: toml + volume, command: sh(script) }), first);
  assert.match(
    await shout({ env, toml: toml + volume, command: sh("ls /link") }),
    /^changed\nmore\nsame\nsub\n$/,
  );
  assert.match(await shout({ env, toml, command: sh("ls /link") }), /^changed\nsame\nsub\n$/);
  const kept = `${toml}writable = "persistent"\nname = "work"\n`;
  await shout({ env, toml: kept, command: sh("rm /data/same; touch /data/layered") });
  const other = volume.replace("one", "other");
  assert.is(await shout({ env, toml: kept + other, command: sh("ls /data") }), "changed\nlayered\nsub\n");
});

test("an image that a jail has is not taken away under it", async (context) => {
  const world = makeWorld(context);
  world.make("plain", (root) => writeFileSync(join(root, "data/file"), "still here\n"));
  const running = startJail({
    ...world,
    command: sh("echo ready; read line; cat /data/file"),
    stdio: ["pipe", "pipe", "pipe"],
  });
  await running.waitFor("ready");
  world.run("image", "rm", "plain");
  world.run("image", "prune");
  const layers = join(world.home, ".local/share/tsjail/store/layers");
  assert.is(readdirSync(layers).length, 1);
  running.child.stdin?.end("\n");
  assert.equal((await running.ended).stdout, "ready\nstill here\n");
  world.run("image", "prune");
  assert.equal(readdirSync(layers), []);
  assert.is((await jail({ ...world, command: ["true"] })).status, 125);
});

test("a program that only the host has is not offered to an image", async (context) => {
  const world = makeWorld(context);
  world.make("plain", () => {});
  const toml = '[root]\ntype = "image"\nimage = "plain"\n';
  const { status, stderr } = await jail({ ...world, toml, command: ["ls"] });
  assert.is(status, 127);
  assert.match(stderr, /what it shows there \(root\.image in\s+\S+\)\s+doesn't\s+have it/);
  assert.match(stderr, /hint: That root is a system of its own: install the program there/);
});
