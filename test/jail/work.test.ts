// Everyday work in the shipped profile `dev`, under all that it forbids: version control, packages, builds, debuggers,
// interpreters with threads and processes. In: a project of our own making. Nothing of it needs the network.
// time-limit: 200s
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "../support/assert.ts";
import { jail, makeDirectory, removeDirectory } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("jail: work");

/** What a script says in a project with these files, after it ended well. */
async function work(
  { cleanup }: TestContext,
  files: Record<string, string>,
  script: string,
): Promise<string> {
  const home = makeDirectory("work");
  cleanup(() => removeDirectory(home));
  const cwd = join(home, "project");
  for (const [name, text] of Object.entries({ "project/.keep": "", ".npm/.keep": "", ...files })) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  const env = { HOME: home, XDG_CONFIG_HOME: undefined, XDG_CACHE_HOME: undefined, XDG_DATA_HOME: undefined };
  const command = ["sh", "-euc", script];
  const { status, stdout, stderr } = await jail({ cwd, env, profile: "dev", command });
  assert.is(status, 0, stderr);
  return stdout;
}

test.needs("command:git")("git commits, branches, merges, clones and repacks", async (context) => {
  const script = `git init -q -b main . && git config user.name me && git config user.email me@example.com
    echo one >file && git add file && git commit -qm one
    git checkout -qb side && echo two >other && git add other && git commit -qm two && git checkout -q main
    git merge -q --no-ff -m merged side && git gc -q && git clone -q . copy && git -C copy log --format=%s -1
    git -C copy fsck --no-progress && git status --porcelain --untracked-files=no && cat copy/other`;
  assert.is(await work(context, {}, script), "merged\ntwo\n");
});

test.needs("command:npm")("npm installs a package, links its program and runs scripts", async (context) => {
  const json = (value: object) => JSON.stringify(value);
  const files = {
    "project/package.json": json({ name: "project", version: "1.0.0", scripts: { hello: "lib-says hello" } }),
    "project/lib/package.json": json({ name: "lib", version: "1.0.0", bin: { "lib-says": "says.js" } }),
    "project/lib/says.js":
      '#!/usr/bin/env node\nrequire("node:child_process").execFileSync("echo", process.argv.slice(2), { stdio: "inherit" });\n',
  };
  const script =
    "npm install --offline --no-audit --no-fund ./lib >/dev/null && npm run -s hello && ls -d node_modules/lib";
  assert.is(await work(context, files, script), "hello\nnode_modules/lib\n");
});

const python = `import asyncio, ctypes, multiprocessing, sqlite3, subprocess, tempfile, threading

def square(x):
    return x * x

async def ask():
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.close()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello\\n")
    return (await reader.readline()).decode().strip()

if __name__ == "__main__":
    found = []
    threads = [threading.Thread(target=lambda: found.append(1)) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    with multiprocessing.Pool(2) as pool:
        print(len(found), sum(pool.map(square, range(10))))
    with tempfile.NamedTemporaryFile() as file:
        print(sqlite3.connect(file.name).execute("select 6 * 7").fetchone()[0])
    print(asyncio.run(ask()), ctypes.CDLL(None).getpid() > 1, subprocess.check_output(["echo", "ok"], text=True).strip())
`;

test.needs("command:python3")("python has threads, processes, sockets and a database", async (context) => {
  const said = await work(context, { "project/all.py": python }, "python3 all.py");
  assert.is(said, "8 285\n42\nHELLO True ok\n");
});

const program = {
  "project/main.c": `#include <stdio.h>
#include <pthread.h>
int twice(int);
static void *run(void *x) { *(int *)x = twice(21); return 0; }
int main(void) { int x = 0; pthread_t t; pthread_create(&t, 0, run, &x); pthread_join(t, 0); printf("%d\\n", x); return 7; }
`,
  "project/twice.c": "int twice(int x) { return 2 * x; }\n",
  "project/Makefile": `CFLAGS = -g -O0 -pthread
main: main.o twice.o
\t$(CC) $(CFLAGS) -o $@ $^
`,
};

test.needs("command:make", "command:cc")("make builds with several compilers at once", async (context) => {
  const script = "make -s -j4 && { ./main || echo $?; } && touch twice.c && make -s -j4 && make -q && ls *.o";
  assert.is(await work(context, program, script), "42\n7\nmain.o\ntwice.o\n");
});

test.needs(
  "command:cc",
  "command:make",
  "command:gdb",
)("gdb stops a program of the jail's and looks into it", async (context) => {
  const script = `make -s && gdb -q -nx -batch -ex 'set debuginfod enabled off' -ex 'break twice' -ex run -ex 'print x + 1' -ex continue ./main 2>&1 |
    grep -E '^\\$1|exited with'`;
  assert.match(await work(context, program, script), /^\$1 = 22\n.*exited with code 07\]\n$/);
});

test.needs("command:strace")("strace follows a program of the jail's, and not init", async (context) => {
  const script = `strace -f -qq -e trace=chdir -o log sh -c 'sh -c "cd /"' && grep -c 'chdir("/") *= 0' log
    if strace -qq -p 1 -o log 2>error; then echo traced; else grep -o 'Operation not permitted' error; fi
    sleep 60 & timeout 1 strace -qq -p $! -o log || true; kill -0 $! && kill $! && echo on`;
  assert.is(await work(context, {}, script), "1\nOperation not permitted\non\n");
});

test.needs("command:bash")("a shell stops its jobs and lets them go on", async (context) => {
  const script = `exec bash -c 'set -m; sleep 60 & kill -STOP %1; sleep 0.2; jobs -s | grep -c Stopped; kill -CONT %1; sleep 0.2; jobs -r | grep -c "sleep 60"; kill %1; wait %1; echo $?'`;
  assert.is(await work(context, {}, script), "1\n1\n143\n");
});
