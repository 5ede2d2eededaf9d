// What `dev` hides and keeps as it is: keys, browsers, sockets; git's hooks and configuration, shells' start-up files.
// In: a home and a repository of the test's own. Out: what a jail could do, beside neighbours that it can change, and
// that nothing is left on the host; and that git goes on working.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import * as assert from "../support/assert.ts";
import { attempt, type Jail, jail, makeDirectory, removeDirectory, sh, shout } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const all = suite("jail: protected");
const test = all.needs("userns");

interface World {
  readonly home: string;
  readonly project: string;
  readonly request: Jail;
}

function makeWorld({ cleanup }: TestContext): World {
  const top = makeDirectory("protect");
  cleanup(() => removeDirectory(top));
  const [home, project] = [join(top, "home"), join(top, "home/project")];
  mkdirSync(project, { recursive: true });
  const env = {
    HOME: home,
    XDG_CONFIG_HOME: undefined,
    XDG_DATA_HOME: undefined,
    XDG_RUNTIME_DIR: undefined,
  };
  return { home, project, request: { profile: "offline", cwd: project, env } };
}

function put(directory: string, names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), "as it was\n");
  }
}

const git = (cwd: string, ...words: string[]) => {
  const who = ["-c", "user.name=me", "-c", "user.email=me@example.org"];
  const { status, stdout, stderr } = spawnSync("git", [...who, ...words], { cwd, encoding: "utf8" });
  assert.is(status, 0, stderr);
  return stdout;
};

const change = `${attempt}
  write() { echo evil >>"$1"; }
  change() { echo $(try write "$1"; try mv "$1" ./gone; try ln -sfn /tmp "$1"; try rm -rf "$1"; mkdir -p new; try mv -T new "$1"); }
`;

const secrets = [
  ".1password/agent.sock",
  ".aws/credentials",
  ".config/chromium/Default/Cookies",
  ".config/gcloud/credentials.db",
  ".config/google-chrome/Default/Cookies",
  ".config/mozilla/firefox/x",
  ".docker/config.json",
  ".git-credentials",
  ".gnupg/key",
  ".kube/config",
  ".mozilla/firefox/x",
  ".netrc",
  ".npmrc",
  ".pypirc",
  ".ssh/id_ed25519",
  ".thunderbird/x",
];

test("dev in the home itself hides keys, tokens, browsers; and what is beside them is seen", async (context) => {
  const { home, request } = makeWorld(context);
  put(home, [...secrets, ".config/other/x", "letter"]);
  const seen = [...secrets, ".config/other/x", "letter"].map((name) => `try grep -q . ~/${name}`).join("\n");
  const output = await shout({ ...request, cwd: home, command: sh(attempt + seen) });
  assert.equal(output.trim().split("\n"), [...secrets.map(() => "no"), "yes", "yes"]);
  // In a project there is nothing of the home at all.
  const listed = await shout({ ...request, command: sh("ls -A ~") });
  assert.is(listed, "project\n");
});

test("the session's sockets are out of reach, wherever they are, and so are their names", async (context) => {
  const { project, request } = makeWorld(context);
  put(project, ["runtime/x", "sockets/x"]);
  const listen = async (path: string) => {
    const server = createServer((socket) => socket.end("hello"));
    await new Promise<void>((done) => server.listen(path, done));
    context.cleanup(() => server.close());
  };
  await listen(join(project, "runtime/bus"));
  await listen(join(project, "sockets/other"));
  const env = {
    ...request.env,
    XDG_RUNTIME_DIR: join(project, "runtime"),
    SSH_AUTH_SOCK: join(project, "runtime/agent"),
    GPG_AGENT_INFO: "x",
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(project, "runtime/bus")}`,
  };
  const script = `${attempt} try test -S runtime/bus; try test -S sockets/other
    env | grep -c -e DBUS -e SSH_ -e GPG_ -e XDG_RUNTIME; exit 0`;
  for (const profile of ["dev", "offline"])
    assert.is(await shout({ ...request, profile, env, command: sh(script) }), "no\nyes\n0\n");
  // The twin: a profile that says so passes them.
  const options = ["--env", "SSH_AUTH_SOCK"];
  assert.match(await shout({ ...request, env, options, command: ["env"] }), /^SSH_AUTH_SOCK=/m);
});

test("shells' start-up files of a writable home stay as they are, and absent ones are not made", async (context) => {
  const { home, request } = makeWorld(context);
  const present = [".bashrc", ".profile", ".zshrc", ".config/fish/config.fish", ".config/autostart/x"];
  put(home, [...present, "plain", ".config/other/x"]);
  const before = readdirSync(home).sort();
  const lines = [...present, "plain", ".config/other/x"].map((name) => `change ~/${name}`);
  const start = (command: string[]) => shout({ ...request, cwd: home, command });
  await start(["true"]);
  const made = readdirSync(home).filter((name) => !before.includes(name));
  assert.equal(
    made.filter((name) => ![".cache", ".local"].includes(name)),
    [],
    "ghosts",
  );
  const output = await start(sh(change + lines.join("\n")));
  const [no, yes] = ["no no no no no", "yes yes yes yes yes"];
  assert.equal(output.trim().split("\n"), [...present.map(() => no), yes, yes]);
  for (const name of present) assert.is(readFileSync(join(home, name), "utf8"), "as it was\n");
});

const needsGit = all.needs("userns", "command:git");

needsGit("git works, and can't be made to run something outside", { timeLimit: 60 }, async (context) => {
  const { home, project, request } = makeWorld(context);
  git(home, "init", "-q", "origin");
  put(join(home, "origin"), ["file"]);
  git(join(home, "origin"), "add", ".");
  git(join(home, "origin"), "commit", "-qm", "first");
  git(home, "clone", "-q", "origin", "project");
  put(project, [".git/hooks/pre-commit.sample", ".vscode/tasks.json", ".idea/x", "others/x"]);
  const before = [git(project, "config", "--list", "--local"), readdirSync(join(project, ".git/hooks"))];
  const who =
    "export GIT_AUTHOR_NAME=me GIT_AUTHOR_EMAIL=me@example.org GIT_COMMITTER_NAME=me GIT_COMMITTER_EMAIL=me@example.org";
  const work = `set -e; ${who}; echo new >file; git add file; git commit -qm second; git checkout -q -b topic
    echo newer >file; git commit -qam third; git stash list; git checkout -q -; git merge -q topic; git gc -q
    git fetch -q origin; git tag one; git rebase -q topic; git log --format=%s`;
  const options = ["--bind", join(home, "origin")];
  assert.is(await shout({ ...request, options, command: sh(work) }), "third\nsecond\nfirst\n");
  const attack = `${change}
    hook() { printf '#!/bin/sh\n' >.git/hooks/pre-commit; }
    try hook; try git config core.fsmonitor /tmp/evil; try git remote add evil /tmp
    try mv .git .moved; try rm -rf .git/hooks
    change .vscode; change .idea; change .git/hooks; change others; git config evil.x 2>/dev/null; exit 0`;
  const output = await shout({ ...request, command: sh(attack) });
  const [no, yes] = ["no no no no no", "no yes yes yes yes"];
  assert.equal(output.trim().split("\n"), [..."no ".repeat(5).trim().split(" "), no, no, no, yes]);
  assert.equal(
    [git(project, "config", "--list", "--local"), readdirSync(join(project, ".git/hooks"))],
    before,
  );
  // The twin: a profile that takes it out.
  const toml = `extends = "offline"\n[[mount]]\ntype = "none"\ntarget = "$PWD/.git/config"\n`;
  const { profile: _, ...bare } = request;
  assert.is(await shout({ ...bare, toml, command: sh(`${attempt} try git config core.abbrev 9`) }), "yes\n");
});

needsGit("a link in the way is held, and a repository without hooks gets none from us", async (context) => {
  const { project, request } = makeWorld(context);
  git(project, "init", "-q");
  put(project, ["tools/hooks/x"]);
  git(project, "config", "core.abbrev", "9");
  spawnSync("rm", ["-rf", join(project, ".git/hooks")]);
  assert.is((await jail({ ...request, command: ["true"] })).status, 0);
  assert.not.ok(readdirSync(join(project, ".git")).includes("hooks"));
  symlinkSync("../tools/hooks", join(project, ".git/hooks"));
  const script = `${change} change .git/hooks; change tools/hooks; try mv tools moved; try touch tools/y`;
  const output = await shout({ ...request, command: sh(script) });
  assert.equal(output.trim().split("\n"), ["no no no no no", "no no no no no", "no", "yes"]);
});
