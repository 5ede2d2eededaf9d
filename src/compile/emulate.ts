// In: user.emulate. Out: the operation that loads the filter for it, and lets the monitor answer what it asks.
import { TsjailError } from "../error.ts";
import type { Operation } from "../plan/operations.ts";
import { encodeProgram } from "../seccomp/bpf.ts";
import { makeEmulation } from "../seccomp/emulate.ts";
import type { Ids } from "./ids.ts";
import { originOf, type Request } from "./request.ts";
import { findMachine } from "./seccomp.ts";

/** Whether it is wanted: what the profile says, else for root of an image, where nothing is in the way. */
export function isEmulated({ profile, host }: Request, ids: Ids): boolean {
  const { user, security, rlimits } = profile;
  if (user.emulate !== undefined) return user.emulate;
  const isFree = security.no_new_privs && rlimits.locks === undefined && user.map.length === 0;
  return host.image !== undefined && ids.uid === 0 && isFree;
}

/** @param others the operations that load the command's own filter */
export function compileEmulation(request: Request, ids: Ids, others: readonly Operation[]): Operation[] {
  if (!isEmulated(request, ids)) return [];
  checkAlone(request, ids, others);
  const { capabilities } = request.profile.security;
  const program = makeEmulation(
    {
      uid: ids.uid,
      gid: ids.gid,
      withCapabilities: capabilities.length > 0,
      withAttributes: capabilities.includes("CAP_SETFCAP"),
    },
    findMachine(request, "user.emulate"),
  );
  const origin = originOf(request, "user.emulate");
  return [{ op: "emulate", origin, filter: encodeProgram(program), uid: ids.uid, gid: ids.gid }];
}

function checkAlone(request: Request, ids: Ids, others: readonly Operation[]): void {
  const origin = request.loaded.origin("user.emulate");
  if (ids.uid !== 0) {
    throw new TsjailError("profile_conflict", `Root is to be emulated, and the jail's user is ${ids.uid}.`, {
      origin,
      hint: 'Set user.uid = "root", or take user.emulate away.',
    });
  }
  if (ids.switched) {
    throw new TsjailError(
      "profile_conflict",
      "Root is to be emulated, and user.map maps ids that are real.",
      {
        origin,
        hint: "Take user.emulate away, or user.map.",
      },
    );
  }
  const asks = others.some((each) => each.op === "seccomp" && each.flags.includes("notify"));
  if (!asks) return;
  throw new TsjailError("profile_conflict", "The filter has a supervisor already (SCMP_ACT_NOTIFY).", {
    origin,
    detail: "seccomp_unotify(2): one supervisor answers for a process, and user.emulate needs it.",
    hint: "Take user.emulate away, or answer those calls in [security.syscalls].",
  });
}
