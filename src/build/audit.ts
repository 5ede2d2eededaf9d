// `npm run audit`: known vulnerabilities of what is shipped (`npm audit --omit=dev`). In: package-lock.json, the registry.
// Out: nothing, or those that it knows of, and exit status 1; 75 where the registry does not answer, which is said and
// is nobody's fault. Also one of the checks of `npm run check`.
import { BuildProblem, isScript, root, runScript } from "./problem.ts";

/** EX_TEMPFAIL of sysexits.h. */
export const notAudited = 75;

interface Vulnerability {
  readonly name: string;
  readonly severity: string;
  readonly range: string;
}

/** What `npm audit --json` has printed. @throws BuildProblem where there are vulnerabilities, or the answer is no answer */
export function readAudit(text: string): { readonly unanswered?: string } {
  const report = parse(text);
  const { vulnerabilities, message, error } = report;
  if (typeof vulnerabilities !== "object" || vulnerabilities === null) {
    const why = message ?? (error as { summary?: unknown } | undefined)?.summary;
    if (typeof why !== "string" || why === "")
      throw new BuildProblem(`npm audit said: ${text.slice(0, 500)}`);
    return { unanswered: why };
  }
  const found = Object.values(vulnerabilities as Record<string, Vulnerability>);
  if (found.length === 0) return {};
  const lines = found.map(({ name, severity, range }) => `  ${severity}: ${name} ${range}`);
  throw new BuildProblem(`vulnerable packages (npm audit --omit=dev tells more):\n${lines.join("\n")}`);
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw new BuildProblem(`npm audit said: ${text.slice(0, 500)}`);
}

async function audit(): Promise<void> {
  const { execa } = await import("execa");
  const words = ["audit", "--omit=dev", "--json", "--fetch-retries=0", "--fetch-timeout=20000"];
  const { stdout } = await execa("npm", words, { cwd: root, reject: false });
  const { unanswered } = readAudit(stdout);
  if (unanswered === undefined) return;
  console.error(`not audited, the registry does not answer: ${unanswered}`);
  process.exitCode = notAudited;
}

if (isScript(import.meta)) await runScript(audit);
