// In: the command's filter of system calls, where network.bind or network.connect name ports. Out: the same filter with
// the ways around Landlock's rules for them closed: those are about TCP sockets and the calls bind(2) and connect(2).

import type { Operation } from "../plan/operations.ts";
import { decodeProgram, encodeProgram, prependGuards } from "../seccomp/bpf.ts";
import { answerErrno, type Guard } from "../seccomp/policy.ts";
import { machines } from "../seccomp/syscalls.ts";
import type { Request } from "./request.ts";

/** IPPROTO_MPTCP: speaks TCP to whoever knows no better, and is no TCP socket (Linux 5.6). */
const multipath = 262;
/** MSG_FASTOPEN of sendto(2) and its like: connects and sends in one, past connect(2). */
const fastOpen = 0x2000_0000;

const listGuards = (): readonly Guard[] => [
  {
    names: ["socket"],
    action: answerErrno("EPROTONOSUPPORT"),
    argument: { index: 2, is: "one of", values: [multipath] },
  },
  {
    names: ["sendto", "sendmmsg"],
    action: answerErrno("EOPNOTSUPP"),
    argument: { index: 3, is: "any bit of", values: [fastOpen] },
  },
  {
    names: ["sendmsg"],
    action: answerErrno("EOPNOTSUPP"),
    argument: { index: 2, is: "any bit of", values: [fastOpen] },
  },
];

/** src/profile/schema.ts sees to it that there is a filter. */
export function guardPorts({ profile, host }: Request, operations: readonly Operation[]): Operation[] {
  const { bind, connect } = profile.network;
  const machine = machines.find((each) => each === host.architecture);
  if ((bind === undefined && connect === undefined) || machine === undefined) return [...operations];
  return operations.map((operation) =>
    operation.op === "seccomp"
      ? {
          ...operation,
          filter: encodeProgram(prependGuards(decodeProgram(operation.filter), listGuards(), machine)),
        }
      : operation,
  );
}
