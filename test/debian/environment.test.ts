// A Debian as an environment: imported, entered, installed into, left, entered again, compared, made an image of, exported,
// and read by others. In: the Debian that all tests share, and the mirror.
// time-limit: 400s
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { findDebian, mirrorKey, needsDebian, readSuite, serveMirror } from "../support/debian.ts";
import { scratch } from "../support/executor.ts";
import { tsjail } from "../support/jail.ts";
import { watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

const test = suite("debian: environment").needs(...needsDebian, "command:skopeo");

test("a Debian is a system of one's own", { timeLimit: 360 }, async (context) => {
  const home = join(scratch(), "environment");
  mkdirSync(home);
  const port = await serveMirror(context);
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    SHELL: "/bin/bash",
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME,
  };
  const run = async (...words: readonly string[]): Promise<string> => {
    const child = spawn(tsjail, words, { cwd: home, env, stdio: ["ignore", "pipe", "pipe"] });
    const { status, stdout, stderr } = await watch(child, 200).ended;
    assert.is(status, 0, `${words.join(" ")}\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`);
    return stdout;
  };
  await run("image", "import", await findDebian(), "--name", "debian");
  await run("env", "create", "deb", "--image", "debian");

  // As oneself, with the system's own shell and the skeleton of a home.
  const name = execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
  const uid = process.getuid?.();
  assert.is(
    await run("@deb", "bash", "-lc", "id -un; id -u; echo $HOME; ls -A ~ | head -n 1"),
    `${name}\n${uid}\n${home}\n.bash_logout\n`,
  );

  const sources = `deb http://127.0.0.1:${port} ${readSuite()} main`;
  const prepare = `rm -rf /etc/apt/sources.list.d; echo "${sources}" > /etc/apt/sources.list; base64 -d > /etc/apt/trusted.gpg.d/mirror.gpg <<E\n${mirrorKey()}\nE`;
  await run("@deb", "--user", "root", "sh", "-c", prepare);
  await run(
    "@deb",
    "--user",
    "root",
    "sh",
    "-c",
    "apt-get update && apt-get install -y openssh-server postfix man-db git",
  );
  assert.match(await run("@deb", "git", "--version"), /^git version/);
  // Packages have made users beside the environment's own.
  const users = await run("@deb", "cut", "-d:", "-f1", "/etc/passwd");
  for (const user of ["root", "postfix", "sshd", name]) assert.ok(users.split("\n").includes(user), users);

  const changes = await run("diff", "deb");
  assert.match(changes, /^\+ \/usr\/bin\/git$/m);
  assert.match(changes, /^~ \/var\/lib\/dpkg\/status$/m);

  await run("commit", "-m", "with git", "deb", "debian-git");
  assert.match(await run("-p", "image", "--image", "debian-git", "git", "--version"), /^git version/);
  await run("image", "export", "debian-git", "debian-git.tar");
  const read = execFileSync("skopeo", ["inspect", "--config", "oci-archive:debian-git.tar"], {
    cwd: home,
    encoding: "utf8",
    env,
  });
  const { rootfs, history } = JSON.parse(read);
  assert.is(rootfs.diff_ids.length, 2);
  assert.is(history.at(-1).comment, "with git");
  assert.ok(readFileSync(join(home, "debian-git.tar")).length > 100_000_000);

  await run("env", "rm", "deb");
  // The image of it goes on without it, and a throw-away Debian on the first one never had git.
  assert.match(await run("-p", "image", "--image", "debian-git", "git", "--version"), /^git version/);
  assert.is(await run("-p", "debian", "sh", "-c", "command -v git || echo none"), "none\n");
});
