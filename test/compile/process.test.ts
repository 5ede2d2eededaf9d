import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, noRun, pick, quiet } from "./fixture.ts";

const test = suite("compile/process");

const supervise = (toml: string, run = noRun) => pick(compileToml(toml, debian, run), "supervise")[0];

test("by default init stays and dies with its parent, without a time limit", () => {
  const operation = supervise(quiet);
  assert.equal(operation?.flags, ["init", "die_with_parent"]);
  assert.equal([operation?.timeout, operation?.kill_after, operation?.status_fd], [0, 5000, -1]);
});

test("times are whole milliseconds, and a small limit is not none", () => {
  const operation = supervise('[process]\ntty = "never"\ntimeout = "100us"\nkill_after = "1500us"');
  assert.equal([operation?.timeout, operation?.kill_after], [1, 2]);
});

test("switches and the descriptor for status are passed on", () => {
  const toml = '[process]\ntty = "never"\ndie_with_parent = false\nlisten_fds = true';
  const operation = supervise(toml, { ...noRun, statusFd: 7 });
  assert.equal([operation?.flags, operation?.status_fd], [["init"], 7]);
});

test("sockets that the caller listens on are passed on where the profile says so", () => {
  const host = { ...debian, listenFds: 2 };
  const plan = compileToml('[process]\ntty = "never"\nlisten_fds = true', host, { ...noRun, passFds: [4] });
  assert.equal(
    pick(plan, "pass_fd").map(({ fd }) => fd),
    [3, 4],
  );
  assert.equal(pick(plan, "supervise")[0]?.flags, ["init", "die_with_parent", "listen_fds"]);
  assert.is(pick(compileToml(quiet, host), "pass_fd").length, 0);
});

test("descriptors are passed on once each", () => {
  const plan = compileToml(quiet, debian, { ...noRun, passFds: [9, 3, 9] });
  assert.equal(
    pick(plan, "pass_fd").map(({ fd }) => fd),
    [3, 9],
  );
  const many = Array.from({ length: 65 }, (_, index) => index + 3);
  assert.throws(() => compileToml(quiet, debian, { ...noRun, passFds: many }), /At most 64/);
});

test("the explaining program goes along", () => {
  assert.is(pick(compileToml(quiet), "explain").length, 0);
  const plan = compileToml(quiet, debian, { ...noRun, explain: ["/n", "cli.js", "explain"] });
  assert.equal(pick(plan, "explain")[0]?.argv, ["/n", "cli.js", "explain"]);
});

test("attributes of the process are set where they are asked for", () => {
  const toml = '[process]\ntty = "never"\numask = "027"\nnice = -5\noom_score_adj = 500';
  const plan = compileToml(toml);
  assert.is(pick(plan, "umask")[0]?.mask, 0o27);
  assert.is(pick(plan, "nice")[0]?.value, -5);
  assert.is(pick(plan, "oom_score_adj")[0]?.value, 500);
  for (const name of ["umask", "nice", "oom_score_adj"] as const) {
    assert.is(pick(compileToml(quiet), name).length, 0);
  }
});

test("the command line's command wins over the profile's", () => {
  const toml = `command = ["bash", "-l"]\n${quiet}`;
  assert.equal(pick(compileToml(toml), "command")[0]?.argv, ["bash", "-l"]);
  const [command] = pick(compileToml(toml, debian, { ...noRun, command: ["id"] }), "command");
  assert.equal([command?.argv, command?.origin], [["id"], "command line"]);
  assert.equal(pick(compileToml(quiet), "command")[0]?.argv, []);
});
