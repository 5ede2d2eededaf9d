// A person in front of a terminal. In: a test's context. Out: a terminal that is closed with the test, a program run on
// it to its end, or an interactive shell in which jails are started. Used by the terminal tests of test/jail/.
import { tsjail } from "./jail.ts";
import { pause } from "./process.ts";
import type { TestContext } from "./suite.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** Before a command. */
export const base = [tsjail, "-p", "base", "--"];
const bashWords = ["bash", "--norc", "--noprofile", "--noediting", "-i"];
/** ^C, ^D, ^Z and ^\\ */
export const interrupt = "\x03";
export const end = "\x04";
export const suspend = "\x1a";
export const quit = "\x1c";

export function open({ cleanup }: TestContext, rows?: number, columns?: number): Terminal {
  const terminal = openTerminal(rows, columns);
  cleanup(() => terminal.close());
  return terminal;
}

/** Runs it on the terminal to its end; the answer is its status and what was shown. */
export async function show(terminal: Terminal, words: readonly string[], keys = "") {
  const child = terminal.start(words);
  const { ended } = child;
  if (keys !== "") await terminal.type(keys);
  const { status, signal } = await ended;
  await pause(20);
  return { status, signal, text: terminal.text() };
}

/** An interactive shell of the host's, in which a person starts jails. */
export async function openShell(context: TestContext, rows?: number, columns?: number) {
  const terminal = open(context, rows, columns);
  const child = terminal.start(bashWords, { env: { PS1: "host> ", HISTFILE: "/dev/null" } });
  const { ended } = child;
  context.cleanup(async () => {
    child.child.kill("SIGHUP");
    child.child.kill("SIGKILL");
    await ended.catch(() => {});
  });
  await terminal.waitFor("host> ");
  const enter = async (line: string, wanted: string | RegExp = "host> ") => {
    await terminal.type(`${line}\n`);
    await terminal.waitFor(line);
    return terminal.waitFor(wanted);
  };
  return { terminal, child, ended, enter };
}

/** A line for the shell. */
export const jailed = (command: string) => `${tsjail} -p base -- ${command}`;
export const innerShell = jailed("env PS1='inner> ' bash --norc --noprofile --noediting -i");
