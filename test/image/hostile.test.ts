// Archives that are meant to do harm, or are broken. In: bytes. Out: one error each, and nothing kept; beside it the
// harmless twin, which is taken.
import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { type Made, makeEntry, makeTar } from "./archive.ts";
import { makeWorld } from "./world.ts";

const test = suite("hostile archives");

const refused: readonly (readonly [
  title: string,
  entries: readonly Made[],
  message: RegExp,
  twin: readonly Made[],
])[] = [
  [
    ".. at the beginning",
    [{ name: "../evil" }],
    /leads out of the tree by \.\.: "\.\.\/evil"/,
    [{ name: "..evil" }],
  ],
  [".. in the middle", [{ name: "a/../../evil" }], /leads out of the tree/, [{ name: "a/.../evil" }]],
  [
    ".. by pax",
    [{ name: "x", pax: { path: "a/../../evil" } }],
    /leads out/,
    [{ name: "x", pax: { path: "a/b" } }],
  ],
  [
    ".. by a long name",
    [{ name: "L", flag: "L", content: "../evil\0" }, { name: "x" }],
    /leads out/,
    [{ name: "L", flag: "L", content: "good\0" }, { name: "x" }],
  ],
  [
    "an absolute name",
    [{ name: "/etc/evil" }],
    /has an absolute path: "\/etc\/evil"/,
    [{ name: ".//etc/good" }],
  ],
  [
    "a symbolic link that is gone through",
    [{ name: "l", flag: "2", link: "/tmp" }, { name: "l/evil" }],
    /goes through a symbolic link \("l"\): "l\/evil"/,
    [{ name: "l", flag: "2", link: "/tmp" }],
  ],
  [
    "a symbolic link within, gone through",
    [{ name: "d/", flag: "5" }, { name: "l", flag: "2", link: "d" }, { name: "l/evil" }],
    /goes through a symbolic link/,
    [{ name: "d/x" }, { name: "l", flag: "2", link: "d" }],
  ],
  [
    "a directory that becomes a link",
    [{ name: "d/", flag: "5" }, { name: "d/x" }, { name: "d", flag: "2", link: "/tmp" }, { name: "d/evil" }],
    /goes through a symbolic link/,
    [{ name: "d/", flag: "5" }, { name: "d/x" }, { name: "d", flag: "2", link: "/tmp" }],
  ],
  [
    "a whiteout through a link",
    [{ name: "l", flag: "2", link: "/tmp" }, { name: "l/.wh.evil" }],
    /goes through a symbolic link/,
    [{ name: "l/.wh.good" }],
  ],
  [
    "an opaque mark through a link",
    [{ name: "l", flag: "2", link: "/tmp" }, { name: "l/.wh..wh..opq" }],
    /goes through a symbolic link/,
    [{ name: "l/.wh..wh..opq" }],
  ],
  [
    "a whiteout of ..",
    [{ name: "a/.wh..." }, { name: ".wh..." }],
    /removes what has no name/,
    [{ name: "a/.wh....." }],
  ],
  [
    "a file below a file",
    [{ name: "f" }, { name: "f/evil" }],
    /below something that is no directory/,
    [{ name: "f/", flag: "5" }, { name: "f/x" }],
  ],
  [
    "a hard link out of the tree",
    [{ name: "h", flag: "1", link: "../../../../etc/passwd" }],
    /leads out of the tree/,
    [{ name: "f" }, { name: "h", flag: "1", link: "f" }],
  ],
  [
    "an absolute hard link",
    [{ name: "h", flag: "1", link: "/etc/passwd" }],
    /absolute path: "\/etc\/passwd"/,
    [{ name: "etc/passwd" }, { name: "h", flag: "1", link: "etc/passwd" }],
  ],
  [
    "a hard link through a symbolic link",
    [
      { name: "l", flag: "2", link: "/etc" },
      { name: "h", flag: "1", link: "l/passwd" },
    ],
    /goes through a symbolic link/,
    [
      { name: "l", flag: "2", link: "/etc" },
      { name: "h", flag: "1", link: "l" },
    ],
  ],
  [
    "a hard link to nothing",
    [{ name: "h", flag: "1", link: "f" }, { name: "f" }],
    /hard link to what the archive does not have before it \("f"\)/,
    [{ name: "f" }, { name: "h", flag: "1", link: "f" }],
  ],
  [
    "a hard link to a directory",
    [
      { name: "d/", flag: "5" },
      { name: "h", flag: "1", link: "d" },
    ],
    /hard link to a directory/,
    [{ name: "d/", flag: "5" }],
  ],
  [
    "a zero byte in a name",
    [{ name: "x", pax: { path: "good\0evil" } }],
    /zero byte/,
    [{ name: "x", pax: { path: "good" } }],
  ],
  [
    "a file in the place of all",
    [{ name: "./", flag: "2", link: "/" }],
    /place of the whole tree/,
    [{ name: "./", flag: "5" }],
  ],
  [
    "a path longer than any",
    [{ name: "x", pax: { path: "d/".repeat(100_000) } }],
    /longer than any can be/,
    [{ name: "x", pax: { path: "d/".repeat(100) } }],
  ],
  [
    "a symbolic link to nothing",
    [{ name: "l", flag: "2", link: "" }],
    /symbolic link to nothing/,
    [{ name: "l", flag: "2", link: "x" }],
  ],
  [
    "an unknown kind",
    [{ name: "x", flag: "Z" }],
    /kind that is not known \("Z"\)/,
    [{ name: "x", flag: "7" }],
  ],
  [
    "a damaged pax header",
    [{ name: "p", flag: "x", content: "99 path=x\n" }, { name: "y" }],
    /damaged extended header/,
    [{ name: "p", flag: "x", content: "10 path=x\n" }, { name: "y" }],
  ],
  [
    "a header of impossible size",
    [{ name: "p", flag: "x", size: 0o77777777 }],
    /header of impossible size/,
    [{ name: "p", flag: "x" }, { name: "y" }],
  ],
  [
    "a negative size",
    [{ name: "x", alter: (header) => header.fill(0xff, 124, 136) }],
    /impossible/,
    [{ name: "x" }],
  ],
  [
    "a size beyond all",
    [{ name: "x", alter: (header) => header.fill(0x7f, 125, 136).writeUInt8(0x80, 124) }],
    /impossible/,
    [{ name: "x" }],
  ],
  [
    "a sparse file that overlaps",
    [{ name: "x", content: "abcd", pax: { "GNU.sparse.map": "0,2,1,2", "GNU.sparse.size": "9" } }],
    /contradicts itself/,
    [{ name: "x", content: "abcd", pax: { "GNU.sparse.map": "0,2,5,2", "GNU.sparse.size": "9" } }],
  ],
  [
    "a sparse file with less content",
    [{ name: "x", content: "abc", pax: { "GNU.sparse.map": "0,4", "GNU.sparse.size": "9" } }],
    /contradicts itself/,
    [{ name: "x", content: "abcd", pax: { "GNU.sparse.map": "0,4", "GNU.sparse.size": "9" } }],
  ],
  [
    "a sparse map that is none",
    [{ name: "x", content: "abc", pax: { "GNU.sparse.map": "0,-4", "GNU.sparse.size": "9" } }],
    /map can't be read/,
    [{ name: "x", pax: { "GNU.sparse.map": "", "GNU.sparse.size": "9" } }],
  ],
  [
    "a sparse file as large as a disk",
    [{ name: "x", pax: { "GNU.sparse.map": "", "GNU.sparse.size": "99999999999999" } }],
    /unpacks to more than 32G/,
    [{ name: "x", pax: { "GNU.sparse.map": "", "GNU.sparse.size": "99999999" } }],
  ],
];

for (const [title, entries, message, twin] of refused) {
  test(`${title} is refused, and nothing is kept`, async (context) => {
    const world = makeWorld(context);
    await world.refuses(makeTar({ name: "before", content: "kept?" }, ...entries), message);
    assert.not.ok(existsSync("/tmp/evil") || existsSync(join(world.path, "evil")));
    assert.ok(existsSync(await world.unpack(makeTar({ name: "before" }, ...twin))));
  });
}

test("links out of the tree are kept as they are, and never gone through", async (context) => {
  const world = makeWorld(context);
  const outside = join(world.path, "outside");
  mkdirSync(outside, { mode: 0o755 });
  writeFileSync(join(outside, "file"), "untouched", { mode: 0o644 });
  const fs = await world.unpack(
    makeTar(
      { name: "l", flag: "2", link: join(outside, "file"), mode: 0o777, mtime: 1 },
      { name: "l", content: "replaced", mode: 0o600 },
      { name: "d", flag: "2", link: outside, mode: 0o000, mtime: 1 },
      { name: "d/", flag: "5", mode: 0o700 },
    ),
  );
  assert.ok(lstatSync(join(fs, "l")).isFile() && lstatSync(join(fs, "d")).isDirectory());
  assert.equal(readdirSync(outside), ["file"]);
  assert.equal(
    [lstatSync(outside).mode & 0o777, lstatSync(join(outside, "file")).mode & 0o777],
    [0o755, 0o644],
  );
});

test("archives that are cut off, empty or none at all are refused", async (context) => {
  const world = makeWorld(context);
  const whole = makeTar({ name: "a", content: "x".repeat(1000) }, { name: "b" });
  await world.refuses(whole.subarray(0, 512 + 700), /is cut off in the middle of an entry/);
  await world.refuses(whole.subarray(0, 300), /is cut off in the middle/);
  await world.refuses(whole.subarray(0, 512 + 1024), /is cut off: it lacks the mark of its end/);
  await world.refuses(Buffer.alloc(0), /is empty/);
  await world.refuses(Buffer.from("hello\n".repeat(200)), /is no tar archive, or damaged/);
  const changed = Buffer.from(whole);
  changed.writeUInt8(0x63, 3);
  await world.refuses(changed, /checksum is wrong/);
  assert.ok(existsSync(await world.unpack(whole)));
});

test("what unpacks to more than the limit is refused before it fills the disk", async (context) => {
  const world = makeWorld(context);
  const bomb = world.write(
    "bomb.tar.gz",
    gzipSync(makeTar({ name: "zeros", content: Buffer.alloc(5_000_000) })),
  );
  await assert.rejects(
    world.import(bomb, { size: 4_000_000 }),
    /bomb\.tar\.gz unpacks to more than 4000000\.$/,
  );
  await assert.rejects(world.import(bomb, { entries: 0 }), /has more than 0 entries/);
  assert.equal(readdirSync(join(world.store, "layers")), []);
  assert.is((await world.import(bomb, { size: 6_000_000 })).length, 1);
});

test("millions of entries are refused by number", { timeLimit: 60 }, async (context) => {
  const world = makeWorld(context);
  const one = makeEntry({ name: "d/", flag: "5" });
  const many = world.write("many.tar", Buffer.concat([...Array(5000).fill(one), Buffer.alloc(1024)]));
  await assert.rejects(world.import(many, { entries: 4999 }), /has more than 4999 entries/);
  assert.is((await world.import(many, { entries: 5000 })).length, 1);
});
