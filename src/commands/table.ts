// The subcommands. In: a name. Out: its file, imported when it is wanted and not before: `run` must start quickly.
import type { Command } from "./command.ts";

/** In the order of the help. */
export const commands = {
  run: async () => (await import("./run.ts")).run,
  plan: async () => (await import("./plan.ts")).plan,
  check: async () => (await import("./check.ts")).check,
  compile: async () => (await import("./compile.ts")).compile,
  cache: async () => (await import("./cache.ts")).cache,
  layer: async () => (await import("./layer.ts")).layer,
  volume: async () => (await import("./volume.ts")).volume,
  diff: async () => (await import("./diff.ts")).diff,
  image: async () => (await import("./image.ts")).image,
  commit: async () => (await import("./commit.ts")).commit,
  env: async () => (await import("./env.ts")).env,
  doctor: async () => (await import("./doctor.ts")).doctor,
  init: async () => (await import("./init.ts")).init,
  trust: async () => (await import("./trust.ts")).trust,
  schema: async () => (await import("./schema.ts")).schema,
  completion: async () => (await import("./completion.ts")).completion,
  help: async () => (await import("./help.ts")).help,
  explain: async () => (await import("./explain.ts")).explain,
} as const satisfies Readonly<Record<string, () => Promise<Command>>>;

export type CommandName = keyof typeof commands;

export function isCommandName(word: string | undefined): word is CommandName {
  return word !== undefined && Object.hasOwn(commands, word);
}

/** All of them that people use. */
export async function loadCommands(): Promise<Command[]> {
  const all = await Promise.all(Object.values(commands).map((load): Promise<Command> => load()));
  return all.filter((command) => command.meta.hidden !== true);
}
