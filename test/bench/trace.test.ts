import { parseTrace, splitStarts } from "../../bench/trace/events.ts";
import { drawPicture, formatSteps } from "../../bench/trace/picture.ts";
import { stepNames } from "../../bench/trace/steps.ts";
import { attribute, average, total } from "../../bench/trace/timeline.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("bench: trace");

/** "µs process what", the processes by name. */
const pids: Record<string, number> = { idle: 0, times: 10, main: 20, init: 30, true: 40, thread: 50 };
const write = (lines: string): string =>
  lines
    .trim()
    .split("\n")
    .map((line) => {
      const [at = "", name = "", ...what] = line.trim().split(" ");
      return `${name.padStart(16)}-${pids[name]}     [001] ...1.    12.${at.padStart(6, "0")}: ${what.join(" ")}`;
    })
    .join("\n");

const start = write(`
  90 times sys_openat(dfd: 0)
  100 times sys_clone3(uargs: 7f, size: 58)
  110 times sched_process_fork: comm=times pid=10 child_comm=times child_pid=20
  150 main sched_process_exec: filename=/x/bin/tsjail pid=20 old_pid=20
  250 main sched_process_exec: filename=/x/dist/linux-x64/tsjail pid=20 old_pid=20
  260 times sys_clone3 -> 0x14
  261 times sys_wait4(upid: 14)
  261 times sched_switch: prev_comm=times prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=x next_pid=0 next_prio=120
  270 main sys_read(fd: 3)
  280 main sys_read -> 0x10
  300 main sys_clone3(uargs: 7f, size: 58)
  600 main sched_process_fork: comm=main pid=20 child_comm=main child_pid=30
  650 main sys_clone3 -> 0x1e
  651 main sys_openat(dfd: 0)
  652 init sys_recvfrom(fd: 3)
  652 init sched_switch: prev_comm=init prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=x next_pid=0 next_prio=120
  700 main sys_openat -> 0x4
  710 main sys_ppoll(ufds: 0)
  710 main sched_switch: prev_comm=main prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=x next_pid=0 next_prio=120
  725 idle sched_switch: prev_comm=idle prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=init next_pid=30 next_prio=120
  730 init sys_recvfrom -> 0x1
  740 init sys_open_tree(dfd: 0)
  800 init sys_open_tree -> 0x5
  810 init sys_openat2(dfd: 5)
  850 init sys_openat2 -> 0x6
  860 init sys_capset(header: 0)
  870 init sys_capset -> 0x0
  880 init sys_clone(flags: 11)
  900 init sched_process_fork: comm=main pid=30 child_comm=main child_pid=40
  950 init sys_clone -> 0x2
  960 init sys_wait4(upid: 0)
  960 init sched_switch: prev_comm=init prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=x next_pid=0 next_prio=120
  1000 true sched_process_exec: filename=/bin/true pid=40 old_pid=40
  1300 true sys_exit_group(error_code: 0)
  1310 true sched_process_exit: comm=true pid=40 prio=120
  1390 idle sched_switch: prev_comm=idle prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=init next_pid=30 next_prio=120
  1400 init sys_wait4 -> 0x2
  1410 init sys_exit_group(error_code: 0)
  1490 idle sched_switch: prev_comm=idle prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=main next_pid=20 next_prio=120
  1500 main sys_ppoll -> 0x1
  1510 main sys_exit_group(error_code: 0)
  1600 times sys_wait4 -> 0x14
  1700 times sys_wait4(upid: ffff)
`);

test("a start reaches from the runner's clone to the end of its wait, with all that descends from it", () => {
  const [first, ...more] = splitStarts(parseTrace(`# a comment\n${start}`));
  assert.equal(more, []);
  assert.is(first?.file, "/x/bin/tsjail");
  assert.is(first?.runner, 10);
  assert.equal([first?.events.at(0)?.at, first?.events.at(-1)?.at], [12_000_100, 12_001_600]);
});

test("every microsecond belongs to one step", () => {
  const [first] = splitStarts(parseTrace(start));
  assert.ok(first !== undefined);
  const shares = attribute(first);
  assert.is(total(shares), 1500);
  assert.equal(shares, {
    spawn: 50,
    shell: 100,
    prepare: 50,
    namespaces: 300 + 52,
    ids: 58,
    mounts: 60 + 10,
    files: 40 + 10,
    settings: 0,
    rights: 10 + 10,
    launch: 120,
    command: 300,
    end: 100 + 100 + 90,
    waiting: 20 + 10 + 10,
  });
});

const shares = (microseconds: number) =>
  Object.fromEntries(stepNames.map((step) => [step, microseconds])) as ReturnType<typeof attribute>;

test("the mean is over the middle half, so that a single slow start does not count", () => {
  const mean = average([shares(10), shares(12), shares(14), shares(9000)]);
  assert.is(mean.mounts, 13);
});

test("the picture has a bar and a sum for each side, and its texts are escaped", () => {
  const svg = drawPicture("a < b & c", [
    { name: "tsjail", shares: shares(100) },
    { name: "bubblewrap", shares: shares(300) },
  ]);
  assert.match(svg, "a &lt; b &amp; c");
  assert.match(svg, ">1.30 ms<");
  assert.match(svg, ">3.90 ms<");
  const widths = [...svg.matchAll(/<rect x="[\d.]+" y="\d+" width="([\d.]+)" height="44"/g)].map(
    ([, width]) => Number(width),
  );
  assert.is(widths.length, 2 * stepNames.length);
  assert.ok(Math.abs((widths.at(-1) ?? 0) / (widths.at(0) ?? 1) - 3) < 0.05);
});

test("the table leaves out steps that take no time", () => {
  const table = formatSteps([{ name: "tsjail", shares: { ...shares(100), shell: 0 } }]);
  assert.match(table, "| clone: the namespaces | 100 |");
  assert.match(table, "| **all** | **1200** |");
  assert.not.match(table, /shell script/);
});

const sleeps =
  "sched_switch: prev_comm=x prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=x next_pid=0 next_prio=120";
const runs = (pid: number) =>
  `sched_switch: prev_comm=x prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=x next_pid=${pid} next_prio=120`;

test("a thread counts where its process waits for it, and its end is nobody's", () => {
  const [threaded] = splitStarts(
    parseTrace(
      write(`
  100 times sys_clone3(uargs: 7f, size: 58)
  110 times sched_process_fork: comm=times pid=10 child_comm=times child_pid=20
  150 main sched_process_exec: filename=/x/bin/tsjail pid=20 old_pid=20
  160 times sys_clone3 -> 0x14
  161 times sys_wait4(upid: 14)
  161 times ${sleeps}
  200 main sys_clone3(uargs: 7f, size: 58)
  300 main sched_process_fork: comm=main pid=20 child_comm=main child_pid=30
  310 main sys_clone3 -> 0x1e
  320 main sys_ppoll(ufds: 0)
  320 main ${sleeps}
  330 init sys_clone3(uargs: 7f, size: 58)
  340 init sched_process_fork: comm=main pid=30 child_comm=main child_pid=50
  350 init sys_clone3 -> 0x64
  351 thread sys_unshare(unshare_flags: 40000000)
  360 init sys_move_mount(from_dfd: 3)
  500 init sys_move_mount -> 0x0
  510 init sys_futex(uaddr: 7f)
  510 init ${sleeps}
  600 thread sys_unshare -> 0x0
  610 thread sys_exit(error_code: 0)
  620 thread sched_process_exit: comm=main pid=50 prio=120
  630 idle ${runs(30)}
  640 init sys_futex -> 0x0
  700 init sys_exit_group(error_code: 0)
  710 init sched_process_exit: comm=main pid=30 prio=120
  800 idle ${runs(20)}
  810 main sys_ppoll -> 0x1
  820 main sys_wait4(upid: 1e)
  830 main sys_wait4 -> 0x1e
  840 main sys_exit_group(error_code: 0)
  850 main sched_process_exit: comm=main pid=20 prio=120
  900 idle ${runs(10)}
  910 times sys_wait4 -> 0x14
`),
    ),
  );
  assert.ok(threaded);
  const shares = attribute(threaded);
  assert.is(shares.mounts, 140 + 10, "until its next call");
  // clone3 of init · of the thread · what init waited for
  assert.ok(shares.namespaces >= 100 + 90 && shares.namespaces < 300, String(shares.namespaces));
  assert.is(
    shares.end,
    130 + 70 + 10,
    "of init, of the first process, and of the thread to its end, no longer",
  );
  assert.is(total(shares), 810);
});
