// The operations of Landlock in the executor, with rules written by hand over mounts that let everything through: what
// is refused here, Landlock refuses alone. Whole jails: test/jail/landlock.test.ts; the rules: test/compile.
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLandlock } from "../../src/facts/landlock.ts";
import { filterKnown, readRights, writeRights } from "../../src/plan/landlock.ts";
import type { Operation } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { bind, makePlan, runExecutor, type StartWish, scratch } from "../support/executor.ts";
import { attempt, sh } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const some = suite("native/landlock");
const test = some.needs("userns", "command:cc", "landlock");
const origin = "a test";
const abi = readLandlock();

type Ruleset = Extract<Operation, { op: "landlock" }>;
const all = filterKnown([...(["execute", "ioctl_dev"] as const), ...readRights, ...writeRights], abi);
const ruleset = (wish: Partial<Ruleset> = {}): Operation => ({
  ...{ op: "landlock", origin, fs: all, net: [], scoped: [], readable: [], writable: [] },
  ...wish,
});
const path = (where: string, ...rights: Ruleset["fs"]): Operation => ({
  ...{ op: "landlock_path", origin, path: where, rights: filterKnown(rights, abi) },
});
const reading = path("/", "execute", ...readRights);
const failed = (why: string) => `failed: ${why}\n`;

const run = (command: readonly string[], rules: readonly Operation[], wish: StartWish = {}) =>
  runExecutor(command, { ...wish, command: [...rules, ...(wish.command ?? [])] });
async function say(
  command: readonly string[],
  rules: readonly Operation[],
  wish: StartWish = {},
): Promise<string> {
  const { status, stdout, stderr } = await run(command, rules, wish);
  assert.equal([status, stderr], [0, ""]);
  return stdout;
}

test("what the mounts let be written, rules can keep from it", async () => {
  const script = `${attempt}cd /tmp; try touch new; try mkdir directory; try sh -c 'echo x >old'; try cat old
    try rm old; try ln -s x link; try mkfifo fifo`;
  const made = {
    jail: [
      { op: "file", origin, target: "/tmp/old", content: Buffer.from("x"), mode: 0o666, flags: [], set: [] },
    ],
  } as const;
  const yes = "yes\n";
  const closed = [reading, path("/dev", "write_file")];
  const open = [...closed, path("/tmp", ...writeRights)];
  // The file is a mount point: nobody removes that.
  assert.is(await say(sh(script), [ruleset(), ...closed], made), `no\nno\nno\n${yes}no\nno\nno\n`);
  assert.is(await say(sh(script), [ruleset(), ...open], made), `${yes}${yes}${yes}${yes}no\n${yes}${yes}`);
  assert.is(await say(sh(script), [], made), `${yes}${yes}${yes}${yes}no\n${yes}${yes}`);
});

test("what has no rule can't be read, nor executed", async () => {
  const script = `${attempt}try cat /etc/hostname; try ls /etc; try cat /usr/bin/true; try /usr/bin/env`;
  const rules = [
    ruleset(),
    path("/usr", "execute", ...readRights),
    path("/bin", "execute"),
    path("/dev", "write_file"),
  ];
  const libraries = ["/lib", "/lib64"].map((each) => path(each, "execute", ...readRights));
  assert.is(await say(sh(script), [...rules, ...libraries]), "no\nno\nyes\nyes\n");
  assert.is(await say(sh(script), [ruleset(), reading, path("/dev", "write_file")]), "yes\nyes\nyes\nyes\n");
  const { status, stderr } = await run(["/probe", "exit", "3"], [ruleset(), path("/", ...readRights)]);
  assert.is(status, 126);
  assert.match(stderr, failed("execve: errno 13 (EACCES)"));
});

test("a file can be moved to another directory with the right for it, and is truncated with that", async () => {
  const script = `${attempt}cd /tmp; mkdir a b; echo text >a/x; try mv -T a/x b/x; try ln b/x a/y; try truncate -s 1 b/x`;
  const without = writeRights.filter((right) => right !== "refer" && right !== "truncate");
  const one = await say(sh(`${script}; stat -c %h b/x`), [
    ruleset(),
    reading,
    path("/dev", "write_file"),
    path("/tmp", ...without),
  ]);
  // mv copies instead
  assert.is(one, abi < 3 ? one : "yes\nno\nno\n1\n");
  const two = await say(sh(script), [
    ruleset(),
    reading,
    path("/dev", "write_file"),
    path("/tmp", ...writeRights),
  ]);
  assert.is(two, "yes\nyes\nyes\n");
});

test("rights of directories are left out where the path is a file, and what isn't there is passed over", async () => {
  const place = join(scratch(), "shared");
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "note"), "");
  const rules = [
    reading,
    path("/dev", "write_file"),
    path("/shared/note", ...writeRights),
    path("/no/such", "execute"),
  ];
  const files = path("/dev/null/below", "make_reg");
  const script = `${attempt}try sh -c 'echo x >/shared/note'; try touch /shared/new`;
  const wish = { jail: [bind(place, "/shared")] };
  assert.is(await say(sh(script), [ruleset(), ...rules, files], wish), "yes\nno\n");
});

test("the restriction holds for all that comes of the command, and not for init", async () => {
  const script = `${attempt}try sh -c '(setsid sh -c "touch /tmp/x") & wait; test -e /tmp/x'; try touch /tmp/x`;
  const rules = [ruleset(), reading, path("/dev", "write_file")];
  assert.is(await say(sh(script), rules), "no\nno\n");
  assert.is(await say(sh(script), []), "yes\nyes\n");
  const supervise = { flags: ["die_with_parent"], tty: "never" } as const;
  assert.is(await say(sh(script), rules, { supervise }), "no\nno\n");
});

test("what was handed in can be opened again as far as it goes", async () => {
  const place = join(scratch(), "handed");
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "input"), "text\n");
  const [input, output] = [openSync(join(place, "input"), "r"), openSync(join(place, "output"), "w")];
  try {
    const handed = {
      readable: filterKnown([...readRights, "execute"], abi),
      writable: filterKnown(writeRights, abi),
    };
    const script = `${attempt}cat /dev/fd/0 >&2; try sh -c 'echo >>/dev/fd/0' >&2; echo more >>/dev/fd/1`;
    const rules = [reading, path("/dev", "write_file")];
    const go = (wish: Partial<Ruleset>) =>
      run(sh(script), [ruleset(wish), ...rules], {
        stdio: [input, output, "pipe"],
        supervise: { tty: "never" },
      });
    assert.is((await go(handed)).stderr, "text\nno\n");
    assert.is((await go({})).status, 2);
  } finally {
    closeSync(input);
    closeSync(output);
  }
});

some.needs(
  "userns",
  "command:cc",
  "landlock:6",
)("signals and abstract sockets end at the border of the jail", async () => {
  const script = `${attempt}try kill -0 1; sleep 5 & try kill $!`;
  const scoped = ruleset({ fs: [], scoped: ["signal", "abstract_unix_socket"] });
  assert.is(await say(sh(script), [scoped]), "no\nyes\n");
  assert.is(await say(sh(script), []), "yes\nyes\n");
});

test("a plan that is out of order, or asks for what there isn't, stops the start", async () => {
  const cases: readonly (readonly [rules: readonly Operation[], why: string])[] = [
    [[path("/tmp", "make_reg")], "landlock_add_rule: errno 9 (EBADF)"],
    [[ruleset({ fs: [] })], "landlock_create_ruleset: errno 42"],
    [[ruleset({ fs: ["execute"] }), path("/", "make_reg")], "landlock_add_rule: errno 42"],
  ];
  for (const [rules, why] of cases) {
    const { status, stderr } = await run(["true"], rules);
    assert.is(status, 125, why);
    assert.match(stderr, `failed: ${why}`);
  }
});

test("without no_new_privs and capabilities nothing is restricted, and nothing started", async () => {
  const rules = [ruleset(), reading];
  const plan = makePlan({ command: rules }).filter(({ op }) => op !== "no_new_privs");
  const { status, stderr } = await runExecutor(["true"], { plan, through: ["env"] });
  if (status === 0)
    assert.match((await runExecutor(["cat", "/proc/self/status"], { plan })).stdout, /NoNewPrivs:\s*1/);
  else assert.match(stderr, failed("landlock_restrict_self: errno 1 (EPERM)"));
});
