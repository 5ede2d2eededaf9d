// Why a command can't be executed: not found, not shown by the jail, without its interpreter, not executable.
// In: a failed execve(2) of the `command` operation. Out: an Explanation; next is explain.ts.
import { posix } from "node:path";
import type { ErrorCode } from "../error.ts";
import { escapeControls, quoteShell, quoteWord } from "../plan/escape.ts";
import { readValue } from "./facts.ts";
import { findMount } from "./mounts.ts";
import {
  defaultPath,
  findCommand,
  findPathVariable,
  findProgram,
  isProgram,
  listCandidates,
  type Program,
} from "./program.ts";
import { adviseCommands, type Failure } from "./rule.ts";
import { adviseShow, describeAbsence, look, lookOutside } from "./sight.ts";

export interface Explanation {
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly why: string;
  readonly fix: string | undefined;
}

/** undefined unless the failure is that of an execve(2). */
export function explainExecution(failure: Failure): Explanation | undefined {
  const { report, operation, errno } = failure;
  if (operation?.op !== "command" || report.step !== "execve" || report.reason !== "errno") return undefined;
  const name = findCommand(failure)[0] ?? "";
  const program = findProgram(failure, name);
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    return program === undefined
      ? explainNotFound(failure, name)
      : explainNoInterpreter(failure, name, program);
  }
  if (errno === "EACCES" || errno === "EPERM") return explainDenied(failure, name, program);
  if (errno === "ENOEXEC") return explainFormat(failure, name, program);
  const other = otherErrnos[errno];
  if (other === undefined) return undefined;
  return { ...other, code: "command_not_executable", message: cannot(name, program) };
}

const cannot = (name: string, program: Program | undefined): string => {
  const path = program === undefined || program.path === name ? "" : ` (${quoteWord(program.path)})`;
  return `Can't execute ${quoteWord(name)}${path} in the jail`;
};

const otherErrnos: Readonly<Record<string, { name: string; why: string; fix: string }>> = {
  E2BIG: {
    name: "command_too_long",
    why:
      "The command line and the environment together are too long: a quarter of the stack limit at most, and 128 KiB " +
      "for one argument (execve(2)).",
    fix: "Pass less: `env.pass` and `env.set` in the profile count as well. Or raise `stack` in [rlimits].",
  },
  ELOOP: {
    name: "command_loop",
    why: "Its path leads through too many symbolic links, or its interpreter is a script whose interpreter is one, and so on.",
    fix: "Follow the links and the #! lines, and end the circle.",
  },
  ETXTBSY: {
    name: "command_busy",
    why: "Somebody has the program open for writing, such as a compiler or a copy that hasn't ended.",
    fix: "Wait until it is written, then start it again.",
  },
  ENOMEM: {
    name: "command_memory",
    why: "There isn't enough memory for it: the limit `as` or `data` in [rlimits], or the cgroup's, is too small.",
    fix: "Raise the limit in [rlimits] of the profile.",
  },
  ELIBBAD: {
    name: "command_loader",
    why: "Its ELF loader is itself damaged or made for another machine.",
    fix: "Install the program's libraries again.",
  },
};

function explainNotFound(failure: Failure, name: string): Explanation {
  const base = {
    code: "command_not_found",
    message: `There is no command ${quoteWord(name)} in the jail`,
  } as const;
  const path = findPathVariable(failure);
  const searched =
    path === undefined
      ? `The command has no PATH in its environment; ${defaultPath} was searched.`
      : `Its PATH inside is ${quoteWord(path)}.`;
  const outside = listCandidates(name, failure.facts.path, failure.facts.cwd)
    .map((candidate) => ({ candidate, sight: lookOutside(failure, candidate) }))
    .find(({ sight }) => isProgram(sight));
  if (outside === undefined) {
    const why = name.includes("/")
      ? "There is no such file on this machine either."
      : `${searched} The machine has no such program either.`;
    return { ...base, name: "command_missing", why, fix: "Check its spelling, or install it." };
  }
  const { candidate } = outside;
  const inside = look(failure, candidate);
  const there = `This machine has ${quoteWord(candidate)}.`;
  if (inside.seen) {
    const why = `${there} The jail shows it, but its directory isn't in the jail's PATH. ${searched}`;
    const directory = posix.dirname(candidate);
    const fix = `Add it in the profile: set = { PATH = "${directory}:${path ?? defaultPath}" } in [env]`;
    return {
      ...base,
      name: "command_outside_path",
      why,
      fix: `${fix}\nOr name it by its path: ${quoteShell(candidate)}`,
    };
  }
  const why = `${there} ${describeAbsence(inside)}${name.includes("/") ? "" : ` ${searched}`}`;
  return {
    ...base,
    name: "command_not_shown",
    why,
    fix: adviseShow(inside, posix.dirname(candidate), "read"),
  };
}

function explainNoInterpreter(failure: Failure, name: string, program: Program): Explanation {
  const base = {
    name: "interpreter_missing",
    code: "command_not_executable",
    message: cannot(name, program),
  } as const;
  const { interpreter } = program.file;
  if (interpreter === undefined) {
    const why =
      "The file is there; what the kernel starts in its place, an interpreter or the ELF loader, is not.";
    return {
      ...base,
      why,
      fix: adviseCommands("See what it wants:", `head -c 256 ${quoteShell(program.path)} | file -`),
    };
  }
  const what = interpreter.by === "script" ? "interpreter, which its #! line names" : "ELF loader";
  const sight = look(failure, interpreter.path);
  const outside = lookOutside(failure, interpreter.path);
  const missing = `The file is there; its ${what}, ${quoteWord(interpreter.path)}, isn't.`;
  if (!sight.seen && outside.seen) {
    const fix = adviseShow(sight, posix.dirname(outside.path), "read");
    return { ...base, why: `${missing} ${describeAbsence(sight)}`, fix };
  }
  if (interpreter.path.endsWith("\r")) {
    return {
      ...base,
      why: `${missing} The line ends as on Windows, with a carriage return.`,
      fix: `Remove it: sed -i 's/\\r$//' ${quoteShell(program.path)}`,
    };
  }
  const libc = /musl/.test(interpreter.path)
    ? "musl"
    : /ld-linux|\/nix\//.test(interpreter.path)
      ? "another distribution"
      : "";
  const why = libc === "" ? missing : `${missing} The program was built for ${libc}.`;
  return {
    ...base,
    why,
    fix: "Install what it names, or a build of the program for the root that the jail has.",
  };
}

function explainDenied(failure: Failure, name: string, program: Program | undefined): Explanation {
  const base = { code: "command_not_executable", message: cannot(name, program) } as const;
  if (program === undefined) {
    const why =
      "It is a directory or a special file, or a directory on its way lacks the x permission for you.";
    return {
      ...base,
      name: "command_denied",
      why,
      fix: adviseCommands("Look along the way:", `namei -l ${quoteShell(name)}`),
    };
  }
  if ((program.file.mode & 0o111) === 0) {
    const why = `The file has no x permission (its mode is ${program.file.mode.toString(8).padStart(4, "0")}).`;
    return {
      ...base,
      name: "command_mode",
      why,
      fix: `Allow it (chmod +x ${quoteShell(program.hostPath ?? program.path)}), or name its interpreter: sh FILE`,
    };
  }
  const noexec = findNoexec(failure, program);
  if (noexec !== undefined) return { ...base, name: "command_noexec", ...noexec };
  const why =
    "You lack the x permission for the file, or for its interpreter, or a security module forbids it.";
  return {
    ...base,
    name: "command_denied",
    why,
    fix: adviseCommands("Look along the way:", `namei -l ${quoteShell(program.path)}`),
  };
}

function findNoexec(failure: Failure, { by, hostPath }: Program): { why: string; fix: string } | undefined {
  if (by !== undefined && "set" in by && by.set.includes("noexec")) {
    const origin = by.origin === "" ? "" : ` (${escapeControls(by.origin)})`;
    return {
      why: `The profile shows it without the right to execute anything: \`noexec\`${origin}.`,
      fix: "Write `noexec = false` for that mount in the profile.",
    };
  }
  const mount =
    hostPath === undefined ? undefined : findMount(readValue(failure.facts.mounts) ?? [], hostPath);
  if (mount === undefined || !mount.options.includes("noexec")) return undefined;
  return {
    why: `On this machine ${quoteWord(mount.target)} is mounted noexec, and a jail can't take that back.`,
    fix: "Put the program elsewhere, or have the file system mounted without noexec.",
  };
}

function explainFormat({ facts }: Failure, name: string, program: Program | undefined): Explanation {
  const base = {
    name: "command_format",
    code: "command_not_executable",
    message: cannot(name, program),
  } as const;
  const file = program?.file;
  if (file?.format === "empty")
    return { ...base, why: "The file is empty.", fix: "Write or build it again." };
  if (file?.format === "elf" && file.machine !== facts.machine) {
    const why = `It was built for ${file.machine}, and this machine is ${facts.machine}.`;
    return {
      ...base,
      why,
      fix: `Install it for ${facts.machine}, or register an emulator with binfmt_misc on the host.`,
    };
  }
  const why = "It is neither an ELF program nor a script that begins with #! and an interpreter.";
  return {
    ...base,
    why,
    fix: "If it is a shell script, give it the first line #!/bin/sh, or start it as: sh FILE",
  };
}
