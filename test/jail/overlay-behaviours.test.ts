// How a layer behaves where it is no ordinary file system: the table of docs/overlays.md, each row tried. In: a lower
// directory, and a layer that is kept, so that one can look into it. Out: what the table says.
import { execFileSync } from "node:child_process";
import { linkSync, lstatSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readAttribute } from "../../src/image/system.ts";
import { loadKoffi } from "../../src/koffi.ts";
import * as assert from "../support/assert.ts";
import { hostTree, makeDirectory, removeDirectory, sh, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: behaviours of layers");

interface Tree {
  readonly lower: string;
  readonly upper: string;
}

interface Behaviour {
  /** The first column of the table. */
  readonly what: string;
  /** The second one. */
  readonly kernel: string;
  /** In the jail, in the directory with the layer. */
  readonly script: string;
  readonly expected: string;
  /** What the layer and what lies below it have then. */
  readonly look?: (tree: Tree) => void;
}

const isWhiteout = (path: string) => lstatSync(path).isCharacterDevice() && lstatSync(path).rdev === 0;
const attribute = readAttribute;

const behaviours: readonly Behaviour[] = [
  {
    what: "a file is renamed",
    kernel: "works: the new name is in the layer, and a whiteout at the old one",
    script: "mv file renamed && cat renamed; ls -d file 2>/dev/null || echo gone",
    expected: "content\ngone\n",
    look: ({ upper }) => assert.ok(isWhiteout(join(upper, "file"))),
  },
  {
    what: "a directory from below is renamed",
    kernel: "EXDEV, as between two file systems: mv copies it",
    script: `perl -e 'print rename("dir", "moved") ? "renamed" : $!{EXDEV} ? "EXDEV" : "other"'; mv dir moved && cat moved/inner`,
    expected: "EXDEVinner\n",
  },
  {
    what: "a directory of the layer's own is renamed",
    kernel: "works",
    script: `mkdir own; perl -e 'print rename("own", "moved") ? "renamed" : "refused"'`,
    expected: "renamed",
  },
  {
    what: "a hard link is made to a file from below",
    kernel: "works: the file is copied up, and both are names of the copy",
    script: "ln file second && echo more >>second && cat file; stat -c %h file",
    expected: "content\nmore\n2\n",
  },
  {
    what: "one of two names of a file from below is written to",
    kernel: "the names part: the other one has what it had",
    script: "echo more >>name1; cat name2",
    expected: "linked\n",
  },
  {
    what: "a file is removed",
    kernel: "works: a whiteout, a character device 0:0, is in the layer",
    script: "rm file; ls -d file 2>/dev/null || echo gone",
    expected: "gone\n",
    look: ({ upper }) => assert.ok(isWhiteout(join(upper, "file"))),
  },
  {
    what: "a directory is removed and made again",
    kernel: "it is empty: the new one is opaque (user.overlay.opaque)",
    script: "rm -r dir; mkdir dir; ls -A dir | wc -l",
    expected: "0\n",
    look: ({ upper }) => assert.is(attribute(join(upper, "dir"), "user.overlay.opaque"), "y"),
  },
  {
    what: "mode and times of a file that is written to",
    kernel: "the mode is copied up; the time is that of the writing",
    script: "echo more >>file; stat -c %a file",
    expected: "640\n",
    look: ({ upper }) => assert.ok(statSync(join(upper, "file")).mtimeMs > Date.UTC(2020)),
  },
  {
    what: "the mode of a file is changed",
    kernel: "all of it is copied up, with its time",
    script: "chmod 600 file; stat -c '%a %Y' file",
    expected: "600 1000000000\n",
    look: ({ upper }) => assert.is(readFileSync(join(upper, "file"), "utf8"), "content\n"),
  },
  {
    what: "extended attributes (user.*)",
    kernel: "are copied up; those named user.overlay.* are the layer's own",
    script: "echo more >>file",
    expected: "",
    look: ({ upper }) => assert.is(attribute(join(upper, "file"), "user.test"), "value"),
  },
  {
    what: "a file is open for reading while it is first written to",
    kernel: "read(2) goes on in the copy",
    script: "exec 3<file; echo more >>file; cat <&3; echo --; cat file",
    expected: "content\nmore\n--\ncontent\nmore\n",
  },
  {
    what: "a directory's mode is changed",
    kernel: "what is in it stays where it is",
    script: "chmod 700 dir; cat dir/inner",
    expected: "inner\n",
    look: ({ upper }) => assert.throws(() => lstatSync(join(upper, "dir/inner")), /ENOENT/),
  },
];

function setAttribute(path: string, name: string, value: string): void {
  const libc = loadKoffi().load(null);
  const call = libc.func(
    "int setxattr(const char *path, const char *name, const char *value, size_t size, int flags)",
  );
  assert.is(call(path, name, value, value.length, 0), 0);
}

function makeTree(directory: string): Tree & { readonly work: string } {
  const [lower, upper, work] = ["lower", "upper", "work"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [join(lower, "dir"), upper, work]) mkdirSync(path, { recursive: true });
  writeFileSync(join(lower, "file"), "content\n", { mode: 0o640 });
  setAttribute(join(lower, "file"), "user.test", "value");
  utimesSync(join(lower, "file"), 1e9, 1e9);
  writeFileSync(join(lower, "dir/inner"), "inner\n");
  writeFileSync(join(lower, "name1"), "linked\n");
  linkSync(join(lower, "name1"), join(lower, "name2"));
  return { lower, upper, work };
}

for (const { what, kernel, script, expected, look } of behaviours) {
  test(`${what}: ${kernel}`, async ({ cleanup }) => {
    const directory = makeDirectory("behaviour");
    cleanup(() => {
      execFileSync("chmod", ["-R", "u+rwx", directory]);
      removeDirectory(directory);
    });
    const tree = makeTree(directory);
    const toml = `${hostTree}[[mount]]\ntype = "overlay"\ntarget = "/layers"\nlower = ["${tree.lower}"]
upper = "${tree.upper}"\nwork = "${tree.work}"\n`;
    assert.is(await shout({ toml, command: sh(`cd /layers; ${script}`) }), expected);
    look?.(tree);
    assert.is(readFileSync(join(tree.lower, "file"), "utf8"), "content\n");
    assert.is(readFileSync(join(tree.lower, "dir/inner"), "utf8"), "inner\n");
  });
}

test("the table of docs/overlays.md has these rows, and no others", () => {
  const page = readFileSync(new URL("../../docs/overlays.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  assert.equal(
    rows.slice(1),
    behaviours.map(({ what, kernel }) => `| ${what} | ${kernel} |`),
  );
});
