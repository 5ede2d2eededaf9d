// What can be done to everything that a plan is compiled from, and to what it is not. In: a world with every kind of
// input, all of them an ordinary user's. Out: two tables of changes. Used by inputs.test.ts.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostPrograms, mount } from "../support/jail.ts";
import type { TestContext } from "../support/suite.ts";
import { keepingTimes, makeWorld, type StartWish, type World } from "./world.ts";

/** Uses everything that a profile can use. */
const box = `extends = "../parts/more.toml"
hostname = "\${COLOUR:-plain}"
[env]
pass = ["WORD_*"]
set = { PATH = "/usr/bin:/bin", SECOND = "\${SECOND:-none}" }
[root]
type = "directory"
path = "$BASE/root"
[files]
hide = ["/secret", "/gone"]
${mount("bind", { source: "$BASE/link/below", target: "/data" })}
${mount("bind", { source: "$BASE/nothing", target: "/optional", optional: true })}
${mount("file", { source: "~/motd", target: "/motd" })}`;

const files = {
  "work/box.toml": box,
  "parts/more.toml": `${hostPrograms}[process]\numask = "027"\n`,
  "home/motd": "good day\n",
  "root/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
  "root/etc/group": "root:x:0:\n",
  "root/secret/key": "key\n",
  "real/below/file": "data\n",
  "other/below/file": "else\n",
  "unrelated/file": "nothing\n",
};
export const options = ["-p", "./box.toml"];
export const command = ["/bin/sh", "-c", 'cat /motd /data/file; echo "$WORD_ONE"'];

export function makeBox(context: TestContext): World {
  const world = makeWorld(context, files);
  world.link("link", "real");
  Object.assign(world.environment, { COLOUR: "red", EMPTY: "", WORD_ONE: "a token" });
  return world;
}

export interface Change {
  readonly what: string;
  readonly change: (world: World) => unknown;
  /** The start that follows, where it is not the same as before. */
  readonly wish?: (world: World) => StartWish;
  readonly options?: readonly string[];
  readonly command?: readonly string[];
}

const nothing = (): void => {};

/** Everything that can be done to a file, or with it, without leaving another path. */
function changesOf(name: string): Change[] {
  const rewrite = (path: string) => {
    const bytes = readFileSync(path);
    const at = bytes.lastIndexOf("o");
    bytes[at === -1 ? 0 : at] = 0x65;
    return bytes;
  };
  const replace = (world: World, fresh: string) => renameSync(fresh, world.at(name));
  const copy = ({ path, at }: World) => {
    copyFileSync(at(name), `${path}/copy`);
    return `${path}/copy`;
  };
  const changes: Change[] = [
    {
      what: "other content of the same size, the time put back",
      change: ({ at }) => keepingTimes(at(name), () => writeFileSync(at(name), rewrite(at(name)))),
    },
    {
      what: "the same content, written once more",
      change: ({ at }) => keepingTimes(at(name), () => writeFileSync(at(name), readFileSync(at(name)))),
    },
    { what: "replaced by a copy, with rename", change: (world) => replace(world, copy(world)) },
    {
      what: "replaced by a link to it",
      change: (world) => {
        const fresh = copy(world);
        unlinkSync(world.at(name));
        symlinkSync(fresh, world.at(name));
      },
    },
    { what: "touched", change: ({ at }) => utimesSync(at(name), new Date(), new Date()) },
    { what: "another mode", change: ({ at }) => chmodSync(at(name), 0o640) },
    { what: "removed", change: ({ at }) => unlinkSync(at(name)) },
    {
      what: "a directory instead",
      change: ({ at }) => {
        unlinkSync(at(name));
        mkdirSync(at(name));
      },
    },
    {
      what: "longer",
      change: ({ at }) => keepingTimes(at(name), () => writeFileSync(at(name), "\n", { flag: "a" })),
    },
  ];
  return changes.map((one) => ({ ...one, what: `${name}: ${one.what}` }));
}

/** A directory on the way of a path. */
function changesOfDirectory(name: string): Change[] {
  return [
    {
      what: `${name}/: a link to it instead`,
      change: ({ at }) => {
        renameSync(at(name), at("moved"));
        symlinkSync(at("moved"), at(name));
      },
    },
    {
      what: `${name}/: removed`,
      change: ({ at }) => rmSync(at(name), { recursive: true }),
    },
    {
      what: `${name}/: a file instead`,
      change: ({ at }) => {
        rmSync(at(name), { recursive: true });
        writeFileSync(at(name), "");
      },
    },
  ];
}

const variable = (what: string, env: Readonly<Record<string, string | undefined>>): Change => ({
  what: `variable ${what}`,
  change: nothing,
  wish: () => ({ env }),
});

const otherCommandLine = (...words: string[]): Change => ({
  what: `options: ${words.map((word) => JSON.stringify(word)).join(" ")}`,
  change: nothing,
  options: words,
});

export const seen: Change[] = [
  ...["work/box.toml", "parts/more.toml", "home/motd", "root/etc/passwd", "root/etc/group"].flatMap(
    changesOf,
  ),
  ...["pkg/dist/cli.cjs", "pkg/dist/run.cjs", `pkg/dist/linux-${process.arch}/tsjail`].flatMap((name) =>
    changesOf(name).filter(({ what }) => /copy|touched|written/.test(what)),
  ),
  ...["real/below", "root/secret", "root/etc", "root"].flatMap(changesOfDirectory),
  {
    what: "link on the way of a bind: leads elsewhere",
    change: ({ at }) => {
      unlinkSync(at("link"));
      symlinkSync("other", at("link"));
    },
  },
  {
    what: "link on the way of a bind: says the same in other words",
    change: ({ at }) => {
      unlinkSync(at("link"));
      symlinkSync("./real", at("link"));
    },
  },
  {
    what: "link on the way of a bind: a directory",
    change: ({ at }) => {
      unlinkSync(at("link"));
      renameSync(at("real"), at("link"));
    },
  },
  { what: "the optional source of a bind: there now", change: ({ write }) => write("nothing", "") },
  { what: "a hidden path: there now", change: ({ write }) => write("root/gone", "") },
  { what: "root/: a new entry", change: ({ write }) => write("root/new", "") },
  {
    what: "root/: an entry of another name",
    change: ({ at }) => renameSync(at("root/secret"), at("root/s")),
  },
  { what: "root/etc/: a file that tsjail makes itself", change: ({ write }) => write("root/etc/hosts", "") },
  { what: "root/etc/hosts: a link to nothing", change: ({ link }) => link("root/etc/hosts", "nowhere") },
  { what: "root/etc/: a new entry", change: ({ write }) => write("root/etc/new", "") },
  variable("COLOUR: another value", { COLOUR: "blue" }),
  variable("COLOUR: not set", { COLOUR: undefined }),
  variable("COLOUR: empty", { COLOUR: "" }),
  variable("SECOND: set", { SECOND: "2" }),
  variable("SECOND: set, and empty", { SECOND: "" }),
  variable("HOME: another home", { HOME: "/" }),
  variable("HOME: not set", { HOME: undefined }),
  variable("HOME: the same in other words", { HOME: "/../" }),
  variable("BASE: not set", { BASE: undefined }),
  variable("SHELL: another", { SHELL: "/bin/bash" }),
  variable("XDG_DATA_HOME: another", { XDG_DATA_HOME: "/nowhere" }),
  {
    what: "TSJAIL_EXECUTOR: the same one by name",
    change: nothing,
    wish: ({ at }) => ({ env: { TSJAIL_EXECUTOR: at(`pkg/dist/linux-${process.arch}/tsjail`) } }),
  },
  {
    what: "the current directory",
    change: ({ at }) => cpSync(at("work"), at("elsewhere"), { recursive: true, preserveTimestamps: true }),
    wish: ({ at }) => ({ cwd: at("elsewhere") }),
  },
  {
    what: "the current directory: another of that name",
    change: ({ at }) => {
      renameSync(at("work"), at("old"));
      mkdirSync(at("work"));
      copyFileSync(at("old/box.toml"), at("work/box.toml"));
    },
  },
  {
    what: "the package: moved",
    change: ({ at }) => renameSync(at("pkg"), at("pkg2")),
    wish: ({ at }) => ({ program: at("pkg2/bin/tsjail") }),
  },
  {
    what: "the package: by way of a link",
    change: ({ link }) => link("pkg2", "pkg"),
    wish: ({ at }) => ({ program: at("pkg2/bin/tsjail") }),
  },
  otherCommandLine("-p", "box.toml"),
  otherCommandLine("-p./box.toml"),
  otherCommandLine("--profile", "./box.toml"),
  otherCommandLine(...options, "--net", "none"),
  otherCommandLine("--net", "none", ...options),
  otherCommandLine(...options, "run"),
  otherCommandLine("run", ...options),
  otherCommandLine(...options, "--no-cache"),
  otherCommandLine("--no-cache", ...options),
];

export const unseen: Change[] = [
  { what: "a file that nobody looked at", change: ({ write }) => write("unrelated/file", "changed") },
  { what: "a new file beside the profile", change: ({ write }) => write("work/other.toml", "x = 1") },
  { what: "what a bind shows", change: ({ write }) => write("real/below/new", "") },
  { what: "what a hidden directory holds", change: ({ write }) => write("root/secret/new", "") },
  {
    what: "a hard link to the profile's bytes elsewhere",
    change: ({ write }) => write("unrelated/new", box),
  },
  { what: "a variable that nothing uses", change: nothing, wish: () => ({ env: { OTHER: "1" } }) },
  { what: "another command", change: nothing, command: ["/bin/echo", "hello"] },
  { what: "a command after --", change: nothing, command: ["--", "/bin/echo", "hello"] },
  { what: "another PATH", change: nothing, wish: () => ({ env: { PATH: "/nowhere/else" } }) },
];
