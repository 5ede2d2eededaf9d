// `tsjail env create|ls|rm|enter`: environments of the user's own: a kept layer over an image or a directory, a home, and
// a profile that has them. In: an action, a name, options. Out: an environment, a table, or one that is gone; `enter` is a
// start with the environment's profile (select.ts). Next: src/env.
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { createEnv } from "../env/create.ts";
import { type Env, findEnv, listEnvs, removeEnv } from "../env/list.ts";
import { type Integration, integrations } from "../env/profile.ts";
import { TsjailError } from "../error.ts";
import { readFile } from "../host/file.ts";
import { decodeText } from "../host/host.ts";
import { readIdentity } from "../host/identity.ts";
import { helpOption, jsonOption, type OptionTable } from "../options.ts";
import { formatSize } from "../plan/describe.ts";
import { quoteWord } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";
import { formatJson, quoteShort } from "../profile/quote.ts";
import { type Call, type Command, hasOption } from "./command.ts";

const options = {
  image: {
    type: "string",
    valueHint: "NAME",
    description: "create: the image that it begins with",
    example: "--image debian:12",
  },
  root: {
    type: "string",
    valueHint: "DIR",
    description: "create: a root directory that it begins with, which nothing may change any more",
    example: "--root ./debian",
    complete: "directory",
  },
  profile: {
    type: "string",
    alias: "p",
    valueHint: "NAME|FILE",
    description: "create: a profile to build on (default: env)",
    example: "--profile ./ours.toml",
    complete: "profile",
    repeat: true,
  },
  project: {
    type: "string",
    valueHint: "DIR",
    description: "create: a directory of yours, at the same path inside",
    example: "--project ~/src/tool",
    complete: "directory",
    repeat: true,
  },
  with: {
    type: "string",
    valueHint: "WHAT,…",
    description: "create: what of the host it may use (docs/environments.md)",
    example: "--with ssh-agent,git",
    complete: integrations,
    repeat: true,
  },
  home: {
    type: "string",
    valueHint: "own|host",
    description: "create: a home of its own (default), or yours, secrets hidden",
    example: "--home host",
    complete: ["own", "host"],
  },
  "keep-home": { type: "boolean", description: "rm: its home stays, for the next of that name" },
} as const satisfies OptionTable;

export const env: Command = {
  meta: { name: "env", description: "Make, list, enter or remove environments to work in" },
  args: { ...options, ...jsonOption, ...helpOption },
  words: [
    {
      name: "action",
      description: "create, ls, rm or enter",
      required: true,
      complete: ["create", "ls", "rm", "enter"],
    },
    { name: "name", description: "the environment", complete: "env" },
  ],
  examples: [
    ["tsjail env create work --image debian:12", "an environment on a Debian image"],
    ["tsjail @work", "a shell in it; `tsjail env enter work` is the same"],
    ["tsjail @work --user root apt-get install -y git", "what is installed stays"],
    ["tsjail env rm work", "it is gone, with its home"],
  ],
  async run(call: Call): Promise<number> {
    const [action = "", name] = call.words;
    const act = actions.get(action);
    // Before this command: select.ts makes `enter NAME` a start.
    if (action === "enter") requireName(action, undefined);
    if (act === undefined) {
      throw new TsjailError("usage", `\`tsjail env\` does not know ${quoteShort(action)}.`, {
        hint: "It knows create, ls, rm and enter. For a program called env: tsjail … -- env",
      });
    }
    try {
      return act(call, name);
    } catch (cause) {
      if (cause instanceof TsjailError) throw cause;
      throw new TsjailError("env_failed", `\`tsjail env ${action}\` failed: ${describeErrno(cause)}.`, {
        cause,
      });
    }
  },
};

const listValues = ({ given }: Call, name: keyof typeof options): string[] =>
  given.filter((one) => one.name === name).map(({ value }) => value);

function requireName(action: string, name: string | undefined): string {
  if (name !== undefined) return name;
  throw new TsjailError("usage", `\`tsjail env ${action}\` needs the name of an environment.`, {
    hint: "`tsjail env ls` lists those that there are.",
  });
}

function create(call: Call, given: string | undefined): number {
  const name = requireName("create", given);
  const caller = readIdentity(decodeText(readFile("/etc/passwd")), process.getuid?.() ?? 0, call.environment);
  const gid = process.getgid?.() ?? caller.gid;
  const { HOME, SHELL } = call.environment;
  const home = readHome(call);
  const { profile } = createEnv(
    {
      name,
      root: readRoot(call),
      extends: readExtended(call, home === "host"),
      projects: listValues(call, "project").map((path) => findProject(resolve(call.cwd, path))),
      with: readIntegrations(call),
      ownHome: home === "own",
    },
    { ...caller, gid, home: HOME || caller.home, shell: SHELL || caller.shell },
    { ...call, executor: undefined },
  );
  if (hasOption(call, "json")) call.print(`${JSON.stringify({ created: name, profile })}\n`);
  else call.log.success(`The environment ${name} is made: tsjail @${name}`);
  return 0;
}

function readRoot(call: Call): { type: "image"; image: string } | { type: "directory"; path: string } {
  const [image] = listValues(call, "image").slice(-1);
  const [directory] = listValues(call, "root").slice(-1);
  if (image !== undefined && directory === undefined) return { type: "image", image };
  if (image === undefined && directory !== undefined) {
    return { type: "directory", path: findProject(resolve(call.cwd, directory)) };
  }
  const what = image === undefined ? "needs --image or --root" : "takes --image or --root, not both";
  throw new TsjailError("usage", `\`tsjail env create\` ${what}.`, {
    hint: "For example: tsjail env create work --image debian:12",
  });
}

/** Where it really is: the profile is used from any directory. */
function findProject(path: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    throw new TsjailError("usage", `${quoteWord(path)} can't be used: ${describeErrno(cause)}.`, { cause });
  }
}

function readHome(call: Call): "own" | "host" {
  const [home = "own"] = listValues(call, "home").slice(-1);
  if (home === "own" || home === "host") return home;
  throw new TsjailError("usage", `--home ${home}: it is own or host.`);
}

/** A path is from here, and the environment's profile lies elsewhere. */
function readExtended(call: Call, showsHome: boolean): string[] {
  const profiles = listValues(call, "profile").map((name) =>
    name.includes("/") ? findProject(resolve(call.cwd, name)) : name,
  );
  // What hides comes first, so that nothing else of it counts.
  return [...(showsHome ? ["secrets"] : []), ...(profiles.length === 0 ? ["env"] : profiles)];
}

function readIntegrations(call: Call): Integration[] {
  const wanted = listValues(call, "with").flatMap((value) => value.split(","));
  const known: readonly string[] = integrations;
  const stranger = wanted.find((each) => !known.includes(each));
  if (stranger !== undefined) {
    throw new TsjailError("usage", `--with does not know ${quoteShort(stranger)}.`, {
      hint: `It knows ${integrations.join(", ")}.`,
    });
  }
  return integrations.filter((each) => wanted.includes(each));
}

function list(call: Call, name: string | undefined): number {
  if (name !== undefined) throw new TsjailError("usage", "`tsjail env ls` takes no name.");
  const envs = listEnvs(call.environment);
  if (hasOption(call, "json")) {
    call.print(formatJson(envs.map(({ holder, ...rest }) => ({ ...rest, pid: holder ?? null }))));
    return 0;
  }
  if (envs.length === 0) call.log.info("There is no environment.");
  const longest = Math.max(...envs.map((one) => one.name.length));
  for (const one of envs) call.print(`${formatEnv(one, longest)}\n`);
  return 0;
}

function formatEnv({ name, created, over, size, homeSize, holder }: Env, longest: number): string {
  const when = created.slice(0, 19).replace("T", " ");
  const home = homeSize === undefined ? "your home" : `home ${formatSize(homeSize)}`;
  const use = holder === undefined ? "" : `  in use${holder === 0 ? "" : ` by process ${holder}`}`;
  const base = over === undefined ? "its layer is gone" : `over ${over}`;
  return `${name.padEnd(longest)}  ${when}  ${formatSize(size).padStart(12)}  ${home}  ${base}${use}`;
}

function remove(call: Call, given: string | undefined): number {
  const name = requireName("rm", given);
  const keepsHome = hasOption(call, "keep-home");
  const places = findEnv(call.environment, name);
  removeEnv(places, name, keepsHome);
  if (hasOption(call, "json")) call.print(`${JSON.stringify({ removed: name })}\n`);
  else
    call.log.success(
      `The environment ${name} is removed${keepsHome ? `; its home, the volume ${places.home}, is kept for the next of that name` : ""}.`,
    );
  return 0;
}

const actions = new Map([
  ["create", create],
  ["ls", list],
  ["rm", remove],
]);
