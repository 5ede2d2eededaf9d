// Root emulation in a real Debian: made by debootstrap in a jail, installed into, upgraded and worked in, by the commands
// and profiles of docs/root-emulation.md. Beside each the same without emulation, which fails.
// time-limit: 600s
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { copyDebian, findDebian, makePlace, needsDebian, readCommands } from "../support/debian.ts";
import { scratch } from "../support/executor.ts";
import type { Outcome } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";

const suiteOfDebian = suite("debian");
const test = suiteOfDebian.needs(...needsDebian);
const chores: (() => unknown)[] = [];
/** What lasts for the whole file. */
const lasting: Pick<TestContext, "cleanup"> = { cleanup: (work) => void chores.push(work) };
suiteOfDebian.after(async () => {
  for (const chore of chores.reverse()) await chore();
});

const leaveOut = (profile: string) => profile.replace("emulate = true", "emulate = false");
const tell = ({ status, stdout, stderr }: Outcome) =>
  `${status}\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`;

/** The lines with which apt, dpkg and the tools that they call complain. */
const complaints = ({ stdout, stderr }: Outcome) =>
  `${stdout}\n${stderr}`.match(/^(E|W|Err|dpkg|chown|chgrp|install|setpriv|su|useradd|groupadd): .*/gm) ?? [];

const commands = readCommands();
const install = commands.at(-1) ?? "";

/** Made once, and kept for the whole file. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function makeScratch(name: string): string {
  const directory = join(scratch(), name);
  mkdirSync(directory);
  return directory;
}

/** A Debian of this file's own. */
const copied = once(async () => {
  const place = await makePlace(lasting, { directory: makeScratch("place") });
  await copyDebian(place);
  return place;
});
/** The same one; what is done in it without emulation is gone with the jail. */
const withoutEmulation = once(async () => {
  const { tree, port } = await copied();
  const change = (profile: string) =>
    leaveOut(profile)
      .replace('writable = "yes"', 'writable = "ephemeral"')
      .replace('"$PWD/debian"', JSON.stringify(tree));
  return makePlace(lasting, { directory: makeScratch("without"), change, port });
});
/** The page's last command. */
const installed = once(async () => {
  const place = await copied();
  return { place, ending: await place.run(install, 300) };
});

/** A script as root of the Debian with everything installed. */
async function tryBoth(script: string): Promise<{ with: Outcome; without: Outcome }> {
  const { place } = await installed();
  const line = `tsjail -p ./debian.toml sh -c ${quote(`exec 2>&1; cd /tmp; ${script}`)}`;
  return { without: await (await withoutEmulation()).run(line), with: await place.run(line) };
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

test("debootstrap makes one", { timeLimit: 300 }, async () => {
  assert.match(install, /^tsjail -p .* apt-get install -y openssh-server postfix man-db'$/);
  const tree = await findDebian();
  const states = readFileSync(join(tree, "var/lib/dpkg/status"), "utf8").match(/^Status: .*/gm) ?? [];
  assert.ok(states.length > 60, String(states.length));
  assert.equal(new Set(states), new Set(["Status: install ok installed"]));
  assert.match(readFileSync(join(tree, "etc/passwd"), "utf8"), /^_apt:/m);
});

test("debootstrap makes none without emulation", { timeLimit: 60 }, async (context) => {
  const bare = await makePlace(context, { change: leaveOut });
  const [make = "", first = ""] = commands;
  assert.is((await bare.run(make)).status, 0);
  const ending = await bare.run(first);
  assert.is.not(ending.status, 0);
  const log = readFileSync(join(bare.tree, "debootstrap/debootstrap.log"), "utf8");
  assert.match(log, /Cannot change ownership to uid \d+, gid \d+: Invalid argument/, tell(ending));
});

test("nothing is fetched or installed without emulation", { timeLimit: 120 }, async () => {
  const bare = await withoutEmulation();
  const stock = await bare.run(install);
  assert.is.not(stock.status, 0);
  assert.match(stock.stderr, /setgroups.*Operation not permitted/, tell(stock));
  // Nor where apt is told to stay root: the packages have files of others.
  const asRoot = install.replaceAll("apt-get ", "apt-get -o APT::Sandbox::User=root ");
  const ending = await bare.run(asRoot);
  assert.is.not(ending.status, 0);
  assert.match(ending.stdout + ending.stderr, /^dpkg: error processing/m, tell(ending));
});

test("packages are installed with no options given", { timeLimit: 300 }, async () => {
  const { place, ending } = await installed();
  assert.is(ending.status, 0, tell(ending));
  assert.equal(complaints(ending), []);
  const script = "dpkg --audit; dpkg-query -W -f '${Package} ${Status}\\n' openssh-server postfix man-db";
  const audit = await place.run(`tsjail -p ./debian.toml sh -c ${quote(script)}`);
  const state = "install ok installed\n";
  assert.is(audit.stdout, `man-db ${state}openssh-server ${state}postfix ${state}`, tell(audit));
});

test("apt fetches as _apt", async () => {
  const { place } = await installed();
  // apt's own way of becoming it, which looks afterwards whether there is a way back
  const ending = await place.run("tsjail -p ./debian.toml /usr/lib/apt/apt-helper drop-privs -- id -un");
  assert.equal([ending.stdout, ending.status], ["_apt\n", 0], tell(ending));
});

test("a package is upgraded, with files of others, a changed setting and an override", {
  timeLimit: 120,
}, async () => {
  const { place } = await installed();
  const script = `set -e; cd /; apt-get install -y tsjail-sample=1.0; echo '# mine' >>/etc/tsjail-sample.conf
    apt-get install -y --reinstall base-files base-passwd man-db openssh-server passwd`;
  const first = await place.run(`tsjail -p ./debian.toml sh -c ${quote(script)}`);
  assert.is(first.status, 0, tell(first));
  assert.equal(complaints(first), []);
  const upgrade =
    "apt-get -y -o APT::Sandbox::User=root -o Dpkg::Options::=--force-confold dist-upgrade >/tmp/log 2>&1 || cat /tmp/log";
  const look = `dpkg-query -W -f '\${Version} \${Status}\\n' tsjail-sample; cd /usr/share/tsjail-sample; ls
    stat -c '%a' . /var/games/tsjail-sample; cat /etc/tsjail-sample.conf; dpkg --audit`;
  const result = await tryBoth(`${upgrade}\n${look}`);
  assert.match(result.without.stdout, /error setting ownership of '.*': Invalid argument/);
  assert.is(
    result.with.stdout,
    "2.0 install ok installed\nonly-in-2.0\nversion\n750\n2775\nversion = 1.0\n# mine\n",
    tell(result.with),
  );
});

const works: readonly (readonly [title: string, script: string, said: string, otherwise: RegExp])[] = [
  [
    "tar unpacks what others own",
    `touch a; tar --owner=mail:8 --group=games:60 -cf a.tar a; rm a; tar -xpf a.tar && stat -c '%n %U' a
    tar -C / -cf - etc var/mail var/spool usr/bin | { mkdir b; tar -C b -xpf -; } && ls b`,
    "a root\netc\nusr\nvar\n",
    /Cannot change ownership to uid 8/,
  ],
  [
    "useradd makes a user, and su becomes them",
    "useradd -m ann && su - ann -c 'id -un; id -gn; pwd; touch mine && ls' && userdel -r ann 2>/dev/null; id -u ann || echo gone",
    "ann\nann\n/home/ann\nmine\nid: 'ann': no such user\ngone\n",
    /^su: cannot set groups: Operation not permitted$/m,
  ],
];

for (const [title, script, said, otherwise] of works) {
  test(title, { timeLimit: 120 }, async () => {
    const result = await tryBoth(script);
    assert.is(result.with.stdout, said, tell(result.with));
    assert.match(result.without.stdout, otherwise);
  });
}

test("git commits and clones as root", { timeLimit: 120 }, async () => {
  const { place } = await installed();
  const script = `set -e; apt-get install -y git >/tmp/log; cd /tmp; git init -q a; cd a
    git config user.name A; git config user.email a@example.org; echo x >x; git add x; git commit -qm one
    git clone -q . ../b; git -C ../b log --format=%s; cat ../b/x`;
  const ending = await place.run(`tsjail -p ./debian.toml sh -c ${quote(script)}`);
  assert.equal([ending.stdout, ending.status], ["one\nx\n", 0], tell(ending));
});
