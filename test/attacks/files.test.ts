// time-limit: 300s
// Attacks on the files of the host, from inside. In: programs/files.c. What is done to a jail while it is set up is in
// setup.test.ts. The driver is attack.ts.
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attacks } from "./attack.ts";
import { secret, type World } from "./world.ts";

const attack = attacks("files");

/** What an ordinary user gets who makes a sandbox by hand, privileged over it: the command line of unshare(1). */
const handmade = (script: string, ...more: string[]) => [
  "unshare",
  "-Urm",
  ...more,
  "sh",
  "-ec",
  `${script}\nexec "$@"`,
  "sh",
];
const file = ({ shown }: World) => join(shown, "file");
const isChanged = (world: World) => readFileSync(file(world), "utf8") !== "as it was\n";
const restore = (world: World) => writeFileSync(file(world), "as it was\n");
const onShown = { harm: isChanged, prepare: restore };

attack({
  name: "write to a file that is shown read-only",
  layers: ["read-only mounts"],
  words: (world) => ["write_to", file(world)],
  ...onShown,
});

const readonlyShown = ({ shown }: World) =>
  handmade(`mount --bind ${shown} ${shown}; mount -o remount,bind,ro,nosuid,nodev ${shown}`);

attack({
  name: "remount it writable",
  layers: ["capabilities", "seccomp"],
  words: (world) => ["remount", world.shown, file(world)],
  twin: { through: readonlyShown },
  ...onShown,
});

attack({
  name: "remount it writable in a user namespace of one's own",
  layers: ["user.max_user_namespaces", "locked mounts", "seccomp"],
  words: (world) => ["remount_nested", world.shown, file(world)],
  ...onShown,
});

attack({
  name: "take nosuid and nodev from a mount",
  layers: ["capabilities", "seccomp", "landlock"],
  words: ({ shown }) => ["remount_suid", shown],
  twin: { through: readonlyShown },
});

attack({
  name: "read a file that is not shown",
  layers: ["what is shown"],
  words: ({ hidden }) => ["read_secret", hidden, secret],
});

const masked = "/proc/interrupts";
const masking = () => handmade(`mount --bind /dev/null ${masked}`, "-pf", "--mount-proc");

attack({
  name: "read what is masked in /proc, by whatever path",
  layers: ["masks of /proc and /sys"],
  words: () => ["read_masked", masked],
});

attack({
  name: "unmount a mask",
  layers: ["capabilities", "seccomp", "landlock"],
  words: () => ["unmount_mask", masked],
  twin: { through: masking },
});

attack({
  name: "move a mask away",
  layers: ["capabilities", "seccomp", "landlock"],
  words: () => ["move_mask", masked],
  twin: { through: masking },
});

attack({
  name: "show what is under a mask by a bind that leaves it out",
  layers: ["capabilities", "seccomp", "landlock"],
  words: () => ["bind_below", "/proc", masked.slice(5)],
  twin: { through: masking },
});

attack({
  name: "mount a procfs without masks",
  layers: ["capabilities", "seccomp", "landlock"],
  words: () => ["fresh_proc", `/tmp/tsjail-attack.proc${masked.slice(5)}`],
  twin: { through: masking },
});

const covered = ({ shown }: World) => join(shown, "covered");

attack({
  name: "unmount what covers a directory",
  layers: ["capabilities", "seccomp", "landlock"],
  options: (world) => ["--tmpfs", covered(world)],
  words: (world) => ["uncover", covered(world), join(covered(world), "secret"), secret],
  twin: { through: (world) => handmade(`mount -t tmpfs none ${covered(world)}`) },
});

attack({
  name: "leave the root by chroot in a chroot",
  layers: ["capabilities", "pivot_root", "seccomp"],
  words: ({ hidden }) => ["leave_chroot", hidden, secret],
  twin: { through: ({ program }) => handmade(chrootHere(program)) },
});

attack({
  name: "put another root in its place by pivot_root",
  layers: ["capabilities", "seccomp", "landlock"],
  words: () => ["turn_root"],
  twin: { through: () => handmade(":") },
});

/** A root with nothing but the program, by chroot alone: the host's tree is around it. */
function chrootHere(program: string): string {
  return `root=$(mktemp -d /tmp/tsjail-attack.XXXXXX); mount -t tmpfs none $root; mkdir -p $root/tmp $root${program.slice(0, program.lastIndexOf("/"))}
    cp ${program} $root${program}; if test "$2" = filtered; then cp "$3" $root"$3"; fi; exec chroot $root "$@"`;
}

attack({
  name: "mount something that the host then sees",
  layers: ["capabilities", "user namespace", "seccomp"],
  words: ({ shown }) => ["mount_on", join(shown, "inner")],
  harm: ({ shown }) => readFileSync("/proc/self/mountinfo", "utf8").includes(join(shown, "inner")),
  twin: {
    // An outer namespace stands for the host, so that nothing is mounted on it.
    through: ({ shown }) => [
      "unshare",
      "-Urm",
      "sh",
      "-ec",
      `mount --bind ${shown} ${shown}; mount --make-shared ${shown}
      unshare -m --propagation unchanged "$@" || :
      grep -q "${shown}/inner" /proc/self/mountinfo && echo escaped: the outer one sees it`,
      "sh",
    ],
  },
});

function handleOf({ program, hidden }: World): string[] {
  const { stdout } = spawnSync(program, ["make_handle", hidden], { encoding: "utf8" });
  return stdout.trim().split(" ");
}

attack({
  name: "open a file by its handle",
  layers: ["capabilities", "user namespace", "seccomp"],
  words: (world) => ["open_handle", world.shown, ...handleOf(world), secret],
  twin: { needs: ["root"] },
});

attack({
  name: "read through a directory among the descriptors",
  cve: "CVE-2024-21626",
  layers: ["close_range"],
  descriptors: ({ directory }) => [openOnce(directory), openOnce(directory), openOnce(directory)],
  words: () => ["leaked_directory", secret],
});

const opened = new Map<string, number>();
function openOnce(path: string): number {
  const fd = opened.get(path) ?? openSync(path, "r");
  opened.set(path, fd);
  return fd;
}
attack.test.after(() => {
  for (const fd of opened.values()) closeSync(fd);
});

attack({
  name: "read above the working directory, which is not shown",
  layers: ["what is shown"],
  layerProfile: "base",
  words: () => ["outside_directory", secret],
});

attack({
  name: "leave a bind by a directory that is moved out of it",
  layers: ["path resolution"],
  words: ({ shown }) => ["moved_directory", join(shown, "inner/deep"), secret],
  prepare: ({ shown, directory }) => {
    const [inside, outside] = [join(shown, "inner/deep"), join(directory, "moved")];
    if (existsSync(outside)) renameSync(outside, inside);
  },
  during: async ({ shown, directory }, running) => {
    await running.waitFor("ready");
    renameSync(join(shown, "inner/deep"), join(directory, "moved"));
    running.child.stdin?.end("go\n");
  },
});

attack({
  name: "read the caller's environment, also by /proc",
  layers: ["an environment of its own"],
  environment: { TSJAIL_ATTACK_TOKEN: "a secret" },
  words: () => ["find_variable", "TSJAIL_ATTACK_TOKEN"],
});
