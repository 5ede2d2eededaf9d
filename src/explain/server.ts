// Why fuse-overlayfs, which lays layers beside the jail, could not be started, or has ended at once. In: failures of
// `layer_server` and of overlays that it lays. Out: rules; next is overlays.ts.
import { quoteShell, quoteWord } from "../plan/escape.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

const overlays = ["root_overlay", "overlay"] as const;

const isServed = ({ operation }: Failure): boolean =>
  (operation?.op === "overlay" || operation?.op === "root_overlay") && operation.by === "fuse";

const programOf = ({ plan }: Failure): string => {
  const server = plan.find(({ op }) => op === "layer_server");
  return server?.op === "layer_server" ? server.program : "fuse-overlayfs";
};

const byKernel = 'overlay = "kernel"';

export const serverRules: readonly Rule[] = [
  {
    name: "server_ended",
    ops: overlays,
    reasons: ["server_ended"],
    why: ({ report }) =>
      report.said === undefined || report.said === ""
        ? `It ended with status ${report.errno} and said nothing.`
        : `It ended with status ${report.errno} and said: ${report.said}`,
    fix: (failure) =>
      adviseCommands(
        "See whether it works by itself; the kernel may do without it, in the profile:",
        `${quoteShell(programOf(failure))} --version`,
        byKernel,
      ),
  },
  {
    name: "server_not_executable",
    ops: ["layer_server"],
    steps: ["execve"],
    why: (failure) => `${quoteWord(programOf(failure))} can't be executed.`,
    fix: adviseCommands(
      "Install it; where it was removed only lately, forget the plans that are kept:",
      "sudo apt-get install fuse-overlayfs   # or: sudo dnf install fuse-overlayfs",
      "tsjail cache clear",
    ),
  },
  {
    name: "fuse_missing",
    ops: overlays,
    steps: ["open"],
    errnos: ["ENOENT", "ENODEV", "ENXIO"],
    when: isServed,
    why: "fuse-overlayfs is to lay the layers, and there is no /dev/fuse: the kernel's module for it isn't loaded.",
    fix: adviseCommands(
      "Load it; in a container, pass the device on (docker run --device /dev/fuse):",
      "sudo modprobe fuse",
    ),
  },
  {
    name: "fuse_closed",
    ops: overlays,
    steps: ["open"],
    errnos: ["EACCES", "EPERM"],
    when: isServed,
    why: "fuse-overlayfs is to lay the layers, and you may not open /dev/fuse.",
    fix: adviseCommands(
      "Let everybody open it, as distributions do, now and from the next boot on:",
      "sudo chmod 0666 /dev/fuse",
      `echo 'KERNEL=="fuse", MODE="0666"' | sudo tee /etc/udev/rules.d/99-fuse.rules`,
    ),
  },
  {
    name: "fuse_refused",
    ops: overlays,
    steps: ["fsopen", "fsconfig", "fsmount"],
    when: isServed,
    why: "The kernel lets no ordinary user mount FUSE file systems here: it is older than 4.18, has none, or a security module forbids it.",
    fix: adviseCommands(
      "See what the machine permits; the kernel may lay the layers itself:",
      "tsjail doctor",
      byKernel,
    ),
  },
  {
    name: "server_other_maker",
    ops: overlays,
    reasons: ["other_maker"],
    why: "What is kept there was written by the kernel's overlayfs, and fuse-overlayfs would misread what it has noted of removed files and directories.",
    fix: adviseCommands(
      "Let the same one go on with it, in the profile, or take other directories:",
      byKernel,
    ),
  },
];
