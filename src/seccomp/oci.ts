// Files in the format of the OCI runtime specification (config-linux.md, "Seccomp"), with what Docker's and Podman's own
// files add to it: archMap, `name`, errno's names, and rules for some capabilities, machines and kernels alone. In: the
// text of one, and for whom it is read. Out: a Policy. Next: libseccomp.ts, then whole.ts. The form itself is in oci-form.ts.
import { constants } from "node:os";
import { safeParse } from "valibot";
import { TsjailError } from "../error.ts";
import { formatKey } from "../profile/key.ts";
import { type Condition, type Form, type FormRule, form } from "./oci-form.ts";
import type { Abi, Action, Comparison, Operator, Policy, Rule } from "./policy.ts";
import type { Machine } from "./syscalls.ts";

export interface Reader {
  readonly machine: Machine;
  /** "6.1.0-28-amd64" */
  readonly kernel: string;
  /** "CAP_SYS_ADMIN" */
  readonly capabilities: readonly string[];
}

export type LoadFlag = "log" | "spec_allow" | "wait_killable";

export interface OciPolicy extends Policy {
  readonly flags: readonly LoadFlag[];
}

/** @throws TsjailError `profile_invalid`, with the place in the file */
export function readOci(text: string, path: string, reader: Reader): OciPolicy {
  const file = checkForm(parseJson(text, path), path);
  const otherwise = toAction(
    file.defaultAction,
    file.defaultErrnoRet,
    file.defaultErrno,
    "defaultAction",
    path,
  );
  const rules = (file.syscalls ?? []).flatMap((rule, index) => {
    const place = formatKey(["syscalls", index]);
    return isMeant(rule, reader) ? toRules(rule, place, path) : [];
  });
  return {
    subordinate: findSubordinate(file, reader.machine, path),
    foreign: { type: "kill_process" },
    otherwise,
    // As runc and crun do: libc takes EPERM for an answer, and looks for another way only after ENOSYS.
    ...(otherwise.type === "errno" && { unknown: { type: "errno", value: constants.errno.ENOSYS } }),
    guards: [],
    rules,
    flags: (file.flags ?? []).flatMap((flag) => loadFlags[flag] ?? []),
  };
}

const loadFlags: Readonly<Record<string, LoadFlag | undefined>> = {
  SECCOMP_FILTER_FLAG_LOG: "log",
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: "spec_allow",
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: "wait_killable",
  // There is only one thread when it is loaded.
  SECCOMP_FILTER_FLAG_TSYNC: undefined,
};

function parseJson(text: string, path: string): unknown {
  // What a number of JSON would lose above 2^53 goes as a string; strings of the file are passed over as they are.
  const exact = text.replace(/"(?:[^"\\]|\\.)*"|(?<![\w.+-])\d{16,}(?![\w.])/g, (part) =>
    part.startsWith('"') ? part : `"${part}"`,
  );
  try {
    return JSON.parse(exact);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TsjailError("profile_invalid", `${path} is no JSON: ${why}.`, { cause });
  }
}

function checkForm(value: unknown, path: string): Form {
  const result = safeParse(form, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = formatKey((issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key))));
  throw refuse(path, place, issue.message);
}

function refuse(path: string, place: string, message: string): TsjailError {
  return new TsjailError("profile_invalid", `${path}: ${place === "" ? "it" : place} ${message}.`, {
    hint: "The format is that of Docker, Podman and the OCI runtime specification, section Seccomp.",
  });
}

const kinds: Readonly<Record<string, Action["type"]>> = {
  SCMP_ACT_KILL: "kill_thread",
  SCMP_ACT_KILL_THREAD: "kill_thread",
  SCMP_ACT_KILL_PROCESS: "kill_process",
  SCMP_ACT_TRAP: "trap",
  SCMP_ACT_ERRNO: "errno",
  SCMP_ACT_TRACE: "trace",
  SCMP_ACT_ALLOW: "allow",
  SCMP_ACT_LOG: "log",
  SCMP_ACT_NOTIFY: "notify",
};

function toAction(
  word: string,
  number: number | null | undefined,
  name: string | null | undefined,
  place: string,
  path: string,
): Action {
  const type = kinds[word] as Action["type"];
  const given = number ?? findErrno(name || undefined, place, path);
  if (type === "errno" || type === "trace") return { type, value: given ?? constants.errno.EPERM };
  if (given !== undefined) throw refuse(path, place, `is ${word}, which takes no errno`);
  return type === "trap" ? { type, value: 0 } : { type };
}

function findErrno(name: string | undefined, place: string, path: string): number | undefined {
  if (name === undefined) return undefined;
  const number = (constants.errno as Readonly<Record<string, number>>)[name];
  if (number === undefined) throw refuse(path, place, `has an errno of an unknown name, ${name}`);
  return number;
}

function toRules(rule: FormRule, place: string, path: string): Rule[] {
  const names = [...(rule.names ?? []), ...(rule.name ? [rule.name] : [])];
  if (names.length === 0) throw refuse(path, place, "names no system call");
  // Of its own, or EPERM: defaultErrnoRet is for calls without a rule.
  const action = toAction(rule.action, rule.errnoRet, rule.errno, `${place}.action`, path);
  const comparisons = (rule.args ?? []).map(toComparison);
  const indexes = new Set(comparisons.map(({ index }) => index));
  // libseccomp takes one comparison of each argument; runc and crun read several as "one of these".
  if (indexes.size < comparisons.length) {
    return comparisons.map((comparison) => ({ names, action, comparisons: [comparison] }));
  }
  return [{ names, action, comparisons }];
}

const operators: Readonly<Record<Condition["op"], Operator>> = {
  SCMP_CMP_NE: "ne",
  SCMP_CMP_LT: "lt",
  SCMP_CMP_LE: "le",
  SCMP_CMP_EQ: "eq",
  SCMP_CMP_GE: "ge",
  SCMP_CMP_GT: "gt",
  SCMP_CMP_MASKED_EQ: "masked_eq",
};

/** With SCMP_CMP_MASKED_EQ `value` is the mask, and `valueTwo` what is compared. */
function toComparison({ index, value, valueTwo, op }: Condition): Comparison {
  if (op !== "SCMP_CMP_MASKED_EQ") return { index, operator: operators[op], value };
  return { index, operator: "masked_eq", value: valueTwo ?? 0n, mask: value };
}

/** Whether a rule is for this reader. All capabilities that it includes have to be held, as Docker has it. */
function isMeant({ includes, excludes }: FormRule, { machine, kernel, capabilities }: Reader): boolean {
  const architecture = machine === "x64" ? "amd64" : "arm64";
  const holds = (name: string) => capabilities.includes(name);
  const isNewEnough = (version: string) => compareVersions(kernel, version) >= 0;
  if (includes?.arches?.length && !includes.arches.includes(architecture)) return false;
  if (includes?.caps?.length && !includes.caps.every(holds)) return false;
  if (includes?.minKernel && !isNewEnough(includes.minKernel)) return false;
  if (excludes?.arches?.includes(architecture)) return false;
  if (excludes?.caps?.some(holds)) return false;
  return !(excludes?.minKernel && isNewEnough(excludes.minKernel));
}

/** By the first two numbers, as Docker does. */
function compareVersions(release: string, version: string): number {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const [leastMajor = 0, leastMinor = 0] = version.split(".").map(Number);
  return major - leastMajor || minor - leastMinor;
}

const abis: Readonly<Record<Machine, Readonly<Record<string, Abi>>>> = {
  x64: { SCMP_ARCH_X86_64: "x86_64", SCMP_ARCH_X86: "x86", SCMP_ARCH_X32: "x32" },
  arm64: { SCMP_ARCH_AARCH64: "aarch64", SCMP_ARCH_ARM: "arm" },
};

/** The ABIs beside the machine's own; those of other machines can't be met here. */
function findSubordinate(file: Form, machine: Machine, path: string): Abi[] {
  const known = abis[machine];
  const main = Object.keys(known)[0] as string;
  if (file.archMap?.length && file.architectures?.length) {
    throw refuse(path, "archMap", "and architectures are both given");
  }
  const listed = file.archMap?.length
    ? file.archMap.flatMap(({ architecture, subArchitectures }) =>
        architecture === main ? (subArchitectures ?? []) : [],
      )
    : (file.architectures ?? []);
  return [...new Set(listed)].filter((name) => name !== main).flatMap((name) => known[name] ?? []);
}
