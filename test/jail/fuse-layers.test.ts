// Layers that fuse-overlayfs lays: over the host's tree as a whole, where what is root's can be changed; thrown away or
// kept; what becomes of them when somebody is killed; and every way in which it can be missing. In: the host's tree, and
// homes of the tests' own. The table of single behaviours, beside the kernel's: overlay-behaviours.test.ts.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Operation } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { runExecutor } from "../support/executor.ts";
import {
  attempt,
  hostPrograms,
  hostTree,
  type Jail,
  jail,
  makeDirectory,
  mount,
  removeDirectory,
  sh,
  shout,
  startJail,
  tsjail,
} from "../support/jail.ts";
import { listProcesses, until } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: layers by fuse-overlayfs");
const withFuse = test.needs("command:fuse-overlayfs");

const emulated = '[user]\nuid = "root"\ngid = "root"\nemulate = true\n';
const overHost = (more = "", root = 'writable = "ephemeral"\n') =>
  `${hostTree}${root}overlay = "fuse"\n${emulated}${more}`;
const kept = 'writable = "persistent"\nname = "work"\n';

interface World {
  readonly home: string;
  readonly layers: string;
  readonly env: NonNullable<Jail["env"]>;
}

function makeWorld({ cleanup }: TestContext): World {
  const home = makeDirectory("fuse");
  cleanup(() => removeDirectory(home));
  const env = { HOME: home, XDG_DATA_HOME: undefined, XDG_CACHE_HOME: undefined, XDG_CONFIG_HOME: undefined };
  return { home, layers: join(home, ".local/share/tsjail/layers"), env };
}

/** A command of tsjail's that starts no jail. */
function run({ env }: Pick<World, "env">, ...words: readonly string[]): string {
  const environment = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
  return execFileSync(tsjail, words, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: Object.fromEntries(environment),
  });
}

const listServers = () => listProcesses().filter(({ words }) => /^\S*fuse-overlayfs -f /.test(words));

withFuse("what is root's on the host is changed in the jail, and the host has none of it", async () => {
  const before = readFileSync("/etc/passwd", "utf8");
  const version = readFileSync("/etc/debian_version", "utf8");
  const script = `echo changed >/etc/debian_version && cat /etc/debian_version; rm /etc/passwd && ls /etc/passwd 2>&1
    mkdir /top && ls -d /top; echo x >/usr/bin/new && stat -c '%u:%g' /usr/bin/new /usr/bin/env; chmod 700 /usr/share; ls /usr/share/doc | wc -l`;
  const lines = (await shout({ toml: overHost(), command: sh(script) })).trim().split("\n");
  assert.is(lines[0], "changed");
  assert.match(lines[1] ?? "", /No such file/);
  assert.equal(lines.slice(2, 5), ["/top", "0:0", "0:0"]);
  assert.ok(Number(lines[5]) > 0);
  assert.is(readFileSync("/etc/passwd", "utf8"), before);
  assert.is(readFileSync("/etc/debian_version", "utf8"), version);
  assert.equal([existsSync("/top"), existsSync("/usr/bin/new")], [false, false]);
  // The kernel's can't do that: its twin.
  const plain = `${hostTree}writable = "ephemeral"\noverlay = "kernel"\n${emulated}`;
  assert.is(
    await shout({ toml: plain, command: sh(`${attempt}try sh -c 'echo x >/etc/debian_version'`) }),
    process.getuid?.() === 0 ? "yes\n" : "no\n",
  );
});

withFuse("a directory is made with no rights at all, as dpkg makes it", async () => {
  const script =
    "mkdir -m 0 /usr/share/tsjail-test && chmod 755 /usr/share/tsjail-test && ls -d /usr/share/tsjail-test";
  assert.is(await shout({ toml: overHost(), command: sh(script) }), "/usr/share/tsjail-test\n");
});

test.needs("command:fuse-overlayfs", "command:make")("make install writes to /usr/local", async (context) => {
  const { home } = makeWorld(context);
  const makefile =
    "install:\n\tinstall -D -m 755 tool $(DESTDIR)/usr/local/bin/tsjail-test-tool\n\tinstall -d -o nobody -g nogroup /usr/local/share/tsjail-test\n";
  writeFileSync(join(home, "Makefile"), makefile);
  writeFileSync(join(home, "tool"), "#!/bin/sh\necho installed\n");
  const script = `cd ${home} && make -s install && tsjail-test-tool && ls -d /usr/local/share/tsjail-test`;
  const command = sh(`PATH=/usr/local/bin:$PATH; ${script}`);
  assert.is(await shout({ toml: overHost(), command }), "installed\n/usr/local/share/tsjail-test\n");
  assert.not.ok(existsSync("/usr/local/bin/tsjail-test-tool"));
});

test.needs("command:fuse-overlayfs", "command:dpkg-deb")(
  "a package is installed with dpkg, is there for the next jail, and is removed",
  async (context) => {
    const world = makeWorld(context);
    const { home, env } = world;
    const tree = join(home, "package");
    mkdirSync(join(tree, "DEBIAN"), { recursive: true });
    mkdirSync(join(tree, "usr/bin"), { recursive: true });
    const control =
      "Package: tsjail-test\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@localhost>\nDescription: a test\n";
    writeFileSync(join(tree, "DEBIAN/control"), control);
    const script =
      "#!/bin/sh\nset -e\necho configured >/etc/tsjail-test.conf\nchown nobody:nogroup /etc/tsjail-test.conf\n";
    writeFileSync(join(tree, "DEBIAN/postinst"), script, { mode: 0o755 });
    writeFileSync(join(tree, "usr/bin/tsjail-test"), "#!/bin/sh\ncat /etc/tsjail-test.conf\n", {
      mode: 0o755,
    });
    chmodSync(join(tree, "DEBIAN"), 0o755);
    execFileSync("dpkg-deb", ["--root-owner-group", "--build", tree, join(home, "test.deb")]);
    const toml = overHost("", kept);
    const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const install = `export ${path}; dpkg -i ${home}/test.deb >/dev/null && tsjail-test`;
    assert.is(await shout({ toml, env, timeout: 60, command: sh(install) }), "configured\n");
    const changes = run(world, "diff", "work");
    for (const change of ["+ /usr/bin/tsjail-test", "~ /var/lib/dpkg/status", "+ /etc/tsjail-test.conf"])
      assert.ok(changes.includes(`${change}\n`), changes);
    const remove = `export ${path}; tsjail-test; dpkg -r tsjail-test >/dev/null; ls /usr/bin/tsjail-test 2>&1; true`;
    const removed = await shout({ toml, env, timeout: 60, command: sh(remove) });
    assert.match(removed, /^configured\n.*No such file/);
    assert.not.ok(existsSync("/usr/bin/tsjail-test"));
    assert.not.ok(run(world, "diff", "work").includes("/usr/bin/tsjail-test"));
  },
);

withFuse(
  "a layer is kept: what was mapped to memory is in it, and diff and export read it",
  async (context) => {
    const world = makeWorld(context);
    const { env, layers, home } = world;
    const toml = overHost("", kept);
    const script = `echo kept >/opt/new; rm /etc/debian_version; rm -r /etc/skel; mkdir /etc/skel; echo x >/etc/skel/fresh
    perl -e 'open F, "+>", "/opt/big"; print F "z" x 3000000; close F'; chown 5:5 /opt/new`;
    await shout({ toml, env, command: sh(script) });
    // The server has the lock, too.
    assert.not.match(run(world, "layer", "ls"), /in use/);
    const look =
      "cat /opt/new; ls /etc/debian_version 2>&1; ls -A /etc/skel; tr -d z </opt/big | wc -c; wc -c </opt/big";
    const seen = await shout({ toml, env, command: sh(look) });
    assert.match(seen, /^kept\n.*No such file.*\nfresh\n0\n3000000\n$/);
    const changes = run(world, "diff", "work").trim().split("\n");
    for (const change of ["+ /opt/new", "- /etc/debian_version", "+ /etc/skel/fresh", "+ /opt/big"])
      assert.ok(changes.includes(change), change);
    assert.equal(
      changes.filter((line) => line.includes(".wh.")),
      [],
    );
    const archive = join(home, "work.tar");
    run(world, "layer", "export", "work", archive);
    const names = execFileSync("tar", ["-tf", archive], { encoding: "utf8" }).trim().split("\n");
    for (const name of ["opt/new", "etc/.wh.debian_version", "etc/skel/.wh..wh..opq", "etc/skel/fresh"])
      assert.is(names.filter((each) => each === name).length, 1, name);
    assert.equal(
      names.filter((name) => /\.wh\.\.opq$/.test(name) && !name.endsWith("/.wh..wh..opq")),
      [],
    );
    assert.is(JSON.parse(readFileSync(join(layers, "work/layer.json"), "utf8")).by, "fuse");
  },
);

withFuse("what one has made the other does not go on with, in both directions", async (context) => {
  const { env } = makeWorld(context);
  const by = (maker: string, name: string) =>
    `${hostTree}writable = "persistent"\nname = "${name}"\noverlay = "${maker}"\n${emulated}`;
  for (const [one, other, names] of [
    ["fuse", "kernel", /made by fuse-overlayfs, and the kernel's overlayfs is to go on with it/],
    ["kernel", "fuse", /made by the kernel's overlayfs, and fuse-overlayfs is to go on with it/],
  ] as const) {
    await shout({ toml: by(one, one), env, command: sh("echo kept >/opt/new") });
    const refused = await jail({ toml: by(other, one), env, command: ["true"] });
    assert.is(refused.status, 125);
    assert.match(refused.stderr, names);
    assert.match(refused.stderr, new RegExp(`overlay = "${one}"`));
    for (const same of [one, "auto"])
      assert.is(await shout({ toml: by(same, one), env, command: sh("cat /opt/new") }), "kept\n");
  }
});

withFuse("the same for a mount of layers, which has no record but its work directory", async (context) => {
  const { home, env } = makeWorld(context);
  for (const [one, other, names] of [
    ["fuse", "kernel", /was written by fuse-overlayfs, and the kernel's overlayfs would misread/],
    ["kernel", "fuse", /was written by the kernel's overlayfs, and fuse-overlayfs would misread/],
  ] as const) {
    for (const name of ["lower", "upper", "work"]) mkdirSync(join(home, one, name), { recursive: true });
    const by = (overlay: string) =>
      hostTree +
      `[[mount]]\ntype = "overlay"\ntarget = "/layers"\nlower = ["${home}/${one}/lower"]\n` +
      `upper = "${home}/${one}/upper"\nwork = "${home}/${one}/work"\noverlay = "${overlay}"\n`;
    await shout({ toml: by(one), env, command: sh("echo kept >/layers/new") });
    const refused = await jail({ toml: by(other), env, command: ["true"] });
    assert.is(refused.status, 125);
    assert.match(refused.stderr.replace(/\s+/g, " "), names, refused.stderr);
    assert.is(await shout({ toml: by(one), env, command: sh("cat /layers/new") }), "kept\n");
  }
});

withFuse("a directory in which something is mounted becomes a layer by itself: auto", async () => {
  const toml = (overlay: string) =>
    `${hostTree}[[mount]]\ntype = "overlay"\ntarget = "/layers"\nlower = ["/dev"]\noverlay = "${overlay}"\n`;
  const script = "echo x >/layers/new && cat /layers/new; echo y >/layers/shm/deep && cat /layers/shm/deep";
  assert.is(await shout({ toml: toml("auto"), command: sh(script) }), "x\ny\n");
  assert.is((await jail({ toml: toml("kernel"), command: ["true"] })).status, 125);
  assert.not.ok(existsSync("/dev/new") || existsSync("/dev/shm/deep"));
});

withFuse("auto: over the host's tree with root emulated, and nowhere else", async (context) => {
  const { home, env } = makeWorld(context);
  const plan = (toml: string): string => {
    writeFileSync(join(home, "profile.toml"), toml);
    return run({ env }, "plan", "-p", join(home, "profile.toml"), "true");
  };
  const emulating = plan(`${hostTree}writable = "ephemeral"\n${emulated}`);
  assert.match(emulating, /root_overlay .*by fuse-overlayfs.*since user\.emulate wants what is root's/);
  const plain = plan(`${hostTree}writable = "ephemeral"\n`);
  assert.not.ok(plain.includes("fuse-overlayfs"), plain);
  assert.match(plain, / overlay +\/etc /);
  const nowhere = { ...env, TSJAIL_FUSE_OVERLAYFS: "/nowhere/fuse-overlayfs" };
  assert.not.ok(
    run({ env: nowhere }, "plan", "-p", join(home, "profile.toml"), "true").includes("root_overlay"),
  );
});

withFuse("128 layers lie over one another, with long paths", async (context) => {
  const { home } = makeWorld(context);
  const directory = join(home, "a".repeat(200), "b,:\\ ".repeat(30));
  const lower = Array.from({ length: 128 }, (_, number) => join(directory, String(number)));
  for (const [number, path] of lower.entries()) {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "top"), `${number}\n`);
    writeFileSync(join(path, `file${number}`), "");
  }
  for (const name of ["up", "work"]) mkdirSync(join(directory, name));
  const toml =
    hostTree +
    `[[mount]]\ntype = "overlay"\ntarget = "/layers"\nlower = ${JSON.stringify(lower)}\noverlay = "fuse"\n` +
    `upper = ${JSON.stringify(join(directory, "up"))}\nwork = ${JSON.stringify(join(directory, "work"))}\n`;
  const script = "cat /layers/top; ls /layers | wc -l; echo x >/layers/new";
  assert.is(await shout({ toml, command: sh(script) }), "0\n129\n");
  assert.equal(readdirSync(join(directory, "up")), ["new"]);
});

withFuse("the layer that is thrown away has the size that is said", async () => {
  const script = "head -c 3000000 /dev/zero >/opt/big 2>/dev/null && echo fits || echo full";
  const sized = (size: string) => overHost("", `writable = "ephemeral"\nsize = "${size}"\n`);
  assert.is(await shout({ toml: sized("1M"), command: sh(script) }), "full\n");
  assert.is(await shout({ toml: sized("8M"), command: sh(script) }), "fits\n");
});

withFuse(
  "the host's /proc, /sys and /dev are not in the layers, and neither is what tsjail keeps",
  async (context) => {
    const world = makeWorld(context);
    const { home, env } = world;
    await shout({ toml: overHost("", kept), env, command: ["true"] });
    // Nothing of the jail's own over them.
    const bare = `[root]\ntype = "host"\nwritable = "ephemeral"\noverlay = "fuse"\n[env]\npass = ["PATH", "HOME"]\n`;
    const script = `for d in /proc /sys /dev; do ls -A $d | wc -l; done; ls -A ${home}/.local/share/tsjail 2>&1; ls ${home}`;
    writeFileSync(join(home, "seen"), "");
    const seen = await shout({ toml: bare, env, command: sh(script) });
    assert.is(seen, "0\n0\n0\nseen\n");
  },
);

withFuse("what is hidden stays hidden, whatever is tried with its name", async (context) => {
  const { home, env } = makeWorld(context);
  mkdirSync(join(home, "private"));
  writeFileSync(join(home, "private/key"), "key\n");
  writeFileSync(join(home, "seen"), "seen\n");
  const toml = overHost().replace("[user]", `[files]\nhide = ["${home}/private"]\n[user]`);
  const script = `cd ${home}; for i in 1 2 3; do
      mkdir private; rmdir private; ln -s seen private; mkdir new$i; rm -rf private
      perl -e 'rename("private", "x"); mkdir("private"); rename("new1", "private"); link("seen", "private")
        rename("${home}", "${home}.x"); open F, "${home}.x/private/key" and print <F>; rename("${home}.x", "${home}")'
    done 2>/dev/null; cat private/key 2>&1; ls -A private | wc -l; cat seen`;
  const seen = await shout({ toml, env, command: sh(script) });
  assert.match(seen, /No such file.*\n0\nseen\n$/);
  assert.not.match(seen, /^key$/m);
});

withFuse(
  "what is hidden, or has something of the jail's own over it, the server can't see either",
  async (context) => {
    const { home, env } = makeWorld(context);
    for (const name of ["private", "open", "own"]) {
      mkdirSync(join(home, name));
      writeFileSync(join(home, name, "key"), "key\n");
    }
    const files = `[files]\nhide = ["${home}/private"]\ntmpfs = ["${home}/own"]\n`;
    const running = startJail({
      toml: overHost().replace("[user]", `${files}[user]`),
      env,
      command: sh("echo up; read line; true"),
      stdio: ["pipe", "pipe", "pipe"],
    });
    await running.waitFor("up");
    const server = listServers().find(({ parent }) => parent === running.child.pid);
    const look = (path: string) => readdirSync(`/proc/${server?.pid}/root/sys/0${path}`);
    assert.equal(
      ["private", "open", "own"].map((name) => look(join(home, name))),
      [[], ["key"], []],
    );
    assert.equal([look("/proc"), look("/sys"), look("/dev")], [[], [], []]);
    running.child.stdin?.end();
    assert.is((await running.ended).status, 0);
  },
);

withFuse("the server is out of the jail's reach: no descriptor, no process, no path of its own", async () => {
  const script = `ls -l /proc/*/fd 2>/dev/null | grep -c 'fuse$'; cat /proc/*/comm | grep -c 'fuse-overlay[f]s'
    ls /dev/fuse 2>&1 | grep -c 'No such file'; ls -d /sys/upper /sys/0 2>&1 | grep -c 'No such file'`;
  assert.is(await shout({ toml: overHost(), command: sh(`${script}; true`) }), "0\n0\n1\n2\n");
});

withFuse(
  "the server has nothing open but its layers, its connection and the lock, and no environment",
  async (context) => {
    const { env, layers } = makeWorld(context);
    const running = startJail({
      toml: overHost("", kept),
      env: { ...env, SECRET_OF_CALLER: "1" },
      command: sh("echo up; read line; true"),
      stdio: ["pipe", "pipe", "pipe"],
    });
    await running.waitFor("up");
    const server = listServers().find(({ parent }) => parent === running.child.pid);
    const look = (name: string) => readFileSync(`/proc/${server?.pid}/${name}`, "latin1");
    assert.is(look("environ"), "");
    assert.is(server?.session, server?.pid);
    const open = readdirSync(`/proc/${server?.pid}/fd`).map((fd) =>
      execFileSync("readlink", [`/proc/${server?.pid}/fd/${fd}`], { encoding: "utf8" }).trim(),
    );
    assert.ok(
      open.some((path) => /\/fuse$/.test(path)),
      open.join(" "),
    );
    assert.ok(open.includes(join(layers, "work/lock")));
    const rest = open.filter(
      (path) => !/^(pipe:|(\/dev)?\/fuse$|\/sys\/|\/$)/.test(path) && !path.startsWith(layers),
    );
    assert.equal(rest, []);
    running.child.stdin?.end();
    assert.is((await running.ended).status, 0);
    assert.equal(
      listServers().filter(({ pid }) => pid === server?.pid),
      [],
    );
  },
);

for (const victim of ["monitor", "server", "init"] as const) {
  withFuse(`SIGKILL to the ${victim}: nothing is left, and the layer is of use`, async (context) => {
    const world = makeWorld(context);
    const { env } = world;
    const toml = overHost("", kept);
    await shout({ toml, env, command: sh("echo kept >/opt/new; rm /etc/debian_version") });
    const running = startJail({ toml, env, command: sh("echo more >>/opt/new; echo up; sleep 60") });
    await running.waitFor("up");
    const monitor = running.child.pid as number;
    const children = listProcesses().filter(({ parent }) => parent === monitor);
    const server = children.find(({ words }) => words.includes("fuse-overlayfs -f"));
    // The one with children; the other one that has none tells credentials.
    const init = children.find(({ pid }) => listProcesses().some(({ parent }) => parent === pid));
    const pid = { monitor, server: server?.pid, init: init?.pid }[victim];
    assert.ok(pid !== undefined && init !== undefined && server !== undefined);
    process.kill(pid, "SIGKILL");
    const { status, signal } = await running.ended;
    assert.ok(victim === "monitor" ? signal === "SIGKILL" : status === 137, `${status} ${signal}`);
    const left = () => listProcesses().filter((each) => [init.pid, server.pid].includes(each.pid));
    await until(() => left().length === 0, "everything to end");
    await until(() => !run(world, "layer", "ls").includes("in use"), "the layer to be let go of");
    const seen = await shout({ toml, env, command: sh("cat /opt/new; ls /etc/debian_version 2>&1; true") });
    assert.match(seen, /^kept\n(more\n)?.*No such file/);
  });
}

withFuse(
  "while a jail has the layer no other gets it, and it is unlocked when tsjail returns",
  async (context) => {
    const { env } = makeWorld(context);
    const toml = overHost("", kept);
    const running = startJail({
      toml,
      env,
      command: sh("echo up; read line; true"),
      stdio: ["pipe", "pipe", "pipe"],
    });
    await running.waitFor("up");
    const second = await jail({ toml, env, command: ["true"] });
    assert.is(second.status, 125);
    assert.match(
      second.stderr,
      new RegExp(`The jail of process ${running.child.pid} is writing to this layer`),
    );
    running.child.stdin?.end();
    await running.ended;
    assert.is((await jail({ toml, env, command: ["true"] })).status, 0);
  },
);

const program = ({ home, env }: World, text: string) => {
  const path = join(home, "fuse-overlayfs");
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return { ...env, TSJAIL_FUSE_OVERLAYFS: path };
};

withFuse("an image is a root in layers of fuse-overlayfs too, kept and committed", async (context) => {
  const world = makeWorld(context);
  const { home, env } = world;
  for (const name of ["etc", "bin", "data/old"]) mkdirSync(join(home, "tree", name), { recursive: true });
  writeFileSync(join(home, "tree/etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  for (const name of ["data/old/file", "data/gone"]) writeFileSync(join(home, "tree", name), "old\n");
  execFileSync("tar", ["-C", join(home, "tree"), "-cf", join(home, "plain.tar"), "."]);
  run(world, "image", "import", join(home, "plain.tar"), "--name", "plain");
  const toml = `${hostPrograms}[root]\ntype = "image"\nimage = "IMAGE"\nOVER${emulated}`;
  const start = (image: string, over: string, script: string) =>
    shout({ toml: toml.replace("IMAGE", image).replace("OVER", over), env, command: sh(script) });
  const script = "cd /data; rm gone; rm -r old; mkdir old; echo new >old/new; cat old/*; ls";
  assert.is(await start("plain", `${kept}overlay = "fuse"\n`, script), "new\nold\n");
  run(world, "commit", "work", "changed");
  for (const overlay of ["kernel", "fuse"])
    assert.is(
      await start(
        "changed",
        `writable = "ephemeral"\noverlay = "${overlay}"\n`,
        "cd /data; ls; ls old; cat old/new",
      ),
      "old\nnew\nnew\n",
    );
});

withFuse("it is not installed: the message says how to install it", async (context) => {
  const { env } = makeWorld(context);
  const missing = { ...env, TSJAIL_FUSE_OVERLAYFS: "/nowhere/fuse-overlayfs" };
  const { status, stderr } = await jail({ toml: overHost(), env: missing, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, /fuse-overlayfs is not installed, and is to lay the layers/);
  assert.match(stderr, /asked for by root\.writable in \S+:\d+/);
  assert.match(stderr, /sudo apt-get install fuse-overlayfs/);
  assert.is((await jail({ toml: overHost(), env, command: ["true"] })).status, 0);
});

test("it fails to start: its own first line is shown, and nothing is left", async (context) => {
  const world = makeWorld(context);
  const env = program(world, "echo 'no layers today' >&2; echo second >&2; exit 3");
  const { status, stderr } = await jail({ toml: overHost("", kept), env, command: ["true"] });
  assert.is(status, 125);
  assert.match(stderr, /fuse-overlayfs has ended/, stderr);
  assert.match(stderr.replace(/\s+/g, " "), /ended with status 3 and said: no layers today /);
  assert.not.match(stderr, /second/);
  await until(() => !run(world, "layer", "ls").includes("in use"), "the layer to be let go of");
});

test("it says nothing, or can't be executed", async (context) => {
  const world = makeWorld(context);
  const silent = await jail({ toml: overHost(), env: program(world, "exit 0"), command: ["true"] });
  assert.is(silent.status, 125);
  assert.match(silent.stderr, /ended with status 0 and said nothing/);
  const env = program(world, "");
  writeFileSync(join(world.home, "fuse-overlayfs"), "#!/nowhere/sh\n");
  const unfit = await jail({ toml: overHost(), env, command: ["true"] });
  assert.is(unfit.status, 125);
  assert.match(unfit.stderr.replace(/\s+/g, " "), /fuse-overlayfs can't be executed/, unfit.stderr);
});

test("it never answers: a signal ends the start, and it with it", async (context) => {
  const world = makeWorld(context);
  const env = program(world, "exec sleep 71");
  const running = startJail({ toml: overHost(), env, command: ["true"] });
  const sleeping = () => listProcesses().filter(({ words }) => words === "sleep 71");
  await until(() => sleeping().length > 0, "the program to be started");
  running.child.kill("SIGTERM");
  assert.is((await running.ended).status, 143);
  assert.equal(sleeping(), []);
});

/** A jail around tsjail, as a machine that is made so. */
const around = (more: string) => {
  const isRoot = process.getuid?.() === 0;
  const range = isRoot ? "map = [{ inside = 0, outside = 100000, count = 65536 }]\n" : "";
  return `${hostTree}[user]\nuid = 1000\ngid = 1000\n${range}[namespaces]\nnested = true\n${more}`;
};

for (const [what, device, fix] of [
  ["there is no /dev/fuse", "", /there is no \/dev\/fuse.*sudo modprobe fuse/s],
  ["/dev/fuse is closed", "closed", /you may not open \/dev\/fuse.*chmod 0666 \/dev\/fuse.*udev/s],
] as const) {
  withFuse(`${what}: the message says what to do`, async (context) => {
    const { home } = makeWorld(context);
    writeFileSync(
      join(home, "inner.toml"),
      overHost().replace('type = "proc"', 'type = "tmpfs"\ntarget = "/proc"'),
    );
    const closed = join(home, "closed");
    writeFileSync(closed, "");
    let source = "/etc/shadow";
    if (process.getuid?.() === 0) {
      chmodSync(closed, 0o600);
      chownSync(closed, 12345, 12345);
      source = closed;
    }
    const more = device === "" ? "" : mount("bind", { source, target: "/dev/fuse", readonly: false });
    const script = `export HOME=/dev/shm; cd /; ${tsjail} -p ${home}/inner.toml true; echo $?`;
    const { stdout, stderr } = await jail({ toml: around(more), command: sh(script) });
    assert.is(stdout, "125\n", stderr);
    assert.match(stderr, fix);
  });
}

withFuse("where the jail may write beside the server, there is no start", async (context) => {
  const { home, env } = makeWorld(context);
  for (const name of ["shared", "lower"]) mkdirSync(join(home, name));
  const bind = (target: string, readonly: boolean) =>
    mount("bind", { source: `${home}/shared`, target, readonly });
  const moved = await jail({ toml: overHost(bind("/mnt", false)), env, command: ["true"] });
  assert.is(moved.status, 125);
  assert.match(moved.stderr, /The jail may write to \S+\/shared, which fuse-overlayfs shows at \/ as well/);
  assert.match(moved.stderr, /overlay = "kernel"/);
  // Read-only, at its own path, or with something of the jail's own over it.
  for (const more of [
    bind("/mnt", true),
    bind(`${home}/shared`, false),
    mount("tmpfs", { target: home }) + bind("/mnt", false),
  ])
    assert.is((await jail({ toml: overHost(more), env, cwd: "/", command: ["true"] })).status, 0, more);
  const within = `[[mount]]\ntype = "overlay"\ntarget = "/layers"\nlower = ["${home}/shared"]\noverlay = "fuse"\n`;
  const both = await jail({
    toml: hostTree + bind(`${home}/shared`, false) + within,
    env,
    command: ["true"],
  });
  assert.is(both.status, 125);
  assert.is(
    (await jail({ toml: hostTree + bind(`${home}/shared`, true) + within, env, command: ["true"] })).status,
    0,
  );
});

withFuse("what it can't do is said", async (context) => {
  const { env } = makeWorld(context);
  const busy = await jail({
    toml: overHost("", `${kept}busy = "ephemeral"\n`),
    env,
    command: ["true"],
  });
  assert.is(busy.status, 125);
  assert.match(busy.stderr, /can't lay the layers at \/: root\.busy is "ephemeral"/);
});

withFuse(
  "links to the layers are followed on the host today, and never those that a jail has left",
  async (context) => {
    const { home, env } = makeWorld(context);
    for (const name of ["lower", "work", "secret"]) mkdirSync(join(home, name));
    writeFileSync(join(home, "secret/key"), "key\n");
    symlinkSync(join(home, "secret"), join(home, "upper"));
    const toml =
      hostTree +
      `[[mount]]\ntype = "overlay"\ntarget = "/layers"\nlower = ["${home}/lower"]\nupper = "${home}/upper"\nwork = "${home}/work"\noverlay = "fuse"\n`;
    assert.is(await shout({ toml, env, command: sh("cat /layers/key") }), "key\n");
  },
);

withFuse("a layer whose path is longer than any can be is an error, and no more", async () => {
  const server: Operation = {
    ...{ op: "layer_server", origin: "a test", program: "/usr/bin/fuse-overlayfs", options: [], cover: [] },
    scratch: ["mode=0700"],
  };
  const overlay = (place: string): Operation => ({
    ...{ op: "overlay", origin: "a test", lower: ["/usr"], target: "/mnt", set: [], by: "fuse" },
    ...{ upper: `${place}/upper`, work: `${place}/work` },
  });
  const start = (place: string) => runExecutor(["true"], { host: [server], jail: [overlay(place)] });
  const long = await start(`/tmp${"/a".repeat(3000)}`);
  assert.is(long.status, 125, long.stderr);
  assert.match(long.stderr, /ENAMETOOLONG/);
  const place = makeDirectory("served");
  for (const name of ["upper", "work"]) mkdirSync(join(place, name));
  const short = await start(place);
  assert.is(short.status, 0, short.stderr);
  removeDirectory(place);
});
