// What tsjail relies on at its next start, attacked from inside a jail that has the home writable: kept plans, records
// of trust and profiles. In: a home of the test's own. Out: that nothing of them has changed, and no other directory
// stands in their place, beside the same attempts on a neighbour, which succeed. By other ways: own-ways.test.ts.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { attempt, hostTree, jail, mount, sh, shout, snapshot } from "../support/jail.ts";
import { pause } from "../support/process.ts";
import { suite } from "../support/suite.ts";
import { ask, attack, listPlanted, makeWorld, own, writableHome } from "./own-world.ts";

const test = suite("jail: own directories");

test("kept plans and records can't be read, and profiles can", async (context) => {
  const world = makeWorld(context);
  const script = `try cat ~/.cache/tsjail/plans/kept; try cat ~/.cache/other/kept
    try cat ~/.local/share/tsjail/trusted/record; try cat ~/.local/share/other/record
    try cat ~/.config/tsjail/mine.toml; ls -AR ~/.cache ~/.local | grep -c kept`;
  assert.is(await ask(world, script), "no yes no yes yes 1");
  // Also where the home is shown read-only, and by another path of it.
  const shown = `${hostTree}${mount("bind", { source: "~", target: "/again" })}`;
  const read = `cd /again; try cat .cache/tsjail/plans/kept; try cat .cache/other/kept; try cat .config/tsjail/mine.toml`;
  assert.is(await ask(world, read, { toml: shown }), "no yes yes");
});

test("nothing can be written in them, or put in their place", async (context) => {
  const world = makeWorld(context);
  // A start keeps its plan there, from outside, so times and neighbours change.
  const look = () => own.map((name) => Object.keys(snapshot(join(world.home, name))).filter(isPlain));
  const isPlain = (path: string) => !/\/tsjail\/(code|plans\/.*-\d$)/.test(path);
  const before = look();
  const script = `probe() {
      try touch "$1/x"; try mkdir "$1/y"; try rm -r "$1/$2"; try mv "$1" "$1.old"; try rmdir "$1"; try rm -rf "$1"
      mkdir -p ~/plain/new; try mv -T ~/plain/new "$1"; ln -sfn /tmp ~/plain/link; try mv -T ~/plain/link "$1"
      try chmod 777 "$1"
    }
    probe ~/.cache/tsjail plans; probe ~/.local/share/tsjail trusted; probe ~/.config/tsjail mine.toml`;
  assert.is(await ask(world, script), "no no no no no no no no no ".repeat(3).trim());
  assert.equal(look(), before);
  for (const name of own) assert.is(lstatSync(join(world.home, name)).mode & 0o777, 0o700, name);
  const twin = script.replace(/probe ~\/\.cache.*/s, "probe ~/.cache/other kept");
  assert.is(await ask(world, twin), "yes yes yes yes no yes yes no yes");
});

test("no directory above them can be renamed, removed or replaced", async (context) => {
  const world = makeWorld(context);
  const script = `probe() {
      mkdir -p ~/plain/new; ln -sfn /tmp ~/plain/link
      try mv "$1" ~/gone; try mv "$1" "$1.old"; try rmdir "$1"; try mv -T ~/plain/new "$1"; try mv -T ~/plain/link "$1"
    }
    for place in .cache .local .local/share .config; do probe ~/$place; done`;
  assert.is(await ask(world, script), "no no no no no ".repeat(4).trim());
  // Everything else in them goes as before, and so does a neighbour.
  const twin =
    "try mv ~/plain ~/moved; try mv ~/.cache/other ~/.cache/o2; try touch ~/.cache/new; try mkdir ~/.local/new";
  assert.is(await ask(world, twin), "yes yes yes yes");
  assert.ok(existsSync(join(world.home, "moved/x")));
});

test("two names can't be exchanged with them", async (context) => {
  const world = makeWorld(context);
  const script = `exchange() { mv --exchange --no-copy -T "$1" "$2" 2>/dev/null && echo yes || echo no; }
    mv --help | grep -q exchange || { echo none; exit; }
    mkdir ~/plain/c; exchange ~/.cache ~/plain/c; exchange ~/.cache/tsjail ~/plain/c; exchange ~/.cache/other ~/plain/c`;
  const answer = await ask(world, script);
  assert.ok(answer === "none" || answer === "no no yes", answer);
});

test("the second start, from the kept plan, is as close as the first", async (context) => {
  const world = makeWorld(context);
  await pause(150); // nothing is kept of a profile that was written just now
  const path = join(world.directory, "p.toml");
  writeFileSync(path, writableHome);
  await pause(150);
  const command = sh(
    `${attempt}try touch ~/.cache/tsjail/x; try mv ~/.cache ~/c; try touch ~/.cache/x; rm -f ~/.cache/x`,
  );
  // With TSJAIL_EXECUTOR, as under sanitizers, no plan is kept.
  const env = { ...world.env, TSJAIL_EXECUTOR: "" };
  const { toml: _, ...request } = { toml: "", profile: path, env, command };
  assert.is(await shout(request), "no\nno\nyes\n");
  const plans = readdirSync(join(world.home, ".cache/tsjail/plans"));
  assert.is(plans.length, 2, plans.join(" "));
  const withoutNode = { ...request, env: { ...env, PATH: join(world.directory, "bin") } };
  mkdirSync(join(world.directory, "bin"));
  for (const name of ["sh", "touch", "mv", "rm"])
    symlinkSync(`/bin/${name}`, join(world.directory, "bin", name));
  assert.is(await shout(withoutNode), "no\nno\nyes\n");
});

test("directories that are missing before the start are made, so that the jail can't make them", async (context) => {
  const world = makeWorld(context, false);
  for (const name of [".cache", ".local", ".config"]) rmSync(join(world.home, name), { recursive: true });
  await attack(world, "plant ~; mv ~/.cache ~/c; mv ~/.local ~/l; mv ~/.config ~/d; plant ~");
  assert.equal(listPlanted(world), [".cache/twin/evil"]);
  for (const name of own) assert.is(lstatSync(join(world.home, name)).mode & 0o777, 0o700, name);
});

test("nothing is made where the home is not writable", async (context) => {
  const world = makeWorld(context, false);
  await ask(world, "true", { toml: hostTree, options: ["--no-cache"] });
  assert.equal(
    own.filter((name) => existsSync(join(world.home, name))),
    [],
  );
});

test("a directory that is handed in as a descriptor is the caller's word: it knows nothing of the jail's mounts", async (context) => {
  const world = makeWorld(context);
  const command = sh(
    `${attempt}try cat /proc/self/fd/3/.cache/tsjail/plans/kept; try cat ~/.cache/tsjail/plans/kept`,
  );
  const wrapper = ["sh", "-c", 'exec "$@" 3<"$HOME"', "sh"];
  const request = { toml: writableHome, env: world.env, command, wrapper };
  assert.is(await shout({ ...request, options: ["--fd", "3"] }), "yes\nno\n");
  assert.is(await shout(request), "no\nno\n");
});

test("profiles of the home keep their meaning: none can be put before a shipped one", async (context) => {
  const world = makeWorld(context, false);
  await attack(
    world,
    `printf 'hostname = "evil"\\n' >~/.config/tsjail/base.toml; mv ~/.config ~/c; mkdir -p ~/.config/tsjail; printf 'hostname = "evil"\\n' >~/.config/tsjail/base.toml; touch ~/.config/x`,
  );
  assert.equal(readdirSync(join(world.home, ".config")).sort(), ["other", "tsjail", "x"]);
  assert.is(await shout({ options: ["-p", "base"], env: world.env, command: ["uname", "-n"] }), "tsjail\n");
});

test("a jail that asks for such a directory is refused", async (context) => {
  const world = makeWorld(context);
  for (const [options, message] of [
    [["--bind", join(world.home, ".cache/tsjail")], "no jail may have it"],
    [["--bind", `${join(world.home, ".cache/tsjail/plans")}:/x:rw`], "no jail may have it"],
    [["--bind", `${join(world.home, ".config/tsjail")}:/x:rw`], "no jail may write there"],
    [["--root", join(world.home, ".local/share/tsjail")], "no jail may have it"],
  ] as const) {
    const { status, stdout, stderr } = await jail({
      toml: hostTree,
      options,
      env: world.env,
      command: ["true"],
    });
    assert.equal([status, stdout], [125, ""], stderr);
    assert.match(stderr, message);
    assert.match(stderr, /asked for by .*\n {2}hint: /);
  }
  const shown = ["--bind", `${join(world.home, ".config/tsjail")}:/x`];
  assert.is(
    await shout({ toml: hostTree, options: shown, env: world.env, command: ["cat", "/x/mine.toml"] }),
    "as it was\n",
  );
  assert.is(readFileSync(join(world.home, ".config/tsjail/mine.toml"), "utf8"), "as it was\n");
});
