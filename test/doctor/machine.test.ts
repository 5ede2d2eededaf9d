import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkLayerServer, checkMachine } from "../../src/doctor/machine.ts";
import { bad, formatRows, good, isFit, note } from "../../src/doctor/row.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeTree } from "./fixture.ts";

const test = suite("doctor machine");
const examine = (root: string, path = "", nodeVersion = "v20.1.0") =>
  new Map(checkMachine({ root, path, nodeVersion }).map((row) => [row.subject, row]));

test("a bare machine has notes, and nothing bad", (context) => {
  const rows = examine(makeTree(context, {}));
  assert.is(rows.get("/dev/fuse")?.outcome, "note");
  assert.match(rows.get("cgroup")?.why ?? "", /cgroup v2 is not mounted/);
  assert.match(rows.get("tools")?.why ?? "", /not here, and optional: fuse-overlayfs/);
  assert.ok(isFit([...rows.values()]));
});

test("who lays the layers is said, and what is missing for it", () => {
  const program = "/usr/bin/fuse-overlayfs";
  const ready = checkLayerServer({ program, isReady: true });
  assert.is(ready.outcome, "good");
  assert.match(
    ready.why,
    /^\/usr\/bin\/fuse-overlayfs lays layers over root's files .*all others are the kernel's/,
  );
  const missing = checkLayerServer({ program: undefined, isReady: false });
  assert.is(missing.outcome, "note");
  assert.match(missing.fix ?? "", /apt-get install fuse-overlayfs/);
  const closed = checkLayerServer({ program, isReady: false });
  assert.match(closed.why, /\/dev\/fuse can't be opened/);
  assert.match(closed.fix ?? "", /chmod 0666 \/dev\/fuse/);
});

test("newuidmap is said not to be needed, whether or not it is there", (context) => {
  assert.match(examine(makeTree(context, {})).get("newuidmap")?.why ?? "", /^not needed/);
});

test("tools are found on PATH, directories and plain files are not", (context) => {
  const root = makeTree(context, { "bin/pasta": "", "bin/slirp4netns": "" });
  chmodSync(join(root, "bin/pasta"), 0o755);
  mkdirSync(join(root, "bin/fuse-overlayfs"));
  const why = examine(root, join(root, "bin")).get("tools")?.why ?? "";
  assert.match(why, /^found pasta; not here, and optional: fuse-overlayfs .*slirp4netns/);
});

test("a cgroup of one's own is good, another is a note with what helps", (context) => {
  const root = makeTree(context, {
    "proc/self/cgroup": "0::/user.slice/mine\n",
    "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
    "sys/fs/cgroup/user.slice/mine/cgroup.controllers": "memory pids\n",
    "sys/fs/cgroup/user.slice/mine/cgroup.procs": "",
  });
  const row = examine(root).get("cgroup");
  assert.is(row?.outcome, "good");
  assert.match(row?.why ?? "", /\/user\.slice\/mine is writable, with memory pids/);
  writeFileSync(join(root, "proc/self/cgroup"), "0::/elsewhere\n");
  const other = examine(root).get("cgroup");
  assert.is(other?.outcome, "note");
  assert.match(other?.fix ?? "", /Delegate=yes/);
});

test("an old Node is bad", (context) => {
  const root = makeTree(context, {});
  assert.is(examine(root, "", "v18.20.0").get("Node")?.outcome, "bad");
  assert.is(examine(root, "", "v24.0.0").get("Node")?.outcome, "good");
});

test("the report has one line per row, fixes below them, and a verdict", () => {
  const rows = [
    good("kernel", "fine"),
    note("overlay", "no"),
    bad("a jail", "refused", "do this\nthen that"),
  ];
  assert.is(
    formatRows(rows, false),
    [
      "ok    kernel   fine",
      "note  overlay  no",
      "FAIL  a jail   refused",
      "               do this",
      "               then that",
      "",
      "tsjail can't run jails here: 1 of 3 checks failed.",
      "",
    ].join("\n"),
  );
  assert.match(formatRows([good("kernel", "fine")], false), /\ntsjail can run jails here\.\n$/);
  assert.is(isFit(rows), false);
});

test("colours are for those who want them", () => {
  assert.match(formatRows([good("kernel", "fine")], true), "\u001B[32mok");
  assert.not.match(formatRows([good("kernel", "fine")], false), "\u001B");
});
