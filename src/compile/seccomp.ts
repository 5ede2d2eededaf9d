// In: security.seccomp and security.syscalls, the file that the first may name. Out: the operation that loads a filter.
// What is shipped is ready; for a file the caller's `buildProgram` is asked, which is libseccomp. No filter is made that
// would refuse the start of the command itself.
import { TsjailError } from "../error.ts";
import { decodeText } from "../host/host.ts";
import type { Operation, seccompFlags } from "../plan/operations.ts";
import { answer } from "../seccomp/answer.ts";
import { auditArchitectures, encodeProgram, type Instruction, maxInstructions } from "../seccomp/bpf.ts";
import { listExceptions } from "../seccomp/exceptions.ts";
import { keyCalls } from "../seccomp/keys.ts";
import { readOci } from "../seccomp/oci.ts";
import { decodeAction, lets, type Policy } from "../seccomp/policy.ts";
import { readShipped, readShippedBytes } from "../seccomp/shipped.ts";
import { findNumber, type Machine, machines } from "../seccomp/syscalls.ts";
import { completeProgram } from "../seccomp/whole.ts";
import { originOf, type Request } from "./request.ts";

interface Filter {
  readonly program: readonly Instruction[];
  readonly flags: readonly (keyof typeof seccompFlags)[];
}

export function compileSeccomp(request: Request): Operation[] {
  const { seccomp } = request.profile.security;
  // The executor has a filter of its own then, of the calls for keyrings alone (native/keyring.c).
  if (seccomp === "off") return [];
  refuseKeyAnswers(request);
  const machine = findMachine(request, "security.seccomp");
  const isShipped = seccomp === "default" || seccomp === "strict";
  const exceptions = isShipped ? listExceptions(findWishes(request)) : [];
  // Most often: nothing to be made, and nothing to be checked that its tests haven't.
  if (isShipped && exceptions.length === 0)
    return [makeOperation(request, readShippedBytes(seccomp, machine), [])];
  const filter: Filter = isShipped
    ? { program: readShipped(seccomp, machine, exceptions), flags: [] }
    : buildFromFile(request, seccomp, machine);
  checkProgram(request, filter, machine);
  return [makeOperation(request, encodeProgram(filter.program), filter.flags)];
}

function makeOperation(request: Request, filter: Uint8Array, flags: Filter["flags"]): Operation {
  const origin = originOf(request, "security.seccomp");
  const notify = flags.includes("notify") ? (request.run.notifyFd ?? -1) : -1;
  return { op: "seccomp", origin, filter, flags, notify_fd: notify };
}

/** Every filter of a plan refuses these calls, so that no other one is needed. */
function refuseKeyAnswers({ loaded, profile }: Request): void {
  for (const name of keyCalls) {
    const action = profile.security.syscalls[name];
    if (action === undefined || !lets(action)) continue;
    throw new TsjailError("profile_conflict", `${name}(2) can't be let through in a jail.`, {
      origin: loaded.origin(`security.syscalls.${name}`),
      hint: "Your keyrings are the same in every user namespace: a jail would reach them by their numbers (keyrings(7)).",
    });
  }
}

/** @param key the part of the profile that a filter is for */
export function findMachine({ host, loaded }: Request, key: string): Machine {
  const machine = machines.find((each) => each === host.architecture);
  if (machine !== undefined) return machine;
  throw new TsjailError("host_unsupported", `There is no filter of system calls for ${host.architecture}.`, {
    origin: loaded.origin(key),
    hint: `They are for ${machines.join(" and ")}.`,
  });
}

const findWishes = ({ profile: { security, namespaces } }: Request) => ({
  answers: security.syscalls,
  capabilities: security.capabilities,
  nested: namespaces.nested,
});

/** As with the shipped ones, but for capabilities and `nested`: the file itself says what they permit. */
function buildFromFile(request: Request, path: string, machine: Machine): Filter {
  const { profile, run } = request;
  const text = readText(request, path);
  const { capabilities, syscalls } = profile.security;
  try {
    const { flags, ...read } = readOci(text, path, { machine, kernel: request.host.kernel, capabilities });
    const policy = answerSingly(read, syscalls);
    if (run.buildProgram === undefined)
      throw new TsjailError("internal", "There is nobody to make a filter.");
    const program = completeProgram(policy, run.buildProgram(policy, machine), machine);
    return { program, flags: notifies(policy) ? [...flags, "notify"] : flags };
  } catch (error) {
    if (!(error instanceof TsjailError) || error.origin !== undefined) throw error;
    const { code, message, hint, detail, cause } = error;
    const origin = request.loaded.origin("security.seccomp");
    throw new TsjailError(code, message, { hint, detail, cause, origin });
  }
}

function readText({ host, loaded }: Request, path: string): string {
  const fact = host.files[path];
  const text = decodeText(fact);
  if (text !== undefined) return text;
  const why = fact?.kind === "unreadable" ? `can't be read: ${fact.code}` : "does not exist";
  throw new TsjailError("profile_conflict", `The file with the system calls, ${path}, ${why}.`, {
    origin: loaded.origin("security.seccomp"),
    hint: 'Name a file that is there, or one of the shipped policies: "default", "strict".',
  });
}

/** For every ABI of the policy, which guards are not. */
function answerSingly(policy: Policy, answers: Request["profile"]["security"]["syscalls"]): Policy {
  const rules = policy.rules.map((rule) => ({
    ...rule,
    names: rule.names.filter((name) => !Object.hasOwn(answers, name)),
  }));
  const own = Object.entries(answers)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, action]) => ({ names: [name], action, comparisons: [] }));
  return { ...policy, rules: [...rules, ...own] };
}

const notifies = ({ rules, otherwise }: Policy): boolean =>
  [otherwise, ...rules.map(({ action }) => action)].some(({ type }) => type === "notify");

/** What is made after the filter has been loaded: by the process that becomes the command. */
function checkProgram(request: Request, { program, flags }: Filter, machine: Machine): void {
  const origin = request.loaded.origin("security.seccomp");
  if (program.length > maxInstructions) {
    throw new TsjailError(
      "profile_invalid",
      `The filter of system calls has ${program.length} instructions; ${maxInstructions} is the most (seccomp(2)).`,
      { origin, hint: "Name fewer calls." },
    );
  }
  const call = (name: string) => {
    const nr = findNumber(name, machine) ?? -1;
    return decodeAction(answer(program, { arch: auditArchitectures[machine], nr }));
  };
  if (!lets(call("execve"))) {
    const isSaid = Object.hasOwn(request.profile.security.syscalls, "execve");
    throw new TsjailError(
      "profile_conflict",
      "The filter refuses execve(2), by which the command is started.",
      {
        origin: isSaid ? request.loaded.origin("security.syscalls.execve") : origin,
        hint: 'Let it through: security.syscalls.execve = "allow", or a rule in the file.',
      },
    );
  }
  if (!flags.includes("notify")) return;
  if (request.run.notifyFd === undefined) {
    throw new TsjailError(
      "profile_conflict",
      "The filter asks a supervisor (SCMP_ACT_NOTIFY), and there is none.",
      {
        origin,
        hint: "Answer these calls in [security.syscalls] of the profile instead.",
      },
    );
  }
  // The listener is handed over with it, before anybody could answer.
  if (lets(call("sendmsg"))) return;
  throw new TsjailError("profile_conflict", "A filter that notifies must let sendmsg(2) through.", {
    origin,
  });
}
