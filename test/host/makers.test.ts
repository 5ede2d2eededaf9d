// Who lays layers over one another, for machines that do not exist. In: what a profile asks for, a table of mounts, a
// kernel. Out: why it is fuse-overlayfs, or that it is the kernel.
import type { MountPoint } from "../../src/facts/look.ts";
import { findReason, type LayerWish, listLayerWishes } from "../../src/host/makers.ts";
import { loadToml } from "../compile/fixture.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("host: makers of layers");

const mounts = (...more: (readonly [path: string, type: string])[]): MountPoint[] =>
  [["/", "ext4"] as const, ["/proc", "proc"] as const, ...more].map(([path, type]) => ({ path, type }));
const around = { kernel: "6.1.0-28-amd64", resolve: (path: string) => path };
const wish = (more: Partial<LayerWish> = {}): LayerWish => ({
  at: "/srv",
  asked: "auto",
  lower: ["/data"],
  upper: undefined,
  changesAll: false,
  unfit: undefined,
  ...more,
});

test("what is asked for by name is done, and auto is the kernel's where nothing speaks against it", () => {
  assert.is(findReason(wish(), mounts(), around), undefined);
  assert.is(findReason(wish({ asked: "kernel" }), mounts(["/data/disk", "ext4"]), around), undefined);
  assert.is(findReason(wish({ asked: "fuse" }), mounts(), around), "its key overlay says so");
  assert.is(findReason(wish({ at: "/", asked: "fuse" }), mounts(), around), "root.overlay says so");
});

test("a directory with mounts in it, and one beside them", () => {
  const table = mounts(["/data/disk", "ext4"], ["/database", "ext4"]);
  assert.match(findReason(wish(), table, around) ?? "", /^\/data\/disk is mounted in \/data/);
  assert.is(findReason(wish({ lower: ["/data/other"] }), table, around), undefined);
  // As the layer lies, not as it is named.
  const resolve = (path: string) => path.replace("/link", "/data");
  assert.match(findReason(wish({ lower: ["/link"] }), table, { ...around, resolve }) ?? "", /in \/data/);
});

test("a file system on which overlayfs keeps nothing, and others", () => {
  const kept = (type: string) =>
    findReason(wish({ upper: "/home/ann/changes" }), mounts(["/home", "ext4"], ["/home", type]), around);
  for (const type of ["nfs", "nfs4", "cifs", "9p", "fuse.sshfs", "fuse", "overlay", "vfat", "exfat"])
    assert.match(kept(type) ?? "", new RegExp(`of type ${type.replace(".", "\\.")}`), type);
  for (const type of ["ext4", "xfs", "btrfs", "tmpfs", "zfs", "f2fs", "fusectl"])
    assert.is(kept(type), undefined, type);
  // Nothing is kept of what is thrown away.
  assert.is(findReason(wish(), mounts(["/home", "nfs"]), around), undefined);
  const layer = "/home/ann/.local/share/tsjail/layers/work";
  const root = wish({ at: "/", lower: [] });
  assert.match(findReason(root, mounts(["/home", "nfs"]), { ...around, layer }) ?? "", /of type nfs/);
  // But where it lies on disk, it lies there for a while.
  const scratch = "/home/ann/.local/share/tsjail/scratch";
  assert.match(findReason(wish(), mounts(["/home", "nfs"]), { ...around, scratch }) ?? "", /of type nfs/);
  assert.is(findReason(wish(), mounts(["/home", "xfs"]), { ...around, scratch }), undefined);
});

test("an old kernel", () => {
  for (const kernel of ["4.19.0", "5.10.0-35-amd64"])
    assert.match(findReason(wish(), mounts(), { ...around, kernel }) ?? "", /lets no ordinary user/, kernel);
  for (const kernel of ["5.11.0", "5.15", "6.1.0"])
    assert.is(findReason(wish(), mounts(), { ...around, kernel }), undefined, kernel);
});

test("a layer is gone on with by whoever has made it", () => {
  const root = wish({ at: "/", lower: [], changesAll: true });
  assert.match(findReason(root, mounts(), around) ?? "", /user\.emulate/);
  assert.is(findReason(root, mounts(), { ...around, madeBy: "kernel" }), undefined);
  const plain = wish({ at: "/", lower: [] });
  assert.is(findReason(plain, mounts(), around), undefined);
  assert.is(findReason(plain, mounts(), { ...around, madeBy: "fuse" }), "it has made this layer");
});

test("where it can't do what is asked the kernel does it, unless it is named", () => {
  const table = mounts(["/data/disk", "ext4"]);
  assert.is(findReason(wish({ unfit: "why" }), table, around), undefined);
  assert.is(findReason(wish({ unfit: "why", asked: "fuse" }), table, around), "its key overlay says so");
});

test("the overlays of a profile, and what they ask", () => {
  const { profile } = loadToml(`[root]
writable = "persistent"
name = "work"
busy = "ephemeral"
[user]
uid = "root"
emulate = true
[[mount]]
type = "overlay"
target = "/srv"
lower = ["/data"]
overlay = "fuse"`);
  const wishes = listLayerWishes(profile);
  assert.equal(
    wishes.map(({ at, asked, changesAll }) => ({ at, asked, changesAll })),
    [
      { at: "/", asked: "auto", changesAll: true },
      { at: "/srv", asked: "fuse", changesAll: false },
    ],
  );
  assert.match(wishes[0]?.unfit ?? "", /root\.busy/);
  assert.equal(listLayerWishes(loadToml("").profile), []);
});
