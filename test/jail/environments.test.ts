// Environments: made, entered, left, entered again, and taken away with all that belongs to them. In: a root with a
// busybox in it, and a home of the test's own.
// time-limit: 300s
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { type Jail, makeDirectory, removeDirectory, tsjail } from "../support/jail.ts";
import { until, watch } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("environments").needs("command:busybox");

interface World {
  readonly home: string;
  readonly data: string;
  readonly env: NonNullable<Jail["env"]>;
  /** Standard output; anything but exit status 0 throws. */
  run(...words: readonly string[]): string;
  /** Exit status and standard error of what must fail. */
  fail(...words: readonly string[]): { status: number; stderr: string };
}

const applets = ["cat", "chown", "id", "ls", "mkdir", "pwd", "rm", "sh", "touch", "true", "env"];

function makeWorld({ cleanup }: TestContext): World {
  const home = makeDirectory("environments");
  cleanup(() => removeDirectory(home));
  const root = join(home, "rootfs");
  for (const path of ["bin", "etc/skel", "root"]) mkdirSync(join(root, path), { recursive: true });
  copyFileSync(
    realpathSync(execFileSync("which", ["busybox"], { encoding: "utf8" }).trim()),
    join(root, "bin/busybox"),
  );
  for (const name of applets) symlinkSync("busybox", join(root, "bin", name));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nother:x:54321:54321::/:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\n");
  writeFileSync(join(root, "etc/skel/.profile"), "# of the image\n");
  const env = { HOME: home, XDG_DATA_HOME: undefined, SHELL: "/bin/zsh" };
  const given = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
  const options = {
    cwd: home,
    encoding: "utf8",
    env: Object.fromEntries(given) as NodeJS.ProcessEnv,
  } as const;
  const world: World = {
    home,
    data: join(home, ".local/share/tsjail"),
    env,
    run: (...words) => execFileSync(tsjail, words, { ...options, stdio: ["ignore", "pipe", "pipe"] }),
    fail(...words) {
      try {
        execFileSync(tsjail, words, { ...options, stdio: ["ignore", "pipe", "pipe"] });
      } catch (error) {
        return error as { status: number; stderr: string };
      }
      throw new Error(`tsjail ${words.join(" ")} did not fail`);
    },
  };
  world.run("image", "import", root, "--name", "small");
  return world;
}

test("an environment is made, entered, left and entered again", (context) => {
  const { run, home } = makeWorld(context);
  run("env", "create", "work", "--image", "small");
  const uid = process.getuid?.();
  const who = run("@work", "sh", "-c", "id -u; id -un; echo $HOME; pwd; ls -a ~; cat /etc/hostname");
  const name = execFileSync("id", ["-un"], { encoding: "utf8" });
  assert.is(who, `${uid}\n${name}${home}\n${home}\n.\n..\n.profile\nwork\n`);
  run("@work", "sh", "-c", "echo home > ~/note; mkdir /opt; echo system > /opt/tool");
  assert.is(run("env", "enter", "work", "cat", `${home}/note`, "/opt/tool"), "home\nsystem\n");
  assert.match(run("diff", "work"), /^\+ \/opt\n\+ \/opt\/tool$/m);
  assert.is(
    run("@work", "--user", "root", "sh", "-c", "id -u; touch /bin/new; chown 7:7 /bin/new && echo yes"),
    "0\nyes\n",
  );
  assert.match(run("env", "ls"), /^work .* over the image small\n$/);
  const [listed] = JSON.parse(run("env", "ls", "--json"));
  assert.equal([listed.name, listed.pid, listed.over], ["work", null, "the image small"]);
});

test("its shell is one that is there", (context) => {
  const { run, data } = makeWorld(context);
  run("env", "create", "work", "--image", "small");
  assert.match(readFileSync(join(data, "envs/work.toml"), "utf8"), /^command = \["\/bin\/sh", "-l"\]$/m);
  const [own, ...others] = run("@work", "cat", "/etc/passwd").trimEnd().split("\n").reverse();
  assert.match(own ?? "", new RegExp(`^[^:]+:x:${process.getuid?.()}:\\d+::[^:]+:/bin/sh$`));
  assert.ok(others.some((line) => line.startsWith("other:x:54321:")));
});

test("a second jail is told who has it, or sees it and changes nothing", async (context) => {
  const { run, fail, home, env } = makeWorld(context);
  run("env", "create", "work", "--image", "small");
  const given = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
  const holder = spawn(tsjail, ["@work", "sh", "-c", "echo there; read line"], {
    cwd: home,
    env: Object.fromEntries(given) as NodeJS.ProcessEnv,
  });
  const running = watch(holder);
  await running.waitFor("there");
  const { status, stderr } = fail("@work", "true");
  assert.is(status, 125);
  assert.match(stderr, /in use by|has it|process \d+/);
  assert.is(fail("env", "rm", "work").status, 125);
  const script = "touch /lost ~/kept; ls / | grep -c lost || true";
  run("@work", "--set", "root.busy=ephemeral", "sh", "-c", script.replace(" | grep -c lost || true", ""));
  holder.stdin.end("\n");
  assert.is((await running.ended).status, 0);
  assert.is(run("@work", "sh", "-c", "ls /lost 2>/dev/null; ls ~/kept"), `${home}/kept\n`);
});

test("projects lie at the same path, and nothing else of the home does", (context) => {
  const { run, home } = makeWorld(context);
  const project = join(home, "src/project");
  mkdirSync(project, { recursive: true });
  writeFileSync(join(home, "letter"), "private\n");
  run("env", "create", "work", "--image", "small", "--project", "src/project");
  run("@work", "sh", "-c", `echo inside > ${project}/result`);
  assert.is(readFileSync(join(project, "result"), "utf8"), "inside\n");
  assert.is(run("@work", "sh", "-c", `cat ${home}/letter 2>/dev/null || echo hidden`), "hidden\n");
});

test("with the host's home, what is secret stays out of sight", (context) => {
  const { run, home } = makeWorld(context);
  mkdirSync(join(home, ".ssh"));
  writeFileSync(join(home, ".ssh/id_ed25519"), "key\n");
  writeFileSync(join(home, "letter"), "to everybody\n");
  run("env", "create", "work", "--image", "small", "--home", "host");
  assert.is(
    run("@work", "sh", "-c", "cat ~/letter; ls ~/.ssh; ls ~/.local/share/tsjail 2>/dev/null; true"),
    "to everybody\n",
  );
});

test("what of the host it may use is what was said", async (context) => {
  const { run, home } = makeWorld(context);
  const socket = join(home, "agent");
  const display = join(home, "wayland-9");
  for (const path of [socket, display]) {
    const server = createServer().listen(path);
    context.cleanup(() => server.close());
    await until(() => existsSync(path), "the socket");
  }
  writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = me\n");
  run("env", "create", "plain", "--image", "small");
  run(
    "env",
    "create",
    "work",
    "--image",
    "small",
    "--with",
    "ssh-agent,git",
    "--with",
    "timezone,locale,display,gpu",
  );
  const script = `test -S "$SSH_AUTH_SOCK" && echo agent; cat "$GIT_CONFIG_GLOBAL" 2>/dev/null
test -S "$WAYLAND_DISPLAY" && echo wayland; echo "$DISPLAY"`;
  const seen = (name: string) =>
    execFileSync(tsjail, [name, "sh", "-c", script], {
      cwd: home,
      encoding: "utf8",
      env: {
        ...{ ...process.env, HOME: home, XDG_DATA_HOME: "", SSH_AUTH_SOCK: socket },
        ...{ XDG_RUNTIME_DIR: home, WAYLAND_DISPLAY: "wayland-9", DISPLAY: ":77" },
      },
    });
  assert.is(seen("@work"), "agent\n[user]\n\tname = me\nwayland\n:77\n");
  assert.is(seen("@plain"), "\n");
});

test("it is removed with its layer and its home, or without the home", (context) => {
  const { run, data } = makeWorld(context);
  const left = () =>
    ["envs", "layers", "volumes"].flatMap((each) => {
      const directory = join(data, each);
      return existsSync(directory) ? readdirSync(directory).filter((name) => !name.startsWith(".")) : [];
    });
  run("env", "create", "work", "--image", "small");
  run("@work", "sh", "-c", "mkdir -p ~/deep/er /opt; touch ~/deep/er/file; busybox chmod 0 ~/deep /opt");
  assert.equal(left().sort(), ["work", "work-home", "work.toml"]);
  run("env", "rm", "work");
  assert.equal(left(), []);
  run("env", "create", "work", "--image", "small");
  run("env", "rm", "work", "--keep-home");
  assert.equal(left(), ["work-home"]);
});

test("a home that was kept is the next one's of that name, and nobody else's", (context) => {
  const { run, fail, data, home } = makeWorld(context);
  const project = join(home, "src/tool");
  mkdirSync(project, { recursive: true });
  run("env", "create", "work", "--image", "small");
  run("@work", "sh", "-c", "echo precious > ~/letter; touch /made");
  run("env", "rm", "work", "--keep-home");
  // Another root that can't be used: what was there before stays.
  assert.match(fail("env", "create", "work", "--image", "nobody").stderr, /no image/);
  run("env", "create", "work", "--image", "small", "--project", project);
  assert.is(
    run("@work", "sh", "-c", `cat ~/letter; ls /made 2>&1; test -d ${project} && echo project`),
    "precious\nls: /made: No such file or directory\nproject\n",
  );
  run("env", "rm", "work");
  assert.not.ok(existsSync(join(data, "volumes/work-home")), "it is its own as the first was");
  run(
    "-p",
    "image",
    "--image",
    "small",
    "--set",
    'volume+=[{ name = "work-home", target = "/srv" }]',
    "true",
  );
  assert.match(
    fail("env", "create", "work", "--image", "small").stderr,
    /There is a volume of that name already/,
  );
});

test("an image that a layer lies over can be removed, and who does it is told", (context) => {
  const { run, home } = makeWorld(context);
  const remove = (name: string) =>
    spawnSync(tsjail, ["image", "rm", name], {
      cwd: home,
      encoding: "utf8",
      env: { ...process.env, HOME: home, XDG_DATA_HOME: "" },
    });
  run("image", "tag", "small", "other");
  run("env", "create", "work", "--image", "small");
  assert.not.match(remove("other").stderr, /lies over/);
  const { status, stderr } = remove("small");
  assert.is(status, 0);
  assert.match(stderr, /warning: The layer work lies over it, and can't be used until the same image/);
});

test("a home that is the host's is none of its own: a volume of that name is somebody else's", (context) => {
  const { run, data } = makeWorld(context);
  const volume = join(data, "volumes/work-home/data");
  run(
    ...["-p", "image", "--image", "small", "--set", 'volume+=[{ name = "work-home", target = "/srv" }]'],
    ...["sh", "-c", "echo precious > /srv/file"],
  );
  run("env", "create", "work", "--image", "small", "--home", "host");
  assert.match(run("env", "ls"), / your home /);
  run("env", "rm", "work");
  assert.is(readFileSync(join(volume, "file"), "utf8"), "precious\n");
  run("volume", "rm", "work-home");
  // A home that was removed a start makes anew, and it is the environment's as the first was.
  run("env", "create", "work", "--image", "small");
  run("volume", "rm", "work-home");
  run("@work", "true");
  assert.ok(existsSync(volume));
  run("env", "rm", "work");
  assert.not.ok(existsSync(volume));
});

test("of several who make the same one, one does, and takes no harm", { timeLimit: 60 }, async (context) => {
  const { run, home, data, env } = makeWorld(context);
  const given = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
  for (let round = 0; round < 4; round++) {
    const name = `work${round}`;
    const makers = Array.from({ length: 3 }, () =>
      watch(
        spawn(tsjail, ["env", "create", name, "--image", "small"], {
          cwd: home,
          env: Object.fromEntries(given) as NodeJS.ProcessEnv,
        }),
      ),
    );
    const ends = await Promise.all(makers.map(({ ended }) => ended));
    assert.equal(ends.map(({ status }) => status).sort(), [0, 125, 125], JSON.stringify(ends));
    for (const { status, stderr } of ends)
      if (status !== 0) assert.match(stderr, /of that name already[\s\S]*tsjail (env|layer|volume) rm work/);
    assert.match(readFileSync(join(data, "layers", name, "upper/etc/passwd"), "utf8"), /^other:/m);
    assert.is(run(`@${name}`, "sh", "-c", "echo whole"), "whole\n");
  }
});

test("what was half made when somebody was killed can be removed, or is gone by itself", (context) => {
  const { run, fail, data } = makeWorld(context);
  mkdirSync(join(data, "envs/.tmp/make-dead"), { recursive: true });
  writeFileSync(join(data, "envs/.tmp/make-dead/work.toml"), "");
  writeFileSync(join(data, "envs/no name.toml"), "");
  for (const half of ["layers/work", "volumes/work-home"]) {
    mkdirSync(join(data, half), { recursive: true });
    const { status, stderr } = fail("env", "create", "work", "--image", "small");
    assert.is(status, 125);
    const advice = /it: tsjail (.*)$/m.exec(stderr)?.[1] ?? "";
    assert.match(advice, /^(layer|volume) rm work/);
    run(...advice.split(" "));
  }
  run("env", "create", "work", "--image", "small");
  assert.equal(readdirSync(join(data, "envs/.tmp")), []);
  assert.match(run("env", "ls"), /^work .*\n$/);
});

test("what a root brings leads nobody out of the new home, nor covers its /etc", (context) => {
  const { run, fail, home, data } = makeWorld(context);
  const root = join(home, "rootfs");
  const [project, outside] = [join(home, "src/project"), join(home, "outside")];
  for (const path of [project, outside, join(root, "usr")]) mkdirSync(path, { recursive: true });
  renameSync(join(root, "etc"), join(root, "usr/etc"));
  symlinkSync("usr/etc", join(root, "etc"));
  writeFileSync(join(root, "usr/etc/os-release"), "NAME=root\n");
  run("env", "create", "linked", "--root", root, "--project", project);
  assert.is(run("@linked", "sh", "-c", "cat /etc/os-release; ls -d /etc/passwd"), "NAME=root\n/etc/passwd\n");
  assert.match(run("@linked", "cat", "/etc/passwd"), new RegExp(`:x:${process.getuid?.()}:`));
  symlinkSync(outside, join(root, "usr/etc/skel/src"));
  const { status, stderr } = fail("env", "create", "led", "--root", root, "--project", project);
  assert.is(status, 125);
  assert.match(stderr, /project .*src\/project has no place in the home/);
  assert.equal(readdirSync(outside), []);
  for (const left of ["envs/led.toml", "layers/led", "volumes/led-home"])
    assert.not.ok(existsSync(join(data, left)), left);
  run("env", "create", "led", "--root", root);
  assert.is(run("@led", "sh", "-c", "ls ~"), "src\n");
});

test("names are names of layers, of volumes and, nearly, of machines", (context) => {
  const { run, fail } = makeWorld(context);
  for (const name of ["a_", "a.b", "x-", "n".repeat(95)]) {
    run("env", "create", name, "--image", "small");
    assert.is(run(`@${name}`, "sh", "-c", "echo in"), "in\n");
  }
  const { stderr } = fail("env", "create", "n".repeat(96), "--image", "small");
  assert.match(stderr, /can't be the name of an environment/);
  assert.match(fail("env", "enter").stderr, /`tsjail env enter` needs the name/);
  assert.match(fail("env", "A=1", "true").stderr, /does not know "A=1"[\s\S]*-- env/);
});

test("it is entered where a plan is kept for other command lines, too", (context) => {
  const { run, fail } = makeWorld(context);
  run("env", "create", "work", "--image", "small");
  for (let round = 0; round < 4; round++) run("sh", "-c", "echo of the host");
  assert.is(run("@work", "sh", "-c", "cat /etc/hostname"), "work\n");
  assert.match(fail("@wrk", "sh").stderr, /There is no environment/);
  assert.is(fail("--", "@work", "sh").status, 127);
});

test("what can't be made leaves nothing, and what isn't there is named", (context) => {
  const { run, fail, data } = makeWorld(context);
  const refused = (message: RegExp, ...words: string[]) => {
    const { status, stderr } = fail(...words);
    assert.is(status, 125, stderr);
    assert.match(stderr, message);
  };
  refused(/There is no image "smal"/, "env", "create", "work", "--image", "smal");
  refused(/needs --image or --root/, "env", "create", "work");
  refused(/can't be the name/, "env", "create", "../x", "--image", "small");
  refused(/--with does not know "sound"/, "env", "create", "work", "--image", "small", "--with", "sound");
  refused(
    /nowhere" can't be used|nowhere can't be used/,
    "env",
    "create",
    "work",
    "--image",
    "small",
    "--project",
    "nowhere",
  );
  for (const each of ["envs", "layers", "volumes"]) assert.ok(!existsSync(join(data, each, "work")), each);
  run("env", "create", "work", "--image", "small");
  refused(/There is an environment of that name already/, "env", "create", "work", "--image", "small");
  refused(/There is no environment "wrk".* @work/, "@wrk", "true");
  refused(/There is no environment wrk/, "env", "rm", "wrk");
  refused(/does not know "start"/, "env", "start", "work");
});

// With TSJAIL_EXECUTOR, as under sanitizers, no plan is kept.
test("a start in one that exists needs no Node", (context) => {
  const { run, home } = makeWorld(context);
  run("env", "create", "work", "--image", "small");
  const directory = join(home, "node");
  mkdirSync(directory);
  const counter = join(home, "starts");
  writeFileSync(join(directory, "node"), `#!/bin/sh\necho x >> ${counter}\nexec ${process.execPath} "$@"\n`, {
    mode: 0o755,
  });
  const start = () =>
    execFileSync(tsjail, ["@work", "sh", "-c", "echo ran"], {
      cwd: home,
      encoding: "utf8",
      env: {
        ...process.env,
        HOME: home,
        XDG_DATA_HOME: "",
        PATH: `${directory}:${process.env.PATH}`,
        TSJAIL_EXECUTOR: "",
      },
    });
  // What had only just been written is looked at once more.
  for (let round = 0; round < 4; round++) assert.is(start(), "ran\n");
  const before = readFileSync(counter, "utf8").length;
  assert.is(start(), "ran\n");
  assert.is(readFileSync(counter, "utf8").length, before);
});

test("the shipped profiles for images find their images by name", (context) => {
  const { run, fail } = makeWorld(context);
  for (const name of ["busybox", "alpine", "debian"]) {
    assert.match(fail("-p", name, "true").stderr, new RegExp(`There is no image "${name}"`));
    run("image", "tag", "small", name);
    const script = "id -u; cat /etc/hostname; touch /new && ls /new || echo refused";
    const written = name === "busybox" ? "refused" : "/new";
    assert.is(run("-p", name, "sh", "-c", `${script} 2>/dev/null`), `0\n${name}\n${written}\n`);
  }
});

test("a root from a tarball: read-only, with a layer to write to, with a volume, and as an image again", (context) => {
  const { run, home } = makeWorld(context);
  execFileSync("tar", ["-C", join(home, "rootfs"), "-czf", join(home, "busybox.tar.gz"), "."]);
  run("image", "import", "busybox.tar.gz", "--name", "busybox:1");
  const profile = (name: string, root: string) =>
    writeFileSync(
      join(home, name),
      `extends = "image"\nroot = { type = "image", image = "busybox:1"${root} }\n` +
        '[[volume]]\nname = "data"\ntarget = "/data"\n',
    );
  profile("plain.toml", "");
  profile("kept.toml", ', writable = "persistent", name = "work"');
  const script =
    "touch /tool 2>/dev/null && echo kept || echo refused; echo more >> /data/log; cat /data/log";
  assert.is(run("-p", "./plain.toml", "sh", "-c", script), "refused\nmore\n");
  assert.is(run("-p", "./kept.toml", "sh", "-c", script), "kept\nmore\nmore\n");
  assert.is(run("-p", "./kept.toml", "ls", "/tool"), "/tool\n");
  assert.is(run("diff", "work"), "+ /tool\n");
  run("commit", "work", "busybox:2");
  run("layer", "rm", "work");
  assert.is(run("-p", "image", "--image", "busybox:2", "ls", "/tool"), "/tool\n");
  run("image", "export", "busybox:2", "out.tar");
  run("image", "rm", "busybox:2");
  run("image", "import", "out.tar", "--name", "again");
  assert.is(run("-p", "image", "--image", "again", "ls", "/tool"), "/tool\n");
  assert.match(run("volume", "ls"), /^data /);
  run("volume", "rm", "data");
});
