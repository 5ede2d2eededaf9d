// The rights of Landlock (landlock(7)): which kernels have them, and which go together. In: an ABI. Out: what it can
// restrict. compile/landlock.ts makes rules of them, doctor/kernel.ts says what a kernel lacks.
import type { fileRights, landlockScopes, portRights } from "./operations.ts";

export type FileRight = keyof typeof fileRights;
export type PortRight = keyof typeof portRights;
export type Scope = keyof typeof landlockScopes;

export const readRights: readonly FileRight[] = ["read_file", "read_dir"];

export const writeRights: readonly FileRight[] = [
  ...(["write_file", "remove_dir", "remove_file", "make_char", "make_dir", "make_reg", "make_sock"] as const),
  ...(["make_fifo", "make_block", "make_sym", "refer", "truncate"] as const),
];

export interface Feature {
  readonly abi: number;
  /** The version of Linux that brought it. */
  readonly kernel: string;
  readonly rights: readonly (FileRight | PortRight | Scope)[];
  /** What goes unrestricted without it. */
  readonly what: string;
}

/** In order. Later ABIs have brought nothing that a jail needs: the seventh is about audit logs. */
export const features: readonly Feature[] = [
  {
    ...{ abi: 2, kernel: "5.19", rights: ["refer"] },
    // Landlock's first version refuses every rename and link from one directory to another, whatever the rules say.
    what: "files are guarded by the mounts alone",
  },
  { ...{ abi: 3, kernel: "6.2", rights: ["truncate"] }, what: "truncate(2) is guarded by the mounts alone" },
  {
    ...{ abi: 4, kernel: "6.7", rights: ["bind_tcp", "connect_tcp"] },
    what: "network.bind and network.connect stop the start",
  },
  {
    ...{ abi: 5, kernel: "6.10", rights: ["ioctl_dev"] },
    what: "ioctl(2) on devices is guarded by the mounts alone",
  },
  {
    ...{ abi: 6, kernel: "6.12", rights: ["abstract_unix_socket", "signal"] },
    what: "with the host's network its abstract unix sockets can be reached",
  },
];

/** The first ABI that restricts all that a jail wants to be restricted, and the first that restricts ports. */
export const completeAbi = 6;
export const portAbi = 4;

const sinceAbi: ReadonlyMap<string, Feature> = new Map(
  features.flatMap((feature) => feature.rights.map((right) => [right, feature] as const)),
);

/** Those of the rights, or scopes, that an ABI knows. */
export function filterKnown<R extends FileRight | PortRight | Scope>(rights: readonly R[], abi: number): R[] {
  const least = (right: R) => sinceAbi.get(right)?.abi ?? features[0]?.abi ?? 1;
  return rights.filter((right) => least(right) <= abi);
}

/** What an ABI lacks. */
export function listMissing(abi: number): readonly Feature[] {
  return features.filter((feature) => feature.abi > abi);
}
