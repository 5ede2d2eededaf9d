// Whether we are in somebody's container, and whose: what helps there is an option of that program.
// In: marker files and variables. Out: a ContainerKind, and the options' text; next is facts.ts.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type ContainerKind =
  | "docker"
  | "podman"
  | "kubernetes"
  | "lxc"
  | "systemd-nspawn"
  | "flatpak"
  | "other";

type Environment = Readonly<Record<string, string | undefined>>;

/** Kubernetes first: its containers have the marks of their engine as well. */
export function findContainer(root: string, environment: Environment): ContainerKind | undefined {
  if (environment.KUBERNETES_SERVICE_HOST !== undefined) return "kubernetes";
  if (existsSync(join(root, ".dockerenv"))) return "docker";
  if (existsSync(join(root, "run/.containerenv"))) return "podman";
  if (existsSync(join(root, ".flatpak-info"))) return "flatpak";
  // https://systemd.io/CONTAINER_INTERFACE
  const manager = environment.container ?? readManager(root);
  if (manager === undefined || manager === "") return undefined;
  if (manager === "oci") return "other";
  const kinds = ["docker", "podman", "lxc", "systemd-nspawn", "flatpak"] as const;
  return kinds.find((kind) => kind === manager) ?? "other";
}

function readManager(root: string): string | undefined {
  for (const path of ["run/host/container-manager", "run/systemd/container"]) {
    try {
      return readFileSync(join(root, path), "utf8").trim();
    } catch {
      // Not in a container of systemd's kind, as far as this file says.
    }
  }
  return undefined;
}

/** How to start the container around us so that a seccomp filter doesn't stand in the way. */
export const seccompOptions: Readonly<Record<ContainerKind, string>> = {
  docker: "docker run --security-opt seccomp=unconfined …",
  podman: "podman run --security-opt seccomp=unconfined …",
  kubernetes: "securityContext: { seccompProfile: { type: Unconfined } }   # in the container's spec",
  lxc: "lxc config set NAME security.nesting true   # then restart it",
  "systemd-nspawn": 'systemd-nspawn --system-call-filter="@mount openat2" …',
  flatpak: "run tsjail outside the Flatpak: flatpak-spawn --host tsjail …",
  other: "start the container without its seccomp filter",
};

/** Who is known to be around us, " (docker)", or nothing. */
export const describeAround = (container: ContainerKind | undefined): string =>
  container === undefined ? "" : ` (${container})`;

/** How to get rid of the seccomp filter around us; where no container is known, a systemd unit may have set it. */
export function adviseUnfiltered(
  container: ContainerKind | undefined,
  start: "Start" | "Update the container engine, or start" = "Start",
): string {
  const lines =
    container === undefined
      ? [
          `${start} what is around tsjail without that filter, be it a container or a systemd unit:`,
          `  ${seccompOptions.docker}`,
          "  systemctl show UNIT -p RestrictNamespaces -p SystemCallFilter   # UNIT: see /proc/self/cgroup",
        ]
      : [`${start} what is around tsjail without that filter:`, `  ${seccompOptions[container]}`];
  return lines.join("\n");
}

/** How to start the container around us so that its /proc and /sys are whole. */
export const unmaskOptions: Readonly<Record<ContainerKind, string>> = {
  docker: "docker run --security-opt systempaths=unconfined …",
  podman: "podman run --security-opt unmask=ALL …",
  kubernetes: "securityContext: { procMount: Unmasked }   # with hostUsers: false in the pod's spec",
  lxc: "lxc config set NAME security.nesting true   # then restart it",
  "systemd-nspawn": "start the container without masked or read-only paths in /proc",
  flatpak: "run tsjail outside the Flatpak: flatpak-spawn --host tsjail …",
  other: "start the container without masked or read-only paths in /proc",
};
