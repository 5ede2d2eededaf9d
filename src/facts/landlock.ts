// The ABI of Landlock that the kernel offers to this process. In: the note of the executor that has started Node, else
// landlock_create_ruleset(2) through koffi, which takes some ms to load. Out: a number, 0 for none. The executor asks
// again, as `fact_landlock`, before it uses a plan a second time.
import { loadKoffi } from "../koffi.ts";
import { readNote } from "./note.ts";

/** The same on x86-64 and arm64, as all since Linux 5.1. */
const landlockCreateRuleset = 444;
const LANDLOCK_CREATE_RULESET_VERSION = 1;

let known: number | undefined;

/** 0 where there is none, or it is switched off, or a filter around us refuses the call. */
export function readLandlock(): number {
  known ??= Number(readNote(process.env.TSJAIL_FRONT, "landlock") ?? Math.max(0, askKernel()));
  return known;
}

function askKernel(): number {
  const syscall = loadKoffi().load(null).func("long syscall(long number, ...)");
  const version = ["long", 0, "long", 0, "long", LANDLOCK_CREATE_RULESET_VERSION];
  return Number(syscall(landlockCreateRuleset, ...version));
}
