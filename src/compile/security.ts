// In: [security]. Out: the capabilities that remain, and no_new_privs.
import { TsjailError } from "../error.ts";
import { capabilityNames } from "../plan/capabilities.ts";
import type { Operation } from "../plan/operations.ts";
import { originOf, type Request } from "./request.ts";

export function compileSecurity(request: Request): Operation[] {
  const { capabilities, no_new_privs } = request.profile.security;
  const mask = capabilities.reduce((sum, name, index) => sum | findBit(request, name, index), 0n);
  const operations: Operation[] = [
    { op: "capabilities", origin: originOf(request, "security.capabilities"), keep: mask },
  ];
  if (no_new_privs)
    operations.push({ op: "no_new_privs", origin: originOf(request, "security.no_new_privs") });
  return operations;
}

function findBit({ host, loaded }: Request, name: (typeof capabilityNames)[number], index: number): bigint {
  const number = capabilityNames.indexOf(name);
  if (number <= host.lastCapability) return 1n << BigInt(number);
  throw new TsjailError("host_unsupported", `The kernel here (${host.kernel}) does not know ${name}.`, {
    origin: loaded.origin(`security.capabilities[${index}]`),
    detail: `Its last capability is ${capabilityNames[host.lastCapability] ?? host.lastCapability} (/proc/sys/kernel/cap_last_cap).`,
    hint: "Take it out of the list, or run a newer kernel.",
  });
}
