// What a layer becomes on the disk. In: archives written byte by byte, and by tar(1). Out: files, modes, times, links,
// holes, attributes, whiteouts. Archives that are meant to do harm: hostile.test.ts.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readAttributes } from "../../src/image/system.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeTar } from "./archive.ts";
import { makeWorld, readOwners } from "./world.ts";

const test = suite("unpacking a layer");
const mode = (path: string): number => lstatSync(path).mode & 0o7777;

test("files, directories and links come with their modes and times", async (context) => {
  const world = makeWorld(context);
  const fs = await world.unpack(
    makeTar(
      { name: "./", flag: "5", mode: 0o755, mtime: 1_500_000_000 },
      { name: "./locked/", flag: "5", mode: 0o555, mtime: 1_500_000_001 },
      { name: "./locked/file", content: "hello", mode: 0o640, mtime: 1_500_000_002 },
      { name: "./link", flag: "2", link: "/etc/passwd", mtime: 1_500_000_003 },
      { name: "./hard", flag: "1", link: "./locked/file" },
      { name: "./pipe", flag: "6", mode: 0o600 },
      { name: "./tmp/", flag: "5", mode: 0o1777 },
      { name: "./none", mode: 0 },
    ),
  );
  assert.is(readFileSync(join(fs, "locked/file"), "utf8"), "hello");
  assert.equal(
    ["", "locked", "locked/file", "tmp", "none"].map((name) => mode(join(fs, name))),
    [0o755, 0o555, 0o640, 0o1777, 0],
  );
  assert.equal(
    ["", "locked", "locked/file", "link"].map((name) => lstatSync(join(fs, name)).mtimeMs / 1000),
    [1_500_000_000, 1_500_000_001, 1_500_000_002, 1_500_000_003],
  );
  assert.is(readlinkSync(join(fs, "link")), "/etc/passwd");
  assert.is(lstatSync(join(fs, "hard")).ino, lstatSync(join(fs, "locked/file")).ino);
  assert.ok(lstatSync(join(fs, "pipe")).isFIFO());
});

test("names of any length and any bytes, and times to the nanosecond, come through", async (context) => {
  const world = makeWorld(context);
  const long = `${"d".repeat(120)}/${"e".repeat(200)}`;
  const fs = await world.unpack(
    makeTar(
      { name: "x", pax: { path: long, mtime: "1500000000.123456789" } },
      { name: "L", flag: "L", content: `gnu/${"f".repeat(150)}\0` },
      { name: "cut" },
      { name: "caf\u00e9" },
      { name: "umlaut", pax: { path: "ä/ö" } },
      { name: "old", pax: { mtime: "-1.5" } },
    ),
  );
  assert.is(lstatSync(join(fs, long), { bigint: true }).mtimeNs, 1_500_000_000_123_456_789n);
  assert.ok(existsSync(join(fs, "gnu", "f".repeat(150))));
  assert.ok(lstatSync(Buffer.from(`${fs}/caf\u00e9`, "latin1")).isFile());
  assert.ok(existsSync(join(fs, "ä/ö")));
  assert.is(lstatSync(join(fs, "old"), { bigint: true }).mtimeNs, -1_500_000_000n);
});

test("what the files can't say stands in owners.json: owners, setuid, devices, root's attributes", async (context) => {
  const world = makeWorld(context);
  const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
  const fs = await world.unpack(
    makeTar(
      { name: "etc/shadow", mode: 0o640, gid: 42 },
      { name: "bin/su", mode: 0o4755 },
      { name: "bin/also", flag: "1", link: "bin/su" },
      { name: "dev/null", flag: "3", mode: 0o666, major: 1, minor: 3 },
      { name: "bin/ping", pax: { "SCHILY.xattr.security.capability": capability, uid: "3000000" } },
      { name: "plain" },
    ),
  );
  assert.equal(readOwners(fs), {
    "bin/also": { mode: 0o4755 },
    "bin/ping": { uid: 3_000_000, attributes: { "security.capability": capability.toString("base64") } },
    "bin/su": { mode: 0o4755 },
    "dev/null": { mode: 0o666, device: { kind: "character", major: 1, minor: 3 } },
    "etc/shadow": { gid: 42 },
  });
  assert.is(mode(join(fs, "bin/su")), 0o755);
  assert.not.ok(existsSync(join(fs, "dev/null")));
});

test("attributes of users are set, but for those that overlayfs goes by", async (context) => {
  const world = makeWorld(context);
  const value = Buffer.from([0, 255, 10, 61]);
  const fs = await world.unpack(
    makeTar(
      { name: "file", mode: 0o400, pax: { "SCHILY.xattr.user.mine": value, "SCHILY.xattr.user.empty": "" } },
      { name: "trap/", flag: "5", pax: { "SCHILY.xattr.user.overlay.redirect": "/etc" } },
    ),
  );
  const found = readAttributes(join(fs, "file"));
  assert.equal([found.get("user.mine"), found.get("user.empty")?.length], [value, 0]);
  assert.is(readAttributes(join(fs, "trap")).get("user.overlay.redirect"), undefined);
});

test("whiteouts and opaque directories become overlayfs's", async (context) => {
  const world = makeWorld(context);
  const fs = await world.unpack(
    makeTar(
      { name: "etc/", flag: "5", mode: 0o555 },
      { name: "etc/.wh.gone" },
      { name: "both" },
      { name: ".wh.both" },
      { name: "usr/.wh..wh..opq" },
      { name: ".wh..wh.aufs" },
    ),
  );
  const gone = lstatSync(join(fs, "etc/gone"));
  assert.equal([gone.isCharacterDevice(), gone.rdev], [true, 0]);
  assert.ok(lstatSync(join(fs, "both")).isFile());
  assert.is(readAttributes(join(fs, "usr")).get("user.overlay.opaque")?.toString(), "y");
  assert.is(readAttributes(join(fs, "etc")).get("user.overlay.opaque"), undefined);
  assert.not.ok(existsSync(join(fs, ".wh..wh.aufs")));
});

test("an entry that comes again takes the place of the first, of whatever kind", async (context) => {
  const world = makeWorld(context);
  const fs = await world.unpack(
    makeTar(
      { name: "a", content: "first" },
      { name: "a", content: "second", uid: 0 },
      { name: "b/", flag: "5" },
      { name: "b/inner", uid: 7 },
      { name: "b", flag: "2", link: "a" },
      { name: "c", flag: "2", link: "a" },
      { name: "c/", flag: "5" },
      { name: "c/inner" },
      { name: "d/", flag: "5", mode: 0o700 },
      { name: "d/kept" },
      { name: "d/", flag: "5", mode: 0o711 },
    ),
  );
  assert.is(readFileSync(join(fs, "a"), "utf8"), "second");
  assert.is(readlinkSync(join(fs, "b")), "a");
  assert.ok(lstatSync(join(fs, "c/inner")).isFile());
  assert.equal([mode(join(fs, "d")), existsSync(join(fs, "d/kept"))], [0o711, true]);
  assert.equal(readOwners(fs), {});
});

/** A tree with a hole, hard links, long names and odd times. */
function makeTree(directory: string): void {
  mkdirSync(join(directory, "sub", "n".repeat(90)), { recursive: true });
  writeFileSync(join(directory, "sub/sparse"), "begin");
  truncateSync(join(directory, "sub/sparse"), 8_000_000);
  const pieces = Buffer.alloc(4096, "x");
  spawnSync(
    "sh",
    [
      "-c",
      'for at in 1 3 5 7 9 11 13; do printf "%s" "$0" | dd of=sparse bs=1 conv=notrunc seek=${at}00000 2>/dev/null; done',
      pieces.toString(),
    ],
    { cwd: join(directory, "sub") },
  );
  linkSync(join(directory, "sub/sparse"), join(directory, "hard"));
  writeFileSync(join(directory, "sub", "n".repeat(90), "long"), "long");
  utimesSync(join(directory, "hard"), 1_400_000_000, 1_400_000_000.25);
}

const forms: readonly (readonly [title: string, options: readonly string[]])[] = [
  ["GNU's sparse form", ["--format=gnu", "-S"]],
  ["pax's sparse form 1.0", ["--format=posix", "-S"]],
  ["pax's sparse form 0.1", ["--format=posix", "-S", "--sparse-version=0.1"]],
  ["plain ustar", ["--format=ustar"]],
];
for (const [title, options] of forms) {
  test.needs("command:tar")(`what tar(1) writes in ${title} is read`, async (context) => {
    const world = makeWorld(context);
    const [tree, file] = [join(world.path, "tree"), join(world.path, "tree.tar")];
    makeTree(tree);
    const tar = spawnSync("tar", [...options, "-C", tree, "-cf", file, "."], { encoding: "utf8" });
    assert.is(tar.status, 0, tar.stderr);
    const [image] = await world.import(file);
    const fs = world.find(image);
    assert.ok(readFileSync(join(fs, "sub/sparse")).equals(readFileSync(join(tree, "hard"))));
    assert.is(lstatSync(join(fs, "hard")).ino, lstatSync(join(fs, "sub/sparse")).ino);
    assert.is(readFileSync(join(fs, "sub", "n".repeat(90), "long"), "utf8"), "long");
    const isSparse = options.includes("-S");
    assert.is(lstatSync(join(fs, "hard")).blocks * 512 < 1_000_000, isSparse);
  });
}

for (const [program, ending] of [
  ["gzip", "gz"],
  ["xz", "xz"],
  ["zstd", "zst"],
] as const) {
  test.needs(`command:${program}`)(`an archive packed with ${program} is read`, async (context) => {
    const world = makeWorld(context);
    const plain = makeTar({ name: "etc/", flag: "5" }, { name: "etc/issue", content: "packed" });
    const { stdout } = spawnSync(program, ["-c"], { input: plain });
    const [image] = await world.import(world.write(`root.tar.${ending}`, stdout));
    assert.is(image?.name, "root");
    const fs = world.find(image);
    assert.is(readFileSync(join(fs, "etc/issue"), "utf8"), "packed");
  });
}

test("what is damaged says so, in every packing", async (context) => {
  const world = makeWorld(context);
  const whole = gzipSync(makeTar({ name: "a", content: Buffer.alloc(100_000, "ab") }));
  await world.refuses(whole.subarray(0, whole.length - 20), /a0\.tar is damaged: it ends too early\.$/);
  const changed = Buffer.from(whole);
  changed.writeUInt8(changed.readUInt8(60) ^ 0xff, 60);
  await world.refuses(changed, /is damaged/);
  assert.ok(existsSync(await world.unpack(whole)));
});

test.needs("command:xz")("where xz is missing or fails, the error says so", async (context) => {
  const world = makeWorld(context);
  const { stdout } = spawnSync("xz", ["-c"], {
    input: makeTar({ name: "a", content: Buffer.alloc(50_000, "ab") }),
  });
  const path = process.env.PATH;
  context.cleanup(() => {
    process.env.PATH = path;
  });
  await world.refuses(
    stdout.subarray(0, stdout.length - 30),
    /a0\.tar is damaged: xz: .*Unexpected end of input/,
  );
  process.env.PATH = "/nonexistent";
  await world.refuses(stdout, /a1\.tar is packed with xz, which is not installed\.$/, "host_unsupported");
  process.env.PATH = path;
  assert.ok(existsSync(await world.unpack(stdout)));
});
