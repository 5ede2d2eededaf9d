// Loading a filter takes the kernel time for each of its instructions, at every start. In: a program that looks at the
// ABI and the number of a call alone, and guards. Out: one that answers the same, in less than half: numbers in a row
// with one answer are one comparison, each guard stands where its number is found. Next: prebuild.ts keeps it.
import { answer } from "../seccomp/answer.ts";
import {
  assembleAnswers,
  auditArchitectures,
  type Instruction,
  JEQ,
  JGE,
  JGT,
  jump,
  LOAD,
  RETURN,
  statement,
} from "../seccomp/bpf.ts";
import { encodeAction, type Guard } from "../seccomp/policy.ts";
import { findNumber, type Machine } from "../seccomp/syscalls.ts";

/** What numbers from `first` on are answered, up to the next run. */
interface Run {
  readonly first: number;
  readonly result: number;
  readonly guard: Guard | undefined;
}

const most = 0xffff_ffff;

export function shorten(
  program: readonly Instruction[],
  guards: readonly Guard[],
  machine: Machine,
): Instruction[] {
  const runs = listRuns(program, guards, machine);
  const writer = new Writer();
  writeTree(runs, writer);
  writer.write(statement(LOAD, 0));
  writer.write(statement(RETURN, answer(program, { arch: 0, nr: 0 })));
  writer.write(jump(JEQ, auditArchitectures[machine], 1, 0));
  writer.write(statement(LOAD, 4));
  return writer.finish();
}

/** The answer can change at the numbers of comparisons alone. */
function listRuns(program: readonly Instruction[], guards: readonly Guard[], machine: Machine): Run[] {
  const guarded = new Map<number, Guard>();
  for (const guard of guards) {
    for (const number of guard.names.flatMap((name) => findNumber(name, machine) ?? [])) {
      if (guarded.has(number)) throw new Error(`two guards for one call: ${guard.names.join(" ")}`);
      guarded.set(number, guard);
    }
  }
  const numbers = [...program.flatMap(readNumber), ...guarded.keys()].flatMap((k) => [k, k + 1]);
  const marks = [...new Set([0, ...numbers])].filter((k) => k <= most).sort((a, b) => a - b);
  const runs: Run[] = [];
  for (const first of marks) {
    const result = answer(program, { arch: auditArchitectures[machine], nr: first });
    const guard = guarded.get(first);
    const last = runs.at(-1);
    if (last === undefined || last.result !== result || last.guard !== guard)
      runs.push({ first, result, guard });
  }
  return runs;
}

function readNumber({ code, k }: Instruction): number[] {
  if (code === JEQ || code === JGE || code === JGT) return [k];
  // The arguments begin at 16; an AND is for one of them.
  if ((code === LOAD && k < 8) || code === RETURN || code === 0x05) return [];
  throw new Error("the program looks at more than the number of a call");
}

/** @returns the label of the tree's root */
function writeTree(runs: readonly Run[], writer: Writer): number {
  const [run, second] = runs;
  if (run === undefined) throw new Error("no numbers");
  if (second === undefined) return writer.writeLeaf(run);
  const middle = Math.ceil(runs.length / 2);
  const above = writeTree(runs.slice(middle), writer);
  const below = writeTree(runs.slice(0, middle), writer);
  const first = runs[middle]?.first ?? 0;
  return writer.write(jump(JGE, first, writer.distance(above), writer.distance(below)));
}

/** From the end to the beginning: a program jumps forward only. A label counts instructions from the end. */
class Writer {
  readonly #reversed: Instruction[] = [];
  readonly #leaves = new Map<string, number>();

  write(instruction: Instruction): number {
    this.#reversed.push(instruction);
    return this.#reversed.length - 1;
  }

  /** For the instruction that is written next. A conditional jump has 8 bits for it. */
  distance(label: number): number {
    const distance = this.#reversed.length - label - 1;
    if (distance <= 255) return distance;
    throw new Error("the program is too long for conditional jumps");
  }

  writeLeaf({ result, guard }: Run): number {
    const instructions =
      guard?.argument === undefined
        ? [statement(RETURN, guard === undefined ? result : encodeAction(guard.action))]
        : assembleAnswers(guard.argument, guard, statement(RETURN, result));
    const key = JSON.stringify(instructions);
    const known = this.#leaves.get(key);
    if (known !== undefined) return known;
    const labels = instructions.toReversed().map((instruction) => this.write(instruction));
    const label = labels.at(-1) as number;
    this.#leaves.set(key, label);
    return label;
  }

  finish(): Instruction[] {
    return this.#reversed.toReversed();
  }
}
