// The same as own.test.ts by less straight ways: links, binds that are passed over, the same tree at another path, user
// namespaces and overlays inside. In: a home of the test's own. Out: what the next start would find there.
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { attempt, hostPrograms, hostTree, sh } from "../support/jail.ts";
import { skip, suite } from "../support/suite.ts";
import { ask, attack, listPlanted, makeWorld, writable, writableHome } from "./own-world.ts";

const test = suite("jail: ways to own directories");

test("a cache that is a symbolic link can't be exchanged for a directory", async (context) => {
  const world = makeWorld(context, false);
  rmSync(join(world.home, ".cache"), { recursive: true });
  symlinkSync("../data", join(world.home, ".cache"));
  symlinkSync("../data", join(world.home, "plain/link"));
  const script = `try rm ~/.cache; try mv ~/.cache ~/c; try ln -sfn plain ~/.cache; try rm ~/plain/link
    readlink ~/.cache; try ls ~/.cache/`;
  assert.is(await ask(world, script), "no no no yes ../data yes");
  await attack(world, "rm -f ~/.cache; plant ~; mv ~/.cache ~/c; plant ~");
  assert.equal(listPlanted(world), []);
  assert.is(lstatSync(join(world.home, ".cache")).isSymbolicLink(), true);
  // The link's end is writable too, by itself: ours is hidden there.
  await attack(world, "plant ~", { toml: writableHome + writable(world.data) });
  assert.equal(listPlanted(world), [".cache/twin/evil"]);
});

test("a link that leads to nothing yet, inside another writable directory, leads to ours", async (context) => {
  const world = makeWorld(context, false);
  rmSync(join(world.home, ".cache"), { recursive: true });
  symlinkSync("../data/gone/deep", join(world.home, ".cache"));
  const script = `mkdir -p ${world.data}/gone/deep; plant ~; mv ${world.data}/gone ${world.data}/g2; plant ~`;
  await attack(world, script, { toml: writableHome + writable(world.data) });
  assert.equal(listPlanted(world), [".cache/twin/evil"]);
});

test("a home that is a link itself is known by where it leads", async (context) => {
  const world = makeWorld(context, false);
  symlinkSync("home", join(world.directory, "link"));
  const env = { ...world.env, HOME: join(world.directory, "link") };
  const toml = hostTree + writable(world.home);
  await attack(world, `plant ${world.home}; mv ${world.home}/.cache ${world.home}/c; plant ${world.home}`, {
    env,
    toml,
  });
  assert.equal(listPlanted(world), [".cache/twin/evil"]);
});

test("a file in the place of a directory can't be exchanged for one", async (context) => {
  const world = makeWorld(context, false);
  rmSync(join(world.home, ".cache"), { recursive: true });
  writeFileSync(join(world.home, ".cache"), "");
  await attack(world, "rm -f ~/.cache; mv ~/.cache ~/c; plant ~; rm ~/plain/x");
  assert.equal(listPlanted(world), []);
  assert.is(lstatSync(join(world.home, ".cache")).isFile(), true);
  assert.is(existsSync(join(world.home, "plain/x")), false);
});

test("an optional bind that is passed over leaves nothing open", async (context) => {
  const world = makeWorld(context);
  const over = (target: string) => writable("/no/such/place", { target, optional: true });
  for (const place of ["~/.cache", "~/.cache/tsjail", "~/.config", "~/.local/share"]) {
    await attack(world, "plant ~; mv ~/.cache ~/c; mv ~/.config ~/d; plant ~", {
      toml: writableHome + over(place),
    });
    assert.equal(listPlanted(world), [".cache/twin/evil"], place);
    rmSync(join(world.home, ".cache/twin"), { recursive: true });
  }
  const there = writable(world.data, { target: "~/.cache", optional: true });
  assert.is(
    await ask(world, "try touch ~/.cache/tsjail.x; try cat ~/.cache/tsjail/plans/kept", {
      toml: writableHome + there,
    }),
    "yes no",
  );
});

test("no other way to the same tree is open", async (context) => {
  const world = makeWorld(context);
  const toml =
    writableHome +
    writable("~", { target: "/again" }) +
    writable("~/.cache", { target: "/third" }) +
    writable(world.directory, { target: "/above" });
  const script = `for base in /again /above/home /proc/self/root/again /proc/self/cwd/again /proc/1/cwd/again /../again; do plant "$base"
      mv "$base/.cache" "$base/c"; mv "$base/.local" "$base/l"; mv "$base/.config" "$base/d"; plant "$base"
    done 2>/dev/null
    mkdir -p /third/tsjail/plans; echo evil >/third/tsjail/plans/evil
    mv /third/tsjail /third/x; mv /above/home /above/h2; mkdir /above/home && plant /above/home; cd ~/.cache && cd .. && plant .`;
  await attack(world, script, { toml });
  assert.equal(listPlanted(world), [".cache/twin/evil"]);
  assert.equal(readdirSync(world.directory).sort(), ["data", "home"]);
  const move = "try mv /again/plain /again/p2; try mv /above/data /above/d2; try mv /third/other /third/o2";
  assert.is(await ask(world, move, { toml }), "yes yes yes");
});

test("with the data directory below the cache's, or the like, both are closed", async (context) => {
  const world = makeWorld(context, false);
  const base = join(world.home, ".cache");
  const env = {
    ...world.env,
    XDG_CACHE_HOME: base,
    XDG_DATA_HOME: join(base, "tsjail"),
    XDG_CONFIG_HOME: join(base, "tsjail/tsjail"),
  };
  await attack(world, "plant ~; rm -rf ~/.cache/tsjail; plant ~", { env });
  assert.equal(listPlanted(world), [".cache/twin/evil"]);
});

test("directories of other XDG variables are closed beside the usual ones, also without HOME", async (context) => {
  const world = makeWorld(context, false);
  const env = { ...world.env, XDG_CACHE_HOME: join(world.data, "cache") };
  const toml = writableHome + writable(world.data);
  const script = `plant ~; mkdir -p ${world.data}/cache/tsjail/plans ${world.data}/cache/x; touch ${world.data}/cache/tsjail/plans/evil ${world.data}/cache/x/evil`;
  await attack(world, script, { env, toml });
  assert.equal(listPlanted(world), [".cache/twin/evil"]);
  assert.equal(readdirSync(join(world.data, "cache")).sort(), ["tsjail", "x"]);
  assert.is(existsSync(join(world.data, "cache/tsjail/plans/evil")), false);
});

test("in a writable root directory that has the home in it the same holds", async (context) => {
  const world = makeWorld(context);
  const root = join(world.directory, "root");
  mkdirSync(join(root, "home/me/.cache"), { recursive: true });
  const env = { ...world.env, HOME: join(root, "home/me") };
  const toml = `${hostPrograms}\n[root]\ntype = "directory"\npath = ${JSON.stringify(root)}\nwritable = "yes"\n`;
  await attack({ ...world, env }, "plant /home/me; mv /home/me /home/you; mv /home /h; plant /home/me", {
    toml,
    env,
  });
  assert.equal(listPlanted({ ...world, home: join(root, "home/me") }), [".cache/twin/evil"]);
});

const ids = process.getuid?.() === 0 ? "map = [{ inside = 0, outside = 100000, count = 65536 }]\n" : "";
const nested = `${writableHome}[user]\nuid = 1000\ngid = 1000\n${ids}[namespaces]\nnested = true\n`;

test.needs("user", "userns", "command:unshare")(
  "a user namespace inside changes nothing: mounts are locked, and copied with what lies over them",
  { timeLimit: 60 },
  async (context) => {
    const world = makeWorld(context);
    const inside = `${attempt}
      try umount ~/.cache/tsjail; try umount ~/.cache; try umount -l ~/.cache; try umount -R ~; try umount ~/.config/tsjail
      try mount -o remount,rw,bind ~/.config/tsjail; try mv ~/.cache ~/c; try mv ~/.config ~/c; try touch ~/.cache/tsjail/x
      try mount --bind ~ /mnt; try mount --bind ~/.cache /mnt; try mount --bind ~/plain /mnt
      mount --rbind ~ /srv; cd /srv; try umount .cache/tsjail; try umount .cache; try mv .cache c; try touch .cache/tsjail/x; try touch .cache/y`;
    const script = `unshare -Urm sh -c "$1"`;
    const output = await ask(world, script, { toml: nested, command: sh(attempt + script, inside) });
    assert.is(output, "no no no no no no no no no no no yes no no no no yes");
    await attack(
      world,
      `unshare -Urm sh -c "$(declare -f plant 2>/dev/null); mount -t tmpfs t ~/.cache; mkdir -p ~/.cache/tsjail/plans; touch ~/.cache/tsjail/plans/evil"; mv ~/.cache ~/c; plant ~`,
      { toml: nested },
    );
    assert.equal(listPlanted(world), [".cache/twin/evil"]);
  },
);

test.needs(
  "user",
  "userns",
  "command:unshare",
)("nor do overlays over the home, or a handle of it", async (context) => {
  const world = makeWorld(context);
  const inside = `${attempt}
    mkdir -p ~/plain/u ~/plain/w ~/plain/l
    try mount -t overlay -o userxattr,lowerdir="$HOME/plain/l:$HOME/plain/u" o /media
    try mount -t overlay -o userxattr,lowerdir="$HOME" o /mnt
    try mount -t overlay -o userxattr,lowerdir="$HOME/plain/l":"$HOME/.cache" o /mnt
    try cat /mnt/.cache/tsjail/plans/kept /mnt/tsjail/plans/kept`;
  const output = await ask(world, "", { toml: nested, command: sh(`unshare -Urm sh -c "$1"`, inside) });
  if (output.startsWith("no")) skip("no overlays in user namespaces here");
  assert.is(output, "yes no no no");
});
