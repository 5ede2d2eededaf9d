// The shipped profiles keep their promises. In: a home and a project of our own making, which the profiles find through
// $HOME and the current directory.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import * as assert from "../support/assert.ts";
import {
  attempt,
  type Jail,
  jail,
  makeDirectory,
  removeDirectory,
  sh,
  shout,
  startJail,
} from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: shipped");
const checkout = resolve(import.meta.dirname, "../..");
/** Those that show this machine; the others want a root (environment.test.ts). */
const profiles = ["base", "ci", "dev", "offline", "untrusted"];

interface Surroundings {
  home: string;
  project: string;
  /** What a jail is started with there. */
  where: Pick<Jail, "cwd" | "env">;
}

function makeHome({ cleanup }: TestContext): Surroundings {
  const home = makeDirectory("home");
  cleanup(() => removeDirectory(home));
  const project = join(home, "src/project");
  for (const path of [project, join(home, "src/other"), join(home, ".ssh"), join(home, ".npm")]) {
    mkdirSync(path, { recursive: true });
  }
  writeFileSync(join(home, ".ssh/id_ed25519"), "key\n");
  writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = me\n");
  writeFileSync(join(home, "letter"), "private\n");
  writeFileSync(join(home, "src/other/file"), "other\n");
  writeFileSync(join(project, "file"), "content\n");
  const env = { HOME: home, XDG_CONFIG_HOME: undefined, XDG_CACHE_HOME: undefined, XDG_DATA_HOME: undefined };
  return { home, project, where: { cwd: project, env: { ...env, SECRET_TOKEN: "password" } } };
}

test("none of this machine's is missing here", () => {
  const others = ["alpine", "busybox", "debian", "env", "image", "secrets"];
  assert.equal(
    readdirSync(join(checkout, "profiles")).sort(),
    [...profiles, ...others].map((name) => `${name}.toml`).sort(),
  );
});

for (const profile of profiles) {
  test(`${profile} runs a command, by its name and by its path`, async (context) => {
    const { where } = makeHome(context);
    const byName = await jail({ ...where, profile, command: sh("echo ran; exit 3") });
    assert.equal([byName.status, byName.stdout, byName.stderr], [3, "ran\n", ""]);
    const byPath = await jail({
      ...where,
      profile: join(checkout, `profiles/${profile}.toml`),
      command: ["true"],
    });
    assert.is(byPath.status, 0, byPath.stderr);
  });

  test(`${profile} shows neither keys nor tokens, and no capability is left`, async (context) => {
    const { home, where } = makeHome(context);
    const script = `${attempt}try cat "$1/.ssh/id_ed25519"; try cat "$1/letter"; try cat "$1/src/other/file"
      echo "$SECRET_TOKEN"; sed -n 's/^CapBnd:\\s*//p' /proc/self/status; try unshare -U true; ls -A /run /mnt /media 2>/dev/null | grep -c sock`;
    const output = await jail({ ...where, profile, command: sh(script, home) });
    assert.is(output.stdout, `no\nno\nno\n\n${"0".repeat(16)}\nno\n0\n`);
  });
}

test("base shows the project to nobody, and the home that it gives is empty, writable and forgotten", async (context) => {
  const { home, project, where } = makeHome(context);
  const script = `${attempt}ls -A "$HOME"; try touch "$HOME/new"; try test -e "$1/file"; try touch /tmp/new; try touch /usr/new
    try touch /new; ls /usr/bin/env`;
  for (const _ of ["first", "again"]) {
    const output = await shout({ ...where, profile: "base", command: sh(script, project) });
    assert.is(output, "yes\nno\nyes\nno\nno\n/usr/bin/env\n");
  }
  assert.not.ok(existsSync(join(home, "new")));
  assert.is(readFileSync(join(project, "file"), "utf8"), "content\n");
});

for (const profile of ["dev", "offline"]) {
  test(`${profile} lets the project and the caches be written, and the rest of the home is not there`, async (context) => {
    const { home, project, where } = makeHome(context);
    const script = `${attempt}pwd; echo more >>file; touch "$HOME/.npm/cached"; touch "$HOME/gone"; ls -A "$HOME"
      cat "$HOME/.gitconfig"; try sh -c 'echo x >>"$HOME/.gitconfig"'; try ls "$HOME/.ssh/id_ed25519"; ls "$HOME/src"`;
    const output = await shout({ ...where, profile, command: sh(script) });
    const expected = [
      project,
      ".gitconfig",
      ".npm",
      ".ssh",
      "gone",
      "src",
      "[user]",
      "\tname = me",
      "no",
      "no",
      "project",
    ];
    assert.equal(
      output.split("\n").filter((line) => line !== ".ssh"),
      [...expected.filter((line) => line !== ".ssh"), ""],
    );
    assert.is(readFileSync(join(project, "file"), "utf8"), "content\nmore\n");
    assert.equal(readdirSync(join(home, ".npm")), ["cached"]);
    assert.not.ok(existsSync(join(home, "gone")));
  });
}

test("dev, started in the home itself, still shows no keys", async (context) => {
  const { home, where } = makeHome(context);
  const script = `${attempt}cat letter; ls -A .ssh; try cat .ssh/id_ed25519; try touch new`;
  const output = await shout({ ...where, cwd: home, profile: "dev", command: sh(script) });
  assert.is(output, "private\nno\nyes\n");
  assert.is(readFileSync(join(home, ".ssh/id_ed25519"), "utf8"), "key\n");
});

test("dev has the host's network, the others have their own", async (context) => {
  const { where } = makeHome(context);
  const theirs = readlinkSync("/proc/self/ns/net");
  for (const profile of profiles) {
    const inside = await shout({ ...where, profile, command: ["readlink", "/proc/self/ns/net"] });
    assert.is(inside.trim() === theirs, profile === "dev", profile);
  }
});

test("ci has the same environment whoever starts it", async (context) => {
  const { project, where } = makeHome(context);
  const command = sh("env | sort; umask; pwd; uname -n; test -t 0; ls -A /home; touch /home/ci/new file");
  const run = (env: Record<string, string>, wrapper: string[] = []) =>
    shout({ ...where, env: { ...where.env, ...env }, profile: "ci", command, wrapper });
  const plain = await run({});
  const other = {
    LANG: "de_DE.UTF-8",
    LC_ALL: "C",
    TZ: "Asia/Tokyo",
    USER: "somebody",
    SHELL: "/bin/zsh",
    TERM: "xterm",
  };
  assert.is(await run(other, ["sh", "-c", 'umask 077; exec "$0" "$@"']), plain);
  for (const line of [
    "HOME=/home/ci",
    "USER=ci",
    "LANG=C.UTF-8",
    "TZ=UTC",
    "TERM=dumb",
    "0022",
    project,
    "ci",
  ]) {
    assert.ok(plain.split("\n").includes(line), line);
  }
  assert.match(await run({ SOURCE_DATE_EPOCH: "1700000000" }), /^SOURCE_DATE_EPOCH=1700000000$/m);
});

test("untrusted shows the system's programs, and nothing else of the host", async (context) => {
  const { project, where } = makeHome(context);
  const script = `${attempt}ls -A / /etc /home; awk 'BEGIN { print "awk" }'; try test -e "$1"; cat /etc/passwd | wc -l
    try touch /usr/new; try touch /new; try touch /tmp/new; cp /usr/bin/env /tmp/env && try /tmp/env; try test -e /sys/kernel`;
  const output = await shout({ ...where, profile: "untrusted", command: sh(script, project) });
  const [listing = "", answers] = output.split("awk\n");
  assert.is(answers, "no\n2\nno\nno\nyes\nno\nno\n");
  const names = listing.split("\n").filter((name) => name !== "" && !name.endsWith(":"));
  const known =
    /^(bin|dev|etc|home|lib(32|64|x32)?|proc|sbin|tmp|usr|alternatives|ld[.-].*|group|passwd|host(s|name)|resolv\.conf)$/;
  for (const name of names) assert.match(name, known);
});

test("untrusted holds a program to its limits", async (context) => {
  const { where } = makeHome(context);
  const script = `${attempt}ulimit -n; ulimit -c; try head -c 300M /dev/zero; try sh -c 'head -c 300M /dev/zero >/tmp/big'
    rm -f /tmp/big; try sh -c 'head -c 10M /dev/zero >/tmp/small'; nice`;
  const output = await shout({ ...where, profile: "untrusted", command: sh(script) });
  assert.match(output, /^256\n0\nyes\nno\nyes\n\d+\n$/);
  const ended = await jail({
    ...where,
    profile: "untrusted",
    options: ["--timeout", "300ms"],
    command: ["sleep", "60"],
  });
  assert.is(ended.status, 124);
});

test("untrusted gets what the command line gives it", async (context) => {
  const { project, where } = makeHome(context);
  const options = ["--bind", `${project}:/input`];
  const command = sh(`${attempt}cat /input/file; try touch /input/new`);
  assert.is(await shout({ ...where, profile: "untrusted", options, command }), "content\nno\n");
});

/** A checkout that belongs to whoever runs the tests, as after a clone: npx sets the mode of the program. */
function copyCheckout(home: string): string {
  const copy = join(home, "checkout");
  mkdirSync(copy);
  for (const name of ["bin", "dist", "profiles", "package.json"]) {
    cpSync(join(checkout, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(checkout, "node_modules"), join(copy, "node_modules"));
  return copy;
}

test.needs("command:npx")(
  "the README's command shows what the profile says",
  { timeLimit: 60 },
  async (context) => {
    const { home, where } = makeHome(context);
    const script = "id; hostname; ls /; cat /proc/self/status";
    const words = ["tsjail", "--profile", "profiles/dev.toml", "--", "sh", "-c", script];
    const { stdout, stderr, status } = await startJail({
      cwd: copyCheckout(home),
      env: { ...where.env, npm_config_cache: join(home, ".cache/npm"), npm_config_update_notifier: "false" },
      wrapper: ["npx", ...words],
      timeout: 50,
    }).ended;
    assert.is(status, 0, stderr);
    assert.match(stdout, `uid=${process.getuid?.()}(`);
    assert.match(stdout, /^tsjail$/m);
    assert.match(stdout, /^usr$/m);
    assert.match(stdout, /^CapEff:\s*0{16}$/m);
    assert.match(stdout, /^NoNewPrivs:\s*1$/m);
  },
);
