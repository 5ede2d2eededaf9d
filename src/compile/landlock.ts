// In: security.landlock, network.bind, network.connect, the operations that build the tree, and the ABI of the host's
// Landlock. Out: the rules. Under "auto" what the kernel can't restrict is left to the mounts and namespaces, which
// guard it in any case; ports nothing else guards, so without them there is no start.
import { formatOrigin, TsjailError } from "../error.ts";
import {
  completeAbi,
  type FileRight,
  features,
  filterKnown,
  type PortRight,
  portAbi,
  readRights,
  writeRights,
} from "../plan/landlock.ts";
import type { Operation } from "../plan/operations.ts";
import { originOf, type Request } from "./request.ts";
import { listRules } from "./rights.ts";

const readable: readonly FileRight[] = ["execute", ...readRights, "ioctl_dev"];
const writable: readonly FileRight[] = [...writeRights, "ioctl_dev"];
const allRights: readonly FileRight[] = [...new Set([...readable, ...writable])];

const ports = [
  ["bind", "bind_tcp"],
  ["connect", "connect_tcp"],
] as const satisfies readonly (readonly [key: string, right: PortRight])[];

export function compileLandlock(request: Request, tree: readonly Operation[]): Operation[] {
  const { profile, host } = request;
  const { landlock, no_new_privs, capabilities } = profile.security;
  checkPorts(request);
  if (landlock === "off") return [];
  if (landlock === "required") checkRequired(request);
  // landlock_restrict_self(2); what can't do without is refused in src/profile/schema.ts.
  const mayRestrict = no_new_privs || capabilities.includes("CAP_SYS_ADMIN");
  const known = <R extends Parameters<typeof filterKnown>[0][number]>(rights: readonly R[]): R[] =>
    filterKnown(rights, mayRestrict ? host.landlock : 0);
  // The first ABI refuses every move from one directory to another.
  const isUseful = known(["refer"]).length > 0 && findMounting(request) === undefined;
  const fs = isUseful ? known(allRights) : [];
  const net = ports.flatMap(([key, right]) => (profile.network[key] === undefined ? [] : [right]));
  const scoped = known(["abstract_unix_socket", "signal"]);
  if (fs.length + net.length + scoped.length === 0) return [];
  const origin = originOf(request, "security.landlock");
  const given = (rights: readonly FileRight[]) => (isUseful ? known(rights) : []);
  return [
    { op: "landlock", origin, fs, net, scoped, readable: given(readable), writable: given(writable) },
    ...(isUseful ? compilePaths(tree, known) : []),
    ...compilePorts(request),
  ];
}

function compilePaths(
  tree: readonly Operation[],
  known: (rights: readonly FileRight[]) => FileRight[],
): Operation[] {
  return listRules(tree)
    .map(({ path, origin, rights }): Operation & { op: "landlock_path" } => {
      return { op: "landlock_path", origin, path, rights: known(rights) };
    })
    .filter(({ rights }) => rights.length > 0);
}

function compilePorts(request: Request): Operation[] {
  return ports.flatMap(([key, right]) => {
    const numbers = [...new Set(request.profile.network[key] ?? [])].sort((a, b) => a - b);
    const origin = originOf(request, `network.${key}`);
    return numbers.map((port): Operation => ({ op: "landlock_port", origin, port, rights: [right] }));
  });
}

/** The key by which the command may mount: under rules for files nobody can (landlock(7)). */
function findMounting({ profile }: Request): string | undefined {
  if (profile.namespaces.nested) return "namespaces.nested";
  return profile.security.capabilities.includes("CAP_SYS_ADMIN") ? "security.capabilities" : undefined;
}

const nameKernel = (abi: number): string =>
  `ABI ${abi} (Linux ${features.find((feature) => feature.abi === abi)?.kernel})`;

const describeHost = ({ host }: Request): string =>
  host.landlock === 0
    ? `The kernel here (${host.kernel}) has none, or it is switched off, or a filter around tsjail hides it.`
    : `The kernel here (${host.kernel}) has ABI ${host.landlock}.`;

const newer = (abi: number): string =>
  `Boot Linux ${features.find((feature) => feature.abi === abi)?.kernel} or later, with landlock among lsm=…`;

function checkPorts(request: Request): void {
  if (request.host.landlock >= portAbi) return;
  const asked = ports.find(([key]) => request.profile.network[key] !== undefined);
  if (asked === undefined) return;
  const key = `network.${asked[0]}`;
  throw new TsjailError("host_unsupported", `${key} needs Landlock, ${nameKernel(portAbi)}.`, {
    origin: request.loaded.origin(key),
    detail: describeHost(request),
    hint: `${newer(portAbi)}\nOr take the key out of the profile: then every port can be used.`,
  });
}

function checkRequired(request: Request): void {
  const key = "security.landlock";
  const other = findMounting(request);
  if (other !== undefined) {
    throw new TsjailError(
      "profile_conflict",
      "Under Landlock's rules for files nobody can mount, which the jail is to be able to.",
      {
        detail: [key, other].map((each) => formatOrigin(request.loaded.origin(each))).join("\n"),
        hint: 'Change one of the two: with landlock = "auto" the mounts alone guard the files.',
      },
    );
  }
  if (request.host.landlock >= completeAbi) return;
  throw new TsjailError(
    "host_unsupported",
    `${key} = "required" needs Landlock, ${nameKernel(completeAbi)}.`,
    {
      origin: request.loaded.origin(key),
      detail: describeHost(request),
      hint: `${newer(completeAbi)}\nOr write landlock = "auto": then what the kernel lacks is left to the mounts and namespaces.`,
    },
  );
}
