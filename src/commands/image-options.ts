// What `image pull` and `image push` have in common. In: a Call. Out: their options, a client, and progress where the
// user can see it.
import { resolve } from "node:path";
import { helpOption, jsonOption, type OptionTable } from "../options.ts";
import type { Client } from "../registry/client.ts";
import { createProgress, type Progress } from "../registry/progress.ts";
import { parseReference } from "../registry/reference.ts";
import { type Call, hasOption } from "./command.ts";

export const registryOptions = {
  authfile: {
    type: "string",
    valueHint: "FILE",
    description: "Credentials, in the place of podman's and docker's files",
    example: "--authfile ./auth.json",
    complete: "file",
  },
  anonymous: { type: "boolean", description: "Use no credentials" },
  "plain-http": { type: "boolean", description: "Do without TLS, also to other hosts than this one" },
  ...jsonOption,
  ...helpOption,
} as const satisfies OptionTable;

/** Runs `work` on the user's store, which may have to be locked and tidied up around it. */
export type WithStore<Store> = (call: Call, work: (store: Store) => Promise<number>) => Promise<number>;

export const readValue = ({ given }: Pick<Call, "given">, name: string): string | undefined =>
  given.filter((one) => one.name === name).at(-1)?.value;

/** @param name of an image
 * @throws TsjailError `usage` */
export async function openClient(call: Call, name: string): Promise<Client> {
  const authfile = readValue(call, "authfile");
  const own = authfile === undefined ? {} : { REGISTRY_AUTH_FILE: resolve(call.cwd, authfile) };
  const reference = parseReference(name);
  // Loaded here: help and completion have no use for it.
  const { Client } = await import("../registry/client.ts");
  return new Client(reference, {
    environment: { ...call.environment, ...own },
    anonymous: hasOption(call, "anonymous"),
    plainHttp: hasOption(call, "plain-http"),
    userAgent: `tsjail/${call.version}`,
  });
}

export function showProgress(call: Call): Progress {
  return createProgress({ line: (text) => call.log.info(text), draw: call.terminal?.() });
}
