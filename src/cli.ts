// argv → a command → an exit status. In: the process. Out: what the command prints, and the end of the process, as
// its exit or as the executor that it becomes. The only file that prints or exits. Next: commands/select.ts.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Call } from "./commands/command.ts";
import { selectCommand } from "./commands/select.ts";
import { formatError, TsjailError } from "./error.ts";
import { createLog } from "./log.ts";
import { escapeControls, escapeStyled } from "./plan/escape.ts";
import { canDraw, wantsColor, writeText } from "./terminal.ts";

const log = createLog(
  (text) => writeText(2, text),
  () => wantsColor(2, process.env),
);

async function main(argv: readonly string[]): Promise<number> {
  const selection = await selectCommand(argv);
  // src/ and dist/, where the bundles are, are one below it.
  const packageDirectory = dirname(import.meta.dirname);
  const version = readVersion(packageDirectory);
  const style = { version, color: () => wantsColor(1, process.env) };
  const print = (text: string) => writeText(1, escapeStyled(text));
  if (selection.kind === "version") {
    print(`tsjail ${version}\n`);
    return 0;
  }
  if (selection.kind === "help") {
    const { describeCommand, describeProgram } = await import("./commands/help.ts");
    const { command } = selection;
    print(command === undefined ? await describeProgram(style) : await describeCommand(command, style));
    return 0;
  }
  const { TSJAIL_FRONT: front, TSJAIL_NODE_EXTRA_CA_CERTS: certificates, ...rest } = process.env;
  // native/node.c has kept it from Node.
  const environment = certificates === undefined ? rest : { ...rest, NODE_EXTRA_CA_CERTS: certificates };
  const { command, given, words } = selection;
  if (command.meta.name !== "run") await wakeCompilers();
  const self = [process.execPath, ...process.execArgv, process.argv[1] ?? import.meta.filename];
  const terminal = () => (canDraw(2, process.env) ? (text: string) => writeText(2, text) : undefined);
  const around = { ...style, terminal, packageDirectory, environment, front, self, cwd: readCwd() };
  return command.run({ ...around, argv, given, words, print, log } satisfies Call);
}

/** native/node.c has V8 go without them: a start is over before they pay. To unpack an image isn't. */
async function wakeCompilers(): Promise<void> {
  const asleep = ["--no-opt", "--no-sparkplug"].filter((flag) => process.execArgv.includes(flag));
  if (asleep.length === 0) return;
  const { setFlagsFromString } = await import("node:v8");
  for (const flag of asleep) setFlagsFromString(flag.replace("--no-", "--"));
}

function readVersion(packageDirectory: string): string {
  return JSON.parse(readFileSync(join(packageDirectory, "package.json"), "utf8")).version;
}

function readCwd(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new TsjailError("usage", "The current directory does not exist any more.", {
      hint: "cd elsewhere.",
      cause,
    });
  }
}

/** @returns the exit status */
function report(error: unknown): number {
  if (error instanceof TsjailError) {
    log.error(formatError(error));
    if (error.code === "internal") log.error(listFrames(error));
    return error.exitStatus;
  }
  // Whoever read our output has gone: what SIGPIPE would have said, which Node ignores.
  if ((error as NodeJS.ErrnoException | undefined)?.code === "EPIPE") return 128 + 13;
  const frames = error instanceof Error ? `\n${listFrames(error)}` : "";
  log.error(
    `this is a bug in tsjail; please report it with the lines below.\n${escapeControls(String(error))}${frames}`,
  );
  return 125;
}

/** A stack without its message, whose lines could look like ours. */
function listFrames({ stack = "" }: Error): string {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .join("\n");
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => process.exit(report(error)),
);
