// The profile of an environment, as `tsjail env create` writes it: short, since the rest is in the shipped profile that
// it extends, and its owner's to edit. In: what was wished for. Out: TOML. create.ts writes it down.

export const integrations = ["ssh-agent", "display", "gpu", "git", "locale", "timezone"] as const;
export type Integration = (typeof integrations)[number];

export interface EnvWish {
  readonly name: string;
  readonly root:
    | { readonly type: "image"; readonly image: string }
    | { readonly type: "directory"; readonly path: string };
  /** Profiles to extend; names of shipped ones, or paths. */
  readonly extends: readonly string[];
  readonly shell: string;
  /** The volume that is the home; without one it is the host's. */
  readonly home: string | undefined;
  /** Absolute. */
  readonly projects: readonly string[];
  readonly with: readonly Integration[];
}

/** A string of TOML, in which `$` stands for itself. */
const literal = (text: string): string =>
  JSON.stringify(text.replaceAll("$", "$$$$")).replaceAll("\x7f", "\\u007f");

const list = (texts: readonly string[]): string => `[${texts.map(literal).join(", ")}]`;

/** As hostname(7) takes it: hyphens are inside. */
const hostname = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9-]/g, "-")
    .slice(0, 63)
    .replace(/-+$/, "");

export function formatEnvProfile(wish: EnvWish): string {
  const { name, root, home, projects } = wish;
  const where = root.type === "image" ? `image = ${literal(root.image)}` : `path = ${literal(root.path)}`;
  const write = [...projects.map(literal), ...(home === undefined ? ['"~"'] : [])];
  const variables = wish.with.flatMap((each) => shared[each].set ?? []);
  const pass = wish.with.flatMap((each) => shared[each].pass ?? []);
  const parts = [
    `# The environment ${name}: \`tsjail @${name}\` goes by this file. It is yours to edit; \`tsjail check @${name}\`
# says whether it is right.
extends = ${list(wish.extends)}
hostname = ${literal(hostname(name))}
command = ${list([wish.shell, "-l"])}

[root]
type = "${root.type}"
${where}
# What is installed, and whatever else changes outside of the home.
writable = "persistent"
name = ${literal(name)}
`,
    home === undefined
      ? ""
      : `# The home, which outlives everything else (tsjail volume).\n[[volume]]\nname = ${literal(home)}\ntarget = "~"\n`,
    write.length === 0 ? "" : `[files]\n# At the same path as outside.\nwrite = [${write.join(", ")}]\n`,
    pass.length === 0 ? "" : `[env]\npass = ${list(pass)}\n`,
    variables.length === 0
      ? ""
      : `[env.set]\n${variables.map(([key, value]) => `${key} = ${literal(value)}\n`).join("")}`,
    ...wish.with.flatMap((each) => (shared[each].binds ?? []).map((bind) => formatBind(bind, each))),
  ];
  return parts.filter(Boolean).join("\n");
}

interface Bind {
  /** With variables. */
  readonly source: string;
  readonly target: string;
  readonly isDevice?: true;
}

interface Shared {
  readonly pass?: readonly string[];
  readonly set?: readonly (readonly [name: string, value: string])[];
  readonly binds?: readonly Bind[];
}

const devices = ["dri", "kfd", "nvidia0", "nvidiactl", "nvidia-modeset", "nvidia-uvm", "nvidia-uvm-tools"];

/** What of the host each of them shows. What is not there is passed over. */
const shared: Readonly<Record<Integration, Shared>> = {
  "ssh-agent": {
    set: [["SSH_AUTH_SOCK", "/run/host/ssh-agent"]],
    binds: [{ source: "${SSH_AUTH_SOCK:-/nonexistent}", target: "/run/host/ssh-agent" }],
  },
  display: {
    pass: ["DISPLAY"],
    set: [
      ["XAUTHORITY", "/run/host/xauthority"],
      ["WAYLAND_DISPLAY", "/run/host/wayland"],
    ],
    binds: [
      { source: "/tmp/.X11-unix", target: "/tmp/.X11-unix" },
      { source: "${XAUTHORITY:-$HOME/.Xauthority}", target: "/run/host/xauthority" },
      {
        source: "${XDG_RUNTIME_DIR:-/nonexistent}/${WAYLAND_DISPLAY:-wayland-0}",
        target: "/run/host/wayland",
      },
    ],
  },
  gpu: {
    binds: devices.map((name) => ({ source: `/dev/${name}`, target: `/dev/${name}`, isDevice: true })),
  },
  git: {
    set: [["GIT_CONFIG_GLOBAL", "/run/host/gitconfig"]],
    binds: [{ source: "~/.gitconfig", target: "/run/host/gitconfig" }],
  },
  locale: {
    pass: ["LANG", "LANGUAGE", "LC_*"],
    binds: [{ source: "/usr/lib/locale", target: "/usr/lib/locale" }],
  },
  timezone: {
    pass: ["TZ"],
    binds: [{ source: "/etc/localtime", target: "/etc/localtime" }],
  },
};

function formatBind({ source, target, isDevice }: Bind, what: Integration): string {
  const device = isDevice ? "readonly = false\nnodev = false\n" : "";
  return `# ${what}\n[[mount]]\ntype = "bind"\nsource = ${JSON.stringify(source)}\ntarget = "${target}"\noptional = true\n${device}`;
}
