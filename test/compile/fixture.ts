// Profiles and machines that exist in memory only. In: TOML, one text for each layer, and what is special about the
// machine. Out: what compile takes. Used by the tests of src/host and src/compile; no file is read.
import * as v from "valibot";
import { findIds, type Ids } from "../../src/compile/ids.ts";
import { compile, type Run } from "../../src/compile/index.ts";
import { type Resolved, resolveIntents } from "../../src/compile/intents.ts";
import type { Request } from "../../src/compile/request.ts";
import type { FileFact, Host, RootEntry } from "../../src/host/host.ts";
import { checkPlan } from "../../src/plan/check.ts";
import type { Operation, OperationName, Plan } from "../../src/plan/operations.ts";
import { parseKey } from "../../src/profile/key.ts";
import type { LoadedProfile } from "../../src/profile/load.ts";
import { mergeLayers } from "../../src/profile/merge.ts";
import { parseToml } from "../../src/profile/parse.ts";
import { profileSchema } from "../../src/profile/schema.ts";
import { profileShape, type Table } from "../../src/profile/shape.ts";

/** Layers: base.toml, then dev.toml, then top.toml. */
const names = ["base.toml", "dev.toml", "top.toml"];

export function loadToml(...texts: string[]): LoadedProfile {
  const layers = texts.map((text, number) => {
    const file = texts.length === 1 ? "dev.toml" : (names[number] ?? "more.toml");
    return { number, file, table: parseToml(text, file) as Table, text };
  });
  const merged = mergeLayers(layers, profileShape());
  return {
    profile: v.parse(profileSchema, merged.table),
    name: layers.at(-1)?.file ?? "",
    origin: (key) => merged.origin(parseKey(key) ?? []) ?? { file: "default", key, layer: -1 },
    inputs: [],
    ownInputs: [],
    variables: [],
  };
}

export function text(content: string): FileFact {
  return { kind: "content", content: Buffer.from(content, "utf8").toString("latin1") };
}

export function entries(directories: string, symlinks: Record<string, string> = {}, files = ""): RootEntry[] {
  const split = (list: string) => list.split(" ").filter((name) => name !== "");
  return [
    ...split(directories).map((name): RootEntry => ({ name, kind: "directory" })),
    ...Object.entries(symlinks).map(([name, target]): RootEntry => ({ name, kind: "symlink", target })),
    ...split(files).map((name): RootEntry => ({ name, kind: "file" })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const passwd = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:Ann:/home/ann:/bin/bash\n";
const group = "root:x:0:\ntty:x:5:\nann:x:1000:\n";

const usrLinks = { bin: "usr/bin", lib: "usr/lib", lib64: "usr/lib64", sbin: "usr/sbin" };
const topLevel = "boot dev etc home media mnt opt proc root run srv sys tmp usr var";

/** An ordinary user on a Debian with merged /usr. */
export const debian: Host = {
  uid: 1000,
  gid: 1000,
  user: "ann",
  home: "/home/ann",
  shell: "/bin/bash",
  cwd: "/home/ann/project",
  privileged: false,
  kernel: "6.1.0",
  architecture: "x64",
  lastCapability: 40,
  landlock: 7,
  own: [],
  listenFds: 0,
  root: { kind: "entries", entries: entries(topLevel, usrLinks, "swapfile") },
  etc: { kind: "absent" },
  makers: {},
  mounts: ["/", "/dev", "/proc", "/sys"],
  layers: "/home/ann/.local/share/tsjail/layers",
  volumes: "/home/ann/.local/share/tsjail/volumes",
  links: { "/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64", "/sbin": "usr/sbin" },
  kinds: {},
  files: {
    "/etc/hosts": text("127.0.0.1\tlocalhost\n192.0.2.7\tnas\n"),
    "/etc/resolv.conf": text("nameserver 192.0.2.53\nsearch example.org\n"),
  },
  rootFiles: { "/etc/passwd": text(passwd), "/etc/group": text(group) },
};

export const hosts = {
  debian,
  /** Without merged /usr. */
  unmerged: {
    ...debian,
    root: { kind: "entries", entries: entries(`${topLevel} bin lib lib64 sbin`) },
    links: {},
  },
  /** Fedora Silverblue: /home and /root are links into /var. */
  silverblue: {
    ...debian,
    home: "/var/home/ann",
    cwd: "/var/home/ann/project",
    root: {
      kind: "entries",
      entries: entries("boot dev etc proc run sys sysroot tmp usr var", {
        ...usrLinks,
        home: "var/home",
        mnt: "var/mnt",
        opt: "var/opt",
        root: "var/roothome",
        srv: "var/srv",
      }),
    },
    links: { ...debian.links, "/home": "var/home", "/root": "var/roothome", "/opt": "var/opt" },
  },
  /** Ubuntu: systemd-resolved. */
  ubuntu: {
    ...debian,
    links: { ...debian.links, "/etc/resolv.conf": "../run/systemd/resolve/stub-resolv.conf" },
    files: { ...debian.files, "/etc/resolv.conf": text("nameserver 127.0.0.53\n") },
  },
  /** Alpine: no bash. */
  alpine: {
    ...debian,
    shell: "/bin/ash",
    root: { kind: "entries", entries: entries(`${topLevel} bin lib sbin`) },
    links: {},
    rootFiles: {
      "/etc/passwd": text("root:x:0:0:root:/root:/bin/ash\nann:x:1000:1000::/home/ann:/bin/ash\n"),
      "/etc/group": text("root:x:0:root\ntty:x:5:\nann:x:1000:\n"),
    },
  },
  root: { ...debian, uid: 0, gid: 0, user: "root", home: "/root", cwd: "/", privileged: true },
} satisfies Record<string, Host>;

export const noRun: Run = { passFds: [], explain: [] };
/** What a profile needs besides what a test is about; it goes first. */
export const quiet = 'process.tty = "never"\n';

export function makeRequest(
  toml: string | readonly string[],
  host: Host = debian,
  run: Run = noRun,
): Request {
  const loaded = loadToml(...(typeof toml === "string" ? [toml] : toml));
  return { loaded, profile: loaded.profile, host, run };
}

/** Compiles, and checks what every plan has to obey. */
export function compileToml(toml: string | readonly string[], host: Host = debian, run: Run = noRun): Plan {
  const { loaded } = makeRequest(toml, host, run);
  const plan = compile(loaded, host, run);
  checkPlan(plan, "internal");
  return plan;
}

export function resolveToml(toml: string | readonly string[], host: Host = debian): [Request, Resolved, Ids] {
  const request = makeRequest(toml, host);
  return [request, resolveIntents(request), findIds(request)];
}

export function pick<N extends OperationName>(
  plan: readonly Operation[],
  name: N,
): Extract<Operation, { op: N }>[] {
  return plan.filter((operation): operation is Extract<Operation, { op: N }> => operation.op === name);
}

/** The one operation of that name at that target; undefined when there is none. */
export function at<N extends OperationName>(
  plan: readonly Operation[],
  name: N,
  target: string,
): Extract<Operation, { op: N }> | undefined {
  const found = pick(plan, name).filter((operation) => "target" in operation && operation.target === target);
  if (found.length > 1) throw new Error(`${found.length} operations ${name} at ${target}`);
  return found[0];
}

export function textAt(plan: readonly Operation[], target: string): string | undefined {
  const file = at(plan, "file", target);
  return file === undefined ? undefined : Buffer.from(file.content).toString("utf8");
}
