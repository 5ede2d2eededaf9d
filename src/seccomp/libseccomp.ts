// libseccomp, through koffi: makes programs of rules. In: a policy without its guards. Out: a program for this machine's
// own ABI and those the policy names beside it. Loaded late, for a policy from a file; what is shipped was made by it
// when the package was built (src/build/prebuild.ts). seccomp_rule_add(3) and its neighbours. Next: bpf.ts.
import { closeSync, fstatSync, readSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { TsjailError } from "../error.ts";
import { loadKoffi } from "../koffi.ts";
import { auditArchitectures, decodeProgram, type Instruction, maxInstructions } from "./bpf.ts";
import {
  type Abi,
  type Comparison,
  encodeAction,
  lets,
  type Operator,
  type Policy,
  type Rule,
} from "./policy.ts";
import { findNumber, type Machine, readCalls } from "./syscalls.ts";

const tokens: Readonly<Record<Abi, number>> = {
  x86_64: 0xc000_003e,
  x86: 0x4000_0003,
  x32: 0x4000_003e,
  aarch64: 0xc000_00b7,
  arm: 0x4000_0028,
};

const operators: Readonly<Record<Operator, number>> = {
  ...{ ne: 1, lt: 2, le: 3, eq: 4, ge: 5, gt: 6, masked_eq: 7 },
};

const ACT_BADARCH = 2;
const CTL_OPTIMIZE = 8;
const BINARY_TREE = 2;
/** The highest level of 2.5: every action, also where the library can't ask this kernel for them. */
const API_LEVEL = 6;

type Library = ReturnType<typeof loadLibrary>;
let loaded: Library | undefined;

/** memfd_create(2). */
const MFD_CLOEXEC = 1;

function loadLibrary() {
  const koffi = loadKoffi();
  const library = koffi.load("libseccomp.so.2");
  const libc = koffi.load(null);
  return {
    koffi,
    memfd_create: libc.func("int memfd_create(const char *name, unsigned int flags)"),
    free: libc.func("void free(void *pointer)"),
    api_set: library.func("int seccomp_api_set(unsigned int level)"),
    version: library.func("const void *seccomp_version()"),
    init: library.func("void *seccomp_init(uint32_t action)"),
    release: library.func("void seccomp_release(void *context)"),
    attr_set: library.func("int seccomp_attr_set(void *context, int attribute, uint32_t value)"),
    arch_add: library.func("int seccomp_arch_add(void *context, uint32_t token)"),
    resolve: library.func("int seccomp_syscall_resolve_name(const char *name)"),
    name: library.func("void *seccomp_syscall_resolve_num_arch(uint32_t token, int number)"),
    rule_add: library.func(
      "int seccomp_rule_add_array(void *context, uint32_t action, int call, unsigned int count, const void *list)",
    ),
    export_bpf: library.func("int seccomp_export_bpf(void *context, int fd)"),
  };
}

function openLibrary(): Library {
  if (loaded !== undefined) return loaded;
  try {
    loaded = loadLibrary();
    loaded.api_set(API_LEVEL);
    return loaded;
  } catch (cause) {
    throw new TsjailError(
      "host_unsupported",
      "libseccomp, which makes filters of files, is not on this machine.",
      {
        cause,
        hint: [
          "Install it, or use one of the shipped policies:",
          "  sudo apt install libseccomp2     # Debian, Ubuntu",
          "  sudo dnf install libseccomp      # Fedora, RHEL",
          "  sudo pacman -S libseccomp        # Arch",
          "  sudo apk add libseccomp          # Alpine",
        ].join("\n"),
      },
    );
  }
}

/** "2.5.4"; a TsjailError where there is no libseccomp. */
export function readVersion(): string {
  const { koffi, version } = openLibrary();
  const numbers: Iterable<number> = koffi.decode(version(), "uint", 3);
  return [...numbers].join(".");
}

/** The name of a number; undefined where the library knows none. */
export function resolveNumber(abi: Abi, number: number): string | undefined {
  const { koffi, name, free } = openLibrary();
  const pointer = name(tokens[abi], number);
  if (pointer === null) return undefined;
  const text: string = koffi.decode(pointer, "char", -1);
  free(pointer);
  return text;
}

export interface Built {
  readonly program: readonly Instruction[];
  /** Numbers beyond our table that there are rules for. */
  readonly more: readonly number[];
  /** Rules for calls that are newer than the library, where several ABIs leave it no way to take their numbers. */
  readonly left: readonly Rule[];
}

/**
 * Makes a program of the rules of a policy.
 * @param machine for another than this one only what is the same for both goes: rules for calls of our table
 * @throws TsjailError `host_unsupported` without libseccomp, `profile_invalid` for rules that contradict each other
 */
export function buildProgram(policy: Policy, machine: Machine): Built {
  const library = openLibrary();
  const context = library.init(encodeAction(policy.otherwise));
  if (context === null) throw new TsjailError("internal", "libseccomp has no memory for a filter.");
  try {
    check(library.attr_set(context, ACT_BADARCH, encodeAction(policy.foreign)), "the answer to other ABIs");
    // Only how fast it is; the first versions that had it are older than any that is met.
    library.attr_set(context, CTL_OPTIMIZE, BINARY_TREE);
    for (const abi of policy.subordinate) check(library.arch_add(context, tokens[abi]), `the ABI ${abi}`);
    const added = addRules(library, context, policy, machine);
    return { ...added, program: retarget(exportProgram(library, context), machine) };
  } finally {
    library.release(context);
  }
}

function addRules(
  library: Library,
  context: unknown,
  policy: Policy,
  machine: Machine,
): Omit<Built, "program"> {
  const more: number[] = [];
  const left: Rule[] = [];
  for (const rule of policy.rules) {
    const action = encodeAction(rule.action);
    // It would be refused (EACCES), and says nothing.
    if (action === encodeAction(policy.otherwise)) continue;
    const list = encodeComparisons(rule.comparisons);
    for (const name of rule.names) {
      const own = findNumber(name, machine);
      const known = library.resolve(name);
      if (policy.subordinate.length > 0 && known < 0 && own !== undefined) {
        left.push({ ...rule, names: [name] });
        if (known === -1) continue;
      }
      const number = chooseNumber(name, policy, machine, known);
      if (number === undefined) {
        if (known === -1 && !readCalls().has(name)) checkUnknown(name, rule, policy);
        continue;
      }
      if (own === undefined && number >= 0) more.push(number);
      check(library.rule_add(context, action, number, rule.comparisons.length, list), `the rule for ${name}`);
    }
  }
  return { more, left };
}

/** By our table, where the machine's own ABI is the only one. With others the library has to translate the number, so
 * it must be one of its own: below -1 stands for a call that this ABI lacks and another has. Undefined: there is none. */
function chooseNumber(
  name: string,
  { subordinate }: Policy,
  machine: Machine,
  known: number,
): number | undefined {
  if (subordinate.length > 0) return known === -1 ? undefined : known;
  if (readCalls().has(name)) return findNumber(name, machine);
  return machine === process.arch && known >= 0 ? known : undefined;
}

/** A name that nobody knows may be that of a newer call: without its rule it is not let through, or all is lost. */
function checkUnknown(name: string, { action }: Rule, { otherwise }: Policy): void {
  if (lets(action) || !lets(otherwise)) return;
  throw new TsjailError("profile_invalid", `The system call ${name} is not known, so it can't be refused.`, {
    hint: `Check its spelling; libseccomp here is version ${readVersion()}, and a newer one knows more.`,
  });
}

/** struct scmp_arg_cmp: two ints, two 64-bit numbers; with masked_eq the mask comes first. */
function encodeComparisons(comparisons: readonly Comparison[]): Buffer {
  const list = Buffer.alloc(24 * Math.max(comparisons.length, 1));
  for (const [at, { index, operator, value, mask }] of comparisons.entries()) {
    list.writeUInt32LE(index, 24 * at);
    list.writeUInt32LE(operators[operator], 24 * at + 4);
    list.writeBigUInt64LE(operator === "masked_eq" ? (mask ?? 0n) : value, 24 * at + 8);
    list.writeBigUInt64LE(operator === "masked_eq" ? value : 0n, 24 * at + 16);
  }
  return list;
}

function check(result: number, what: string): void {
  if (result >= 0) return;
  const why =
    getSystemErrorName(result) === "EEXIST"
      ? "it contradicts another one"
      : `libseccomp says ${getSystemErrorName(result)}`;
  throw new TsjailError("profile_invalid", `The system call filter can't be made: ${what}: ${why}.`);
}

function exportProgram(library: Library, context: unknown): Instruction[] {
  const fd: number = library.memfd_create("tsjail-seccomp", MFD_CLOEXEC);
  try {
    check(library.export_bpf(context, fd), "its program");
    const bytes = Buffer.alloc(fstatSync(fd).size);
    readSync(fd, bytes, 0, bytes.length, 0);
    const program = decodeProgram(bytes);
    if (program.length <= maxInstructions) return program;
    throw new TsjailError(
      "profile_invalid",
      `The system call filter has ${program.length} instructions; the kernel takes ${maxInstructions}.`,
      { hint: "Name fewer calls with conditions, or fewer ABIs." },
    );
  } finally {
    closeSync(fd);
  }
}

/** For another machine the library takes names alone, and only those of its own age. So the program is made of that
 * machine's numbers as if they were ours, and then given its ABI, which is one constant that nothing else equals. */
function retarget(program: readonly Instruction[], machine: Machine): readonly Instruction[] {
  if (machine === process.arch) return program;
  const own = auditArchitectures[process.arch as Machine];
  return program.map((each) => (each.k === own ? { ...each, k: auditArchitectures[machine] } : each));
}
