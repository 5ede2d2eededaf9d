// How a layer behaves where it is no ordinary file system: the table of docs/overlays.md, each row tried. In: a lower
// directory, and a layer that is kept, so that one can look into it. Out: what the table says.
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
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

interface Outcome {
  /** What comes of it, in the table. */
  readonly says: string;
  readonly expected: string;
  /** What the layer and what lies below it have then. */
  readonly look?: (tree: Tree) => void;
}

interface Behaviour {
  /** The first column of the table. */
  readonly what: string;
  /** In the jail, in the directory with the layer. */
  readonly script: string;
  /** The second one. */
  readonly kernel: Outcome;
  /** The third one; undefined where it is the same. */
  readonly fuse?: Outcome;
}

const isWhiteout = (path: string) => lstatSync(path).isCharacterDevice() && lstatSync(path).rdev === 0;
const attribute = readAttribute;

const behaviours: readonly Behaviour[] = [
  {
    what: "a file is renamed",
    script: "mv file renamed && cat renamed; ls -d file 2>/dev/null || echo gone",
    kernel: {
      says: "works: the new name is in the layer, and a whiteout at the old one",
      expected: "content\ngone\n",
      look: ({ upper }) => assert.ok(isWhiteout(join(upper, "file"))),
    },
  },
  {
    what: "a directory from below is renamed",
    script: `perl -e 'print rename("dir", "moved") ? "renamed" : $!{EXDEV} ? "EXDEV" : "other"'; [ -e moved ] || mv dir moved; cat moved/inner`,
    kernel: { says: "EXDEV, as between two file systems: mv copies it", expected: "EXDEVinner\n" },
  },
  {
    what: "a directory of the layer's own is renamed",
    script: `mkdir own; perl -e 'print rename("own", "moved") ? "renamed" : "refused"'`,
    kernel: { says: "works", expected: "renamed" },
  },
  {
    what: "a hard link is made to a file from below",
    script: "ln file second && echo more >>second && cat file; stat -c %h file",
    kernel: {
      says: "works: the file is copied up, and both are names of the copy",
      expected: "content\nmore\n2\n",
    },
  },
  {
    what: "one of two names of a file from below is written to",
    script: "echo more >>name1; cat name2",
    kernel: { says: "the names part: the other one has what it had", expected: "linked\n" },
    fuse: {
      says: "both have it while the jail lives; in the layer the names have parted",
      expected: "linked\nmore\n",
      look: ({ upper }) =>
        assert.equal(
          ["name1", "name2"].map((name) => existsSync(join(upper, name))),
          [true, false],
        ),
    },
  },
  {
    what: "a file is removed",
    script: "rm file; ls -d file 2>/dev/null || echo gone",
    kernel: {
      says: "works: a whiteout, a character device 0:0, is in the layer",
      expected: "gone\n",
      look: ({ upper }) => assert.ok(isWhiteout(join(upper, "file"))),
    },
  },
  {
    what: "a directory is removed and made again",
    script: "rm -r dir; mkdir dir; ls -A dir | wc -l",
    kernel: {
      says: "it is empty: the new one is opaque (user.overlay.opaque)",
      expected: "0\n",
      look: ({ upper }) => assert.is(attribute(join(upper, "dir"), "user.overlay.opaque"), "y"),
    },
    fuse: {
      says: "it is empty: the new one is opaque (user.fuseoverlayfs.opaque, and a file .wh..wh..opq)",
      expected: "0\n",
      look: ({ upper }) => {
        assert.is(attribute(join(upper, "dir"), "user.fuseoverlayfs.opaque"), "y");
        assert.ok(existsSync(join(upper, "dir/.wh..wh..opq")));
      },
    },
  },
  {
    what: "mode and times of a file that is written to",
    script: "echo more >>file; stat -c %a file",
    kernel: {
      says: "the mode is copied up; the time is that of the writing",
      expected: "640\n",
      look: ({ upper }) => assert.ok(statSync(join(upper, "file")).mtimeMs > Date.UTC(2020)),
    },
  },
  {
    what: "the mode of a file is changed",
    script: "chmod 600 file; stat -c '%a %Y' file",
    kernel: {
      says: "all of it is copied up, with its time",
      expected: "600 1000000000\n",
      look: ({ upper }) => assert.is(readFileSync(join(upper, "file"), "utf8"), "content\n"),
    },
  },
  {
    what: "extended attributes (user.*)",
    script: "echo more >>file",
    kernel: {
      says: "are copied up; those named user.overlay.* are the layer's own",
      expected: "",
      look: ({ upper }) => assert.is(attribute(join(upper, "file"), "user.test"), "value"),
    },
    fuse: {
      says: "are copied up; those named user.fuseoverlayfs.* are the layer's own",
      expected: "",
      look: ({ upper }) => {
        assert.is(attribute(join(upper, "file"), "user.test"), "value");
        assert.is(attribute(join(upper, "file"), "user.fuseoverlayfs.origin"), "file\0");
      },
    },
  },
  {
    what: "a file is open for reading while it is first written to",
    script: "exec 3<file; echo more >>file; cat <&3; echo --; cat file",
    kernel: { says: "read(2) goes on in the copy", expected: "content\nmore\n--\ncontent\nmore\n" },
  },
  {
    what: "a directory's mode is changed",
    script: "chmod 700 dir; cat dir/inner",
    kernel: {
      says: "what is in it stays where it is",
      expected: "inner\n",
      look: ({ upper }) => assert.throws(() => lstatSync(join(upper, "dir/inner")), /ENOENT/),
    },
  },
  {
    what: "a file is named .wh.NAME",
    script: "echo own >.wh.file 2>/dev/null && cat .wh.file || echo refused; cat file",
    kernel: { says: "works: it is a name like any other", expected: "own\ncontent\n" },
    fuse: { says: "EINVAL: such names are marks of the layer's", expected: "refused\ncontent\n" },
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

/** The same in both columns, unless it is another. */
const outcomeOf = ({ kernel, fuse }: Behaviour, by: "kernel" | "fuse"): Outcome =>
  by === "fuse" ? (fuse ?? kernel) : kernel;

for (const by of ["kernel", "fuse"] as const) {
  for (const behaviour of behaviours) {
    const { says, expected, look } = outcomeOf(behaviour, by);
    test(`${by}: ${behaviour.what}: ${says}`, async ({ cleanup }) => {
      const directory = makeDirectory("behaviour");
      cleanup(() => removeDirectory(directory));
      const tree = makeTree(directory);
      const toml = `${hostTree}[[mount]]\ntype = "overlay"\ntarget = "/layers"\nlower = ["${tree.lower}"]
upper = "${tree.upper}"\nwork = "${tree.work}"\noverlay = "${by}"\n`;
      assert.is(await shout({ toml, command: sh(`cd /layers; ${behaviour.script}`) }), expected);
      look?.(tree);
      assert.is(readFileSync(join(tree.lower, "file"), "utf8"), "content\n");
      assert.is(readFileSync(join(tree.lower, "dir/inner"), "utf8"), "inner\n");
    });
  }
}

test("the table of docs/overlays.md has these rows, and no others", () => {
  const page = readFileSync(new URL("../../docs/overlays.md", import.meta.url), "utf8");
  const rows = page
    .split("\n")
    .filter((line) => /^\|(?:[^|]+\|){3}$/.test(line) && !line.startsWith("| ---"));
  assert.equal(
    rows.slice(1),
    behaviours.map(({ what, kernel, fuse }) => `| ${what} | ${kernel.says} | ${fuse?.says ?? "the same"} |`),
  );
});
