// The command's environment: empty but for what the profile passes and sets. In: variables of this process.
import * as assert from "../support/assert.ts";
import { hostTree, jail, makeDirectory, removeDirectory, sh, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: environment");
const bare = hostTree.replace(/\[env\]\npass = .*\n/, "");
const env = { TEST_ONE: "1", TEST_TWO: "2", OTHER: "3", LD_LIBRARY_PATH: "/nowhere" };

/** What the command finds, as a table. */
async function readInside(keys: string, more: { options?: string[]; env?: Record<string, string> } = {}) {
  const request = { env, toml: `${bare}[env]\n${keys}\n`, command: ["env", "-0"], ...more };
  const entries = (await shout(request)).split("\0").filter((entry) => entry !== "");
  return Object.fromEntries(entries.map((entry) => [entry.replace(/=.*/s, ""), entry.replace(/^.*?=/s, "")]));
}

const always = ["HOME", "LOGNAME", "PATH", "SHELL", "USER"];

test("where nothing is said, there is only what every program expects", async () => {
  assert.equal(Object.keys(await readInside("")).sort(), always);
});

test("pass lets variables through by name and by pattern", async () => {
  const inside = await readInside('pass = ["TEST_*", "ABSENT"]');
  assert.equal(Object.keys(inside).sort(), [...always, "TEST_ONE", "TEST_TWO"].sort());
  assert.is(inside.TEST_TWO, "2");
});

test("unset takes away what pass lets through, and set has the last word", async () => {
  const inside = await readInside(
    'pass = ["TEST_*", "OTHER"]\nunset = ["*_TWO", "OTHER"]\nset = { OTHER = "mine" }',
  );
  assert.equal([inside.TEST_ONE, inside.TEST_TWO, inside.OTHER], ["1", undefined, "mine"]);
});

test("clear = false lets everything through but what unset names", async () => {
  const inside = await readInside('clear = false\nunset = ["TEST_*"]');
  assert.equal([inside.OTHER, inside.TEST_ONE, inside.LD_LIBRARY_PATH], ["3", undefined, "/nowhere"]);
  const cleared = await readInside("clear = true");
  assert.equal([cleared.OTHER, cleared.LD_LIBRARY_PATH], [undefined, undefined]);
});

test("nothing of tsjail's own way of starting is left in the environment", async () => {
  const inside = await readInside("clear = false", { env: { ...env, LISTEN_FDS: "1", LISTEN_PID: "1" } });
  const ours = Object.keys(inside).filter((name) => /^(TSJAIL_FRONT|LISTEN_.*|NODE_CHANNEL_FD)$/.test(name));
  assert.equal(ours, []);
});

test("values arrive byte for byte", async () => {
  const value = "a=b c\n\t'\"$HOME\\ ünï ${X} ";
  const inside = await readInside('pass = ["TEST_*"]', { env: { ...env, TEST_ONE: value, TEST_TWO: "" } });
  assert.equal([inside.TEST_ONE, inside.TEST_TWO], [value, ""]);
});

test("set replaces variables in its values by the caller's", async () => {
  const inside = await readInside('set = { A = "$OTHER/x", B = "${TEST_NONE:-default}" }');
  assert.equal([inside.A, inside.B], ["3/x", "default"]);
});

test("--env passes a variable on, or sets it", async () => {
  const inside = await readInside("", { options: ["--env", "OTHER", "--env", "NEW=x=y"] });
  assert.equal([inside.OTHER, inside.NEW, inside.TEST_ONE], ["3", "x=y", undefined]);
});

test("a command is found on the jail's PATH, not on the caller's", async () => {
  const run = (path: string) =>
    jail({ toml: `${bare}[env]\nset = { PATH = "${path}" }\n`, command: ["env"] });
  assert.is((await run("/usr/bin:/bin")).status, 0);
  assert.is((await run("/nowhere")).status, 127);
});

test("a shell finds the directory that it is in", async () => {
  const output = await shout({
    toml: bare,
    env: { PWD: "/nowhere" },
    options: ["--workdir", "/usr"],
    command: sh("pwd; pwd -P"),
  });
  assert.is(output, "/usr\n/usr\n");
});

test("the command starts where the caller is, if the jail shows that, else at home or at the top", async ({
  cleanup,
}) => {
  const directory = makeDirectory("workdir");
  cleanup(() => removeDirectory(directory));
  const pwd = sh("pwd; pwd -P; ls -A | head -n1");
  const run = (toml: string, home: string) =>
    shout({ toml, cwd: directory, env: { HOME: home }, command: pwd });
  assert.is(await run(hostTree, "/usr"), `${directory}\n${directory}\n`);
  const hidden = `${hostTree}[files]\ntmpfs = ["${directory}"]\n`;
  assert.match(await run(hidden, "/usr"), /^\/usr\n\/usr\n\S+\n$/);
  assert.is(await run(hidden, directory), `${directory}\n${directory}\n`);
  const chosen = `workdir = "/etc"\n${hidden}`;
  assert.match(await run(chosen, "/usr"), /^\/etc\n/);
});
