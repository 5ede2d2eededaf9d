// What goes wrong with a registry, in words. In: an error of the network, or an answer with a status that is none of
// the good ones. Out: a RegistryFailure, which says too whether it is worth another try. Used by all of src/registry.
import { STATUS_CODES } from "node:http";
import { type ErrorDetails, TsjailError } from "../error.ts";
import { shorten } from "../plan/escape.ts";

export class RegistryFailure extends TsjailError {
  /** The same may work in a moment. */
  readonly transient: boolean;

  constructor(message: string, details: ErrorDetails & { readonly transient?: boolean } = {}) {
    super("registry_failed", message, details);
    this.transient = details.transient ?? false;
  }

  /** The same, after so many tries that another one makes no sense. */
  settle(): RegistryFailure {
    return new RegistryFailure(this.message, { hint: this.hint, detail: this.detail, cause: this.cause });
  }
}

interface Explanation {
  readonly why: string;
  readonly hint?: string;
  readonly transient?: true;
}

const trust: Explanation["hint"] =
  "If its certificate is one of your own: NODE_EXTRA_CA_CERTS=FILE.pem tsjail image …";
const again = "Try again; what has been downloaded is kept.";

/** By the code of Node, OpenSSL or undici. */
const explanations: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: { why: "nobody listens there", hint: "Is the port right, and the registry running?" },
  ENOTFOUND: { why: "there is no host of that name", hint: "Look at the name, and at the network." },
  EAI_AGAIN: { why: "the name of the host can't be looked up now", hint: "Look at the network." },
  EHOSTUNREACH: { why: "there is no way to that host", hint: "Look at the network." },
  ENETUNREACH: { why: "there is no way to that network", hint: "Look at the network." },
  ECONNRESET: { why: "the connection was cut", hint: again, transient: true },
  EPIPE: { why: "the connection was cut", hint: again, transient: true },
  ETIMEDOUT: { why: "there was no answer in time", hint: again, transient: true },
  UND_ERR_SOCKET: { why: "the connection was cut", hint: again, transient: true },
  UND_ERR_CONNECT_TIMEOUT: { why: "there was no answer in time", hint: again, transient: true },
  UND_ERR_HEADERS_TIMEOUT: { why: "there was no answer in time", hint: again, transient: true },
  UND_ERR_BODY_TIMEOUT: { why: "nothing came for too long", hint: again, transient: true },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { why: "the answer was cut short", hint: again, transient: true },
  DEPTH_ZERO_SELF_SIGNED_CERT: { why: "its certificate is self-signed", hint: trust },
  SELF_SIGNED_CERT_IN_CHAIN: { why: "its certificate is signed by nobody who is trusted here", hint: trust },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    why: "its certificate is signed by nobody who is trusted here",
    hint: trust,
  },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: {
    why: "its certificate is signed by nobody who is trusted here",
    hint: trust,
  },
  CERT_HAS_EXPIRED: { why: "its certificate has expired", hint: "Is this machine's clock right?" },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    why: "its certificate is for another host",
    hint: "Write the host as its certificate has it.",
  },
  ERR_SSL_WRONG_VERSION_NUMBER: {
    why: "it does not speak TLS",
    hint: "If it is meant to be plain HTTP, and you trust the network: --plain-http",
  },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: {
    why: "it does not speak TLS",
    hint: "If it is meant to be plain HTTP, and you trust the network: --plain-http",
  },
};

/** The code of an error, or of what caused it. */
export function findCode(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code } = each as NodeJS.ErrnoException;
    if (code !== undefined && Object.hasOwn(explanations, code)) return code;
  }
  return undefined;
}

/** @param action what was tried, as the subject of "failed": "Reading http://…" */
export function explainNetwork(action: string, error: unknown): RegistryFailure {
  if (error instanceof RegistryFailure) return error;
  const code = findCode(error);
  const known = code === undefined ? undefined : explanations[code];
  const why = known?.why ?? (error instanceof Error ? error.message : String(error));
  return new RegistryFailure(`${action} failed: ${shorten(why, 200)}.`, {
    hint: known?.hint,
    transient: known?.transient ?? false,
    cause: error,
  });
}

/** "404 Not Found: MANIFEST_UNKNOWN, manifest unknown", from a status and the errors of an answer's JSON (OCI
 * distribution specification, "Error Codes"). */
export function describeStatus(status: number, body: string): string {
  const head = `${status} ${STATUS_CODES[status] ?? ""}`.trim();
  const said = readErrors(body);
  return said === "" ? head : `${head}: ${shorten(said, 300)}`;
}

function readErrors(body: string): string {
  try {
    const { errors, details } = JSON.parse(body) as { errors?: unknown; details?: unknown };
    // Token servers say it without a list.
    if (!Array.isArray(errors)) return typeof details === "string" ? details : "";
    return errors
      .map((each: { code?: unknown; message?: unknown } | null) =>
        [each?.code, each?.message].filter((part) => typeof part === "string" && part !== "").join(", "),
      )
      .filter((text) => text !== "")
      .join("; ");
  } catch {
    return "";
  }
}

/** Worth another try: too many requests, or the server's own trouble. */
export const isTransientStatus = (status: number): boolean =>
  status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
