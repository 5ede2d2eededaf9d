// Standard input, output and error: each a file, a pipe or a terminal, closed, very long. Nothing is lost, nothing is
// held open, nothing of the caller's is changed. In: the executor, and bin/tsjail, behind which Node has been.
import { spawn } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { executor, makePlan, scratch, startExecutor, writePlan } from "../support/executor.ts";
import { jail, tsjail } from "../support/jail.ts";
import { type Outcome, pause, watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";
import { openTerminal, readFlags } from "../support/terminal.ts";

const test = suite("streams").needs("userns", "command:cc", "command:setsid");

const kinds = ["file", "pipe", "tty"] as const;
type Kind = (typeof kinds)[number];
const combinations = kinds.flatMap((a) => kinds.flatMap((b) => kinds.map((c): Kind[] => [a, b, c])));

const bash = (script: string, ...words: string[]): Promise<Outcome> => {
  return watch(
    spawn("bash", ["-c", script, "bash", ...words], { cwd: "/", stdio: ["ignore", "pipe", "pipe"] }),
    60,
  ).ended;
};

const behindNode = [tsjail, "-p", "base", "--no-cache", "--"];
/** All but the first start of it are carried out from a plan that was kept. */
const behindFront = [tsjail, "-p", "base", "--"];

test("standard input is read to its end", async () => {
  for (const input of ["", "one line\n", "no end of line", "x".repeat(1_000_000)]) {
    const ending = await jail({ profile: "base", command: ["cat"], input });
    assert.is(ending.stdout, input, ending.stderr);
  }
});

test("100 MB through two pipes come out as they went in", { timeLimit: 60 }, async () => {
  const numbers = "seq 1 20000000 | head -c 104857600";
  const plain = await bash(`${numbers} | sha256sum`);
  for (const words of [behindNode]) {
    const jailed = await bash(`${numbers} | "$@" cat | sha256sum`, ...words);
    assert.equal([jailed.stdout, jailed.stderr], [plain.stdout, ""]);
  }
});

/** Runs it with each of the three as said; `in` is what comes in, the answer what came out where. */
async function runWith([input, output, errors]: Kind[], words: readonly string[], planFd?: number) {
  const terminal = openTerminal();
  const name = (fd: number) => join(scratch(), `stream${fd}`);
  writeFileSync(name(0), "hello\n");
  const files = [openSync(name(0), "r"), openSync(name(1), "w"), openSync(name(2), "w")] as const;
  const pick = (kind: Kind | undefined, file: number) =>
    kind === "file" ? file : kind === "tty" ? terminal.slave : "pipe";
  try {
    const before = readFlags(terminal.slave);
    const script = 'exec "$@" <&3 >&4 2>&5 3>&- 4>&- 5>&-';
    const child = terminal.start(["bash", "-c", script, "bash", ...words], {
      stdio: [
        "inherit",
        "ignore",
        "ignore",
        pick(input, files[0]),
        pick(output, files[1]),
        pick(errors, files[2]),
        planFd ?? "ignore",
      ].map((one, index) => (index === 0 ? terminal.slave : one)) as never,
    });
    const heard = ["", "", ""];
    for (const fd of [1, 2]) {
      (child.child.stdio[fd + 3] as NodeJS.ReadableStream | null)?.on(
        "data",
        (bytes: Buffer) => (heard[fd] += bytes.toString()),
      );
    }
    if (input === "pipe") (child.child.stdio[3] as unknown as NodeJS.WritableStream).end("hello\n");
    if (input === "tty") await terminal.type("hello\n");
    const status = await child.ended;
    const read = (kind: Kind | undefined, fd: number) => {
      return kind === "file" ? readFileSync(name(fd), "utf8") : kind === "pipe" ? heard[fd] : terminal.text();
    };
    await pause(20);
    return {
      status: status.status,
      output: read(output, 1),
      errors: read(errors, 2),
      flags: [before, readFlags(terminal.slave)],
    };
  } finally {
    for (const file of files) closeSync(file);
    terminal.close();
  }
}

/** Says on each what it read, and as its exit status which of them are terminals of the jail's own. */
const speak = `read -r line; echo "out:$line"; echo "err:$line" >&2; status=0
  for fd in 0 1 2; do [ -t $fd ] && status=$((status + (1 << fd)));
    case $(readlink /proc/$$/fd/$fd) in /dev/pts/0 | /dev/console) [ -t $fd ] || exit 90 ;; /dev/*) exit 91 ;; esac; done; exit $status`;

function expectStreams(kindsNow: Kind[], result: Awaited<ReturnType<typeof runWith>>): void {
  const what = kindsNow.join(" ");
  const wanted = kindsNow.reduce((sum, kind, fd) => sum + (kind === "tty" ? 1 << fd : 0), 0);
  assert.is(result.status, wanted, `${what}: ${JSON.stringify(result)}`);
  assert.match(result.output as string, "out:hello", what);
  assert.match(result.errors as string, "err:hello", what);
  assert.is(result.flags[1], result.flags[0], `${what}: flags of the terminal's description`);
}

test("each of the three may be a file, a pipe or a terminal", { timeLimit: 60 }, async () => {
  for (const combination of combinations) {
    const plan = openSync(writePlan(makePlan()), "r");
    const words = [executor(), "--plan-fd", "6", "--", "bash", "-c", speak];
    try {
      expectStreams(combination, await runWith(combination, words, plan));
    } finally {
      closeSync(plan);
    }
  }
});

test("behind Node too, and behind the front alone", { timeLimit: 60 }, async () => {
  const some: Kind[][] = [
    ["tty", "tty", "tty"],
    ["file", "pipe", "tty"],
    ["tty", "file", "pipe"],
    ["pipe", "tty", "file"],
    ["pipe", "pipe", "pipe"],
  ];
  for (const combination of some) {
    for (const words of [behindNode, behindFront])
      expectStreams(combination, await runWith(combination, [...words, "bash", "-c", speak]));
  }
});

test("closed ones are no trouble: the command reads nothing, and what it writes goes nowhere", async () => {
  const redirections = ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"];
  for (const [way, redirection] of [behindNode, behindFront].flatMap((one) =>
    redirections.map((each) => [one, each] as const),
  )) {
    const script = `(exec "$@" ${redirection}) && echo good`;
    const outcome = await bash(script, ...way, "sh", "-c", "cat; echo out; echo err >&2; exit 0");
    const [out, err] = [
      redirection.includes(" >&-") || redirection.startsWith(">&-"),
      redirection.includes("2>&-"),
    ];
    assert.equal(
      [outcome.status, outcome.stdout, outcome.stderr],
      [0, `${out ? "" : "out\n"}good\n`, err ? "" : "err\n"],
      redirection,
    );
  }
});

test("an input that the command has closed is closed for who writes to it", async () => {
  const child = startExecutor(["sh", "-c", "exec <&-; echo closed; exec sleep 20"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const running = watch(child);
  await running.waitFor("closed");
  // Not the first of them need be refused: init lets go of its own end when the command has begun.
  let writing: NodeJS.Timeout | undefined;
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
    child.stdin?.on("error", resolve);
    writing = setInterval(() => child.stdin?.write("x"), 20);
  });
  clearInterval(writing);
  assert.is(error.code, "EPIPE");
  child.kill("SIGTERM");
  assert.is((await running.ended).status, 143);
});

test("what shares the caller's files has their flags and place as before", async () => {
  const path = join(scratch(), "shared");
  writeFileSync(path, "first\nsecond\n");
  const [input, output] = [
    openSync(path, "r"),
    openSync(`${path}.out`, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND),
  ];
  try {
    const flags = () => [readFlags(input), readFlags(output)];
    const before = flags();
    const stdio = [input, output, output] as const;
    // The second reads what the first has left of the same open file.
    for (const [program = "", ...words] of [behindNode, behindFront]) {
      const argv = [...words, "sh", "-c", "read -r a; echo $a; echo problem >&2"];
      assert.is((await watch(spawn(program, argv, { cwd: "/", stdio: [...stdio] })).ended).status, 0);
      assert.equal(flags(), before);
    }
    assert.is(readFileSync(`${path}.out`, "utf8"), "first\nproblem\nsecond\nproblem\n");
  } finally {
    closeSync(input);
    closeSync(output);
  }
});
