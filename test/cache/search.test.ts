// Which file is the profile, and whether it is trusted: whatever decides that is an input of the plan as well. In: files
// and variables that come before the ones in use. Out: a cold start. The other inputs: inputs.test.ts.
// time-limit: 180s
import { chmodSync, mkdirSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { hostPrograms } from "../support/jail.ts";
import { suite } from "../support/suite.ts";
import { expectCold, makeWorld, type StartWish, settle, type World, warmUp } from "./world.ts";

const test = suite("cache: search");
const nothing = (): void => {};

interface Search {
  readonly what: string;
  readonly words: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly change: (world: World) => unknown;
  readonly wish?: (world: World) => StartWish;
}

const plain = `${hostPrograms}[root]\ntype = "empty"\n`;
/** What decides which file is the profile. */
const searches: Search[] = [
  {
    what: "-p NAME, of the user's: one of that name in the current directory",
    words: ["-p", "mine"],
    files: { "config/tsjail/mine.toml": plain },
    change: ({ write }) => write("work/mine.toml", plain),
  },
  {
    what: "-p NAME, that came with tsjail: one of the user's",
    words: ["-p", "untrusted"],
    files: {},
    change: ({ write }) => write("config/tsjail/untrusted.toml", plain),
  },
  {
    what: "-p NAME, that came with tsjail: a dangling link of the user's, then its target",
    words: ["-p", "untrusted"],
    files: {},
    change: ({ link, write }) => {
      link("config/tsjail/untrusted.toml", "there");
      write("config/tsjail/there", plain);
    },
  },
  {
    what: "-p NAME, that came with tsjail: changed",
    words: ["-p", "untrusted"],
    files: {},
    change: ({ write }) => write("pkg/profiles/untrusted.toml", plain),
  },
  {
    what: "-p NAME: another XDG_CONFIG_HOME",
    words: ["-p", "mine"],
    files: { "config/tsjail/mine.toml": plain },
    change: nothing,
    wish: ({ at }) => ({ env: { XDG_CONFIG_HOME: at("home") } }),
  },
  {
    what: "-p NAME: XDG_CONFIG_HOME not set, and HOME's the same",
    words: ["-p", "mine"],
    files: { "config/tsjail/mine.toml": plain },
    change: ({ at }) => renameSync(at("config"), at("home/.config")),
    wish: () => ({ env: { XDG_CONFIG_HOME: undefined } }),
  },
  {
    what: "-p NAME without .toml in the current directory: one with it",
    words: ["-p", "bare"],
    files: { "work/bare": plain },
    change: ({ write }) => write("work/bare.toml", plain),
  },
  {
    what: "no profile: ./tsjail.toml",
    words: [],
    files: {},
    change: ({ write }) => write("work/tsjail.toml", plain),
  },
  {
    what: "no profile: ./tsjail.toml, a directory",
    words: [],
    files: {},
    change: ({ at }) => mkdirSync(at("work/tsjail.toml")),
  },
  {
    what: "no profile: ./tsjail.toml, a dangling link",
    words: [],
    files: {},
    change: ({ link }) => link("work/tsjail.toml", "nowhere"),
  },
  {
    what: "no profile: base.toml changed",
    words: [],
    files: {},
    change: ({ at }) => chmodSync(at("pkg/profiles/base.toml"), 0o600),
  },
];

test("a profile that comes before the one in use is seen", { timeLimit: 120 }, async (context) => {
  for (const one of searches) {
    const world = makeWorld(context, one.files);
    const words = [...one.words, "/bin/echo", "hello"];
    assert.is((await warmUp(world, words)).stdout, "hello\n", one.what);
    one.change(world);
    expectCold(world.tryWarm(words, one.wish?.(world)), one.what);
  }
});

const trusted = {
  "work/tsjail.toml": `extends = "./more.toml"\n${plain}`,
  "work/more.toml": 'hostname = "x"\n',
};
const record = (world: World): string => world.at(`data/tsjail/trusted/${world.recordName()}`);
const untrust: readonly (readonly [string, (world: World) => unknown])[] = [
  ["the record is removed", (world) => unlinkSync(record(world))],
  ["others can write to the record", (world) => chmodSync(record(world), 0o666)],
  [
    "a link instead of the record",
    (world) => {
      const path = record(world);
      renameSync(path, world.at("record"));
      symlinkSync(world.at("record"), path);
    },
  ],
  ["others can write to the records", ({ at }) => chmodSync(at("data/tsjail/trusted"), 0o777)],
  ["the records are moved away", ({ at }) => renameSync(at("data/tsjail/trusted"), at("old"))],
  [
    "a link instead of the records",
    ({ at }) => {
      renameSync(at("data/tsjail/trusted"), at("old"));
      symlinkSync(at("old"), at("data/tsjail/trusted"));
    },
  ],
  ["the profile changes", ({ write }) => write("work/tsjail.toml", trusted["work/tsjail.toml"])],
  ["what it extends changes", ({ write }) => write("work/more.toml", 'hostname = "y"\n')],
];

test("trust that is withdrawn is seen", { timeLimit: 120 }, async (context) => {
  for (const [what, change] of untrust) {
    const world = makeWorld(context, trusted);
    assert.is(world.start(["trust"]).status, 0);
    const words = ["/bin/echo", "hello"];
    assert.is((await warmUp(world, words)).stdout, "hello\n", what);
    change(world);
    expectCold(world.tryWarm(words), what);
  }
});

test("an untrusted profile is never kept, whatever was kept before", async (context) => {
  const world = makeWorld(context, trusted);
  await settle();
  for (let turn = 0; turn < 2; turn++)
    assert.match(world.start(["/bin/true"]).stderr, /has not been trusted/);
  assert.equal(world.list(), []);
});
