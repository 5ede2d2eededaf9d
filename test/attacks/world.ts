// What is attacked: a directory that stands for the host's files, some of it shown to the jails, a process with a
// secret, and the attacks themselves, compiled. In: a suite. Out: a World. Next: attack.ts.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory, removeDirectory } from "../support/jail.ts";
import { until } from "../support/process.ts";

export const secret = "a secret of the host";

export interface World {
  readonly directory: string;
  /** The attacks: one static program, shown to every jail. */
  readonly program: string;
  /** Shown to every jail, read-only, under its own path. In it are `file` and, for moves, `inner/`. */
  readonly shown: string;
  /** The working directory of all that is started; some profiles make it writable. */
  readonly project: string;
  readonly home: string;
  /** Not shown; its content is `secret`. There is another one in the victim's directory. */
  readonly hidden: string;
  readonly victim: Victim;
  readonly env: Record<string, string | undefined>;
}

export interface Victim {
  readonly child: ChildProcess;
  /** As words for an attack: its pid, where its secret lies, a descriptor of it. */
  readonly words: readonly string[];
  readonly directory: string;
  nice(): number;
}

/** Words of the compiler's after -static; a shared program would not start in every jail. */
const flags = ["-static", "-O1", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Werror"];

function compilePrograms(directory: string): string {
  const sources = join(import.meta.dirname, "programs");
  const names = ["main", "files", "processes", "privileges", "network", "resources", "calls"];
  const program = join(directory, "attack");
  const paths = names.map((name) => join(sources, `${name}.c`));
  const words = [...flags, "-o", program, ...paths];
  const { status, stderr, error } = spawnSync(process.env.CC || "cc", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`the attacks can't be compiled: ${error?.message ?? stderr}`);
  return program;
}

async function startVictim(program: string, directory: string): Promise<Victim> {
  const child = spawn(program, ["victim", directory, join(directory, "secret")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let line = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    line += bytes.toString();
  });
  await until(() => line.endsWith("\n"), "the victim to be ready");
  const nice = () => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return Number(fields[16]);
  };
  return { child, words: line.trim().split(" "), directory, nice };
}

/** What twins have made in the host's /tmp; another user's stay. */
function removeMountPoints(): void {
  const names = readdirSync("/tmp").filter((name) => name.startsWith("tsjail-attack."));
  for (const name of names) {
    try {
      rmSync(join("/tmp", name), { recursive: true });
    } catch {} // another user's, or still in use by another test process
  }
}

/** All of it; `remove` ends the victim too. */
export async function makeWorld(): Promise<World & { remove: () => void }> {
  const directory = makeDirectory("attacks");
  const place = (name: string) => {
    mkdirSync(join(directory, name), { recursive: true });
    return join(directory, name);
  };
  const [shown, project, home, other] = [place("shown"), place("project"), place("home"), place("victim")];
  place("shown/inner/deep");
  place("shown/covered");
  for (const name of ["secret", "victim/secret", "shown/covered/secret"]) {
    writeFileSync(join(directory, name), `${secret}\n`);
  }
  writeFileSync(join(shown, "file"), "as it was\n");
  const program = compilePrograms(place("programs"));
  const victim = await startVictim(program, other);
  const env = { HOME: home, XDG_CONFIG_HOME: undefined, XDG_DATA_HOME: undefined };
  const remove = () => {
    victim.child.kill("SIGKILL");
    removeDirectory(directory);
    removeMountPoints();
  };
  const hidden = join(directory, "secret");
  return { directory, program, shown, project, home, hidden, victim, env, remove };
}
