// In: [security] and user.emulate. Out: the capabilities that remain, and no_new_privs.
import { TsjailError } from "../error.ts";
import { capabilityNames } from "../plan/capabilities.ts";
import type { Operation } from "../plan/operations.ts";
import { isEmulated } from "./emulate.ts";
import type { Ids } from "./ids.ts";
import { originOf, type Request } from "./request.ts";

/** Root writes to what has no `w`: dpkg does. It is over the user's own files, whose modes anybody in the jail can change
 * anyway: both ids of a file must be mapped (user_namespaces(7)). */
const dacOverride = 1n << BigInt(capabilityNames.indexOf("CAP_DAC_OVERRIDE"));

export function compileSecurity(request: Request, ids: Ids): Operation[] {
  const { capabilities, no_new_privs } = request.profile.security;
  const emulate = isEmulated(request, ids);
  const named = capabilities.reduce((sum, name, index) => sum | findBit(request, name, index), 0n);
  const origin = originOf(request, emulate ? "user.emulate" : "security.capabilities");
  const operations: Operation[] = [
    { op: "capabilities", origin, keep: emulate ? named | dacOverride : named },
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
