// Why the command's working directory can't be entered. In: a failed chdir(2) of the `workdir` operation.
// Out: rules; next is explain.ts.
import { quoteWord } from "../plan/escape.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";
import { adviseShow, describeAbsence, look, lookOutside } from "./sight.ts";

const pathOf = ({ operation }: Failure): string => (operation?.op === "workdir" ? operation.path : "/");
const choose = "Choose another one: workdir in the profile, or --workdir.";

export const workdirRules: readonly Rule[] = [
  {
    name: "workdir_missing",
    ops: ["workdir"],
    errnos: ["ENOENT"],
    why: (failure) => {
      const inside = look(failure, pathOf(failure));
      if (inside.seen) return "The directory isn't there in the jail.";
      const outside = lookOutside(failure, pathOf(failure)).seen;
      return outside
        ? `This machine has it, but the jail doesn't. ${describeAbsence(inside)}`
        : describeAbsence(inside);
    },
    fix: (failure) => {
      const inside = look(failure, pathOf(failure));
      const outside = lookOutside(failure, pathOf(failure)).seen;
      return inside.seen || !outside ? choose : `${adviseShow(inside, pathOf(failure), "write")}\n${choose}`;
    },
  },
  {
    name: "workdir_kind",
    ops: ["workdir"],
    errnos: ["ENOTDIR"],
    why: (failure) => `${quoteWord(pathOf(failure))} is not a directory.`,
    fix: choose,
  },
  {
    name: "workdir_denied",
    ops: ["workdir"],
    errnos: ["EACCES", "EPERM"],
    why: "A directory on the way, or the directory itself, lacks the x permission for the ids that the command has.",
    fix: adviseCommands(`${choose} Or look along the way:`, "namei -l DIRECTORY"),
  },
  {
    name: "workdir_outside",
    reasons: ["outside_root"],
    why: "After entering it, the directory turned out not to lie inside the jail's root. tsjail starts nothing there.",
    fix: choose,
  },
];
