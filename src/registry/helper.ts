// Programs that keep passwords: docker-credential-NAME (github.com/docker/docker-credential-helpers). In: the name and a
// registry. Out: what the program says, or undefined when it knows nothing. Used by credentials.ts.
import * as v from "valibot";
import { shorten } from "../plan/escape.ts";
import type { Credentials } from "./credentials.ts";
import { RegistryFailure } from "./failure.ts";
import type { Environment } from "./proxy.ts";

const answerSchema = v.looseObject({ Username: v.string(), Secret: v.string() });
/** Milliseconds. It may ask a person for the password of a keyring. */
const timeLimit = 60_000;

/** @param file which names the helper, for messages */
export async function askHelper(
  helper: string,
  server: string,
  file: string,
  environment: Environment,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  const fail = (why: string, hint: string) =>
    new RegistryFailure(`The password for ${server} can't be had: ${why}.`, {
      detail: `${file} says that ${program} keeps it.`,
      hint: `${hint}\nTo do without: --anonymous`,
    });
  if (!/^[\w.+-]+$/.test(helper)) throw fail("a helper's name is no path", `Look at credHelpers in ${file}.`);
  const { execa } = await import("execa");
  const result = await execa(program, ["get"], {
    input: server,
    env: environment as NodeJS.ProcessEnv,
    extendEnv: false,
    reject: false,
    timeout: timeLimit,
    maxBuffer: 1024 * 1024,
  });
  // EACCES: a directory of PATH can't be searched (execvp(3)), or what is there can't be executed.
  if (result.code === "ENOENT" || result.code === "EACCES")
    throw fail(
      `${program} is not among the programs of PATH`,
      `Install it, or log in anew: podman login ${server}`,
    );
  const text = typeof result.stdout === "string" ? result.stdout : "";
  if (result.failed) {
    // The helpers have no code for it, only this text (credentials/error.go).
    if (/credentials not found/i.test(text) || /credentials not found/i.test(result.stderr ?? ""))
      return undefined;
    const said =
      (text.trim() || (result.stderr ?? "").trim() || (result.shortMessage ?? "")).split("\n")[0] ?? "";
    throw fail(`${program} failed: ${shorten(said, 200)}`, `Try it: echo ${server} | ${program} get`);
  }
  const parsed = v.safeParse(answerSchema, parseJson(text));
  if (!parsed.success)
    throw fail(`${program} answers something else`, `Try it: echo ${server} | ${program} get`);
  const { Username: user, Secret: password } = parsed.output;
  if (user === "<token>") return { kind: "identity", token: password, from: program };
  return user === "" && password === "" ? undefined : { kind: "password", user, password, from: program };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
