// In: a profile. Out: what has to be read of this machine to compile it, as a list; nothing is read here.
// read.ts does the reading.
import { join } from "node:path";
import type { Profile } from "../profile/schema.ts";
import { volumeSource } from "../volume/place.ts";
import type { Layered } from "./layered.ts";
import { type LayerWish, listLayerWishes } from "./makers.ts";

/** A path as seen from a root directory: links are followed inside that directory. */
export interface RootedPath {
  readonly root: string;
  readonly path: string;
}

export interface HostNeeds {
  /** The command starts in the current directory where the jail shows it. */
  readonly directory: boolean;
  /** The ABI of Landlock is wanted. */
  readonly landlock: boolean;
  /** Sockets of a service manager's are passed on. */
  readonly sockets: boolean;
  /** The directory whose top level is listed; undefined when the jail's root is empty. */
  readonly root: string | undefined;
  /** The directory that is listed where something is missing in it: the root's /etc, if that can't be written to. */
  readonly etc: string | undefined;
  /** What is mounted below the root's top level. */
  readonly mounts: boolean;
  /** Overlays: what lays them depends on this machine. */
  readonly layers: readonly LayerWish[];
  /** Files of the host whose content is wanted. */
  readonly files: readonly string[];
  /** Files of the root directory whose content is wanted. */
  readonly rootFiles: readonly string[];
  /** Paths on whose way symlinks may lie. */
  readonly paths: readonly RootedPath[];
  /** Paths of which it matters what they are. */
  readonly kinds: readonly RootedPath[];
}

/** The files that tsjail generates in the jail, where their target says so. */
export const generatedFiles = [
  "/etc/hosts",
  "/etc/hostname",
  "/etc/resolv.conf",
  "/etc/passwd",
  "/etc/group",
];

/** The directory that the jail's root shows, or where the paths of an image begin (layered.ts); undefined for an empty
 * root. */
export function rootDirectory({ root }: Profile, image: Layered | undefined): string | undefined {
  switch (root.type) {
    case "host":
      return "/";
    case "directory":
      return root.path;
    case "image":
      return image?.root;
    case "empty":
      return undefined;
  }
}

/** Lists what compile will want to know.
 * @param volumes the directory of the volumes that have names */
export function hostNeeds(profile: Profile, image?: Layered, volumes?: string): HostNeeds {
  const root = rootDirectory(profile, image);
  const files = new Set<string>();
  if (profile.network.mode === "host") files.add("/etc/hosts").add("/etc/resolv.conf");
  for (const mount of profile.mount) {
    if (mount.type === "file" && mount.source !== undefined) files.add(mount.source);
  }
  if (profile.security.seccomp.startsWith("/")) files.add(profile.security.seccomp);
  return {
    directory: profile.workdir === undefined,
    landlock: profile.security.landlock !== "off",
    sockets: profile.process.listen_fds,
    root,
    etc: root === undefined || image || profile.root.writable !== "no" ? undefined : join(root, "etc"),
    mounts: profile.root.type === "host" && profile.root.writable !== "no",
    layers: listLayerWishes(profile),
    files: [...files].sort(),
    rootFiles: root === undefined ? [] : ["/etc/group", "/etc/passwd"],
    paths: listPaths(profile, root, volumes),
    kinds: listKinds(profile, root, volumes),
  };
}

function listKinds(profile: Profile, root: string | undefined, volumes: string | undefined): RootedPath[] {
  if (root === undefined) return [];
  const hidden = [
    ...profile.files.hide,
    ...profile.files.protect,
    ...profile.mount.flatMap(({ type, target }) => (type === "hide" || type === "protect" ? target : [])),
  ];
  const kinds = hidden.map((path) => ({ root, path }));
  // Only in a writable root are mount points made on the host, as directories or as files.
  if (profile.root.writable === "yes") {
    return [...kinds, ...listBinds(profile, volumes).map(({ source }) => ({ root: "/", path: source }))];
  }
  const binds = listBinds(profile, volumes);
  return [...kinds, ...generatedFiles.flatMap((path) => [{ root, path }, ...listBehind(binds, path)])];
}

/** Where a path is below the target of a bind: the same path below its source. */
function listBehind(binds: readonly Bind[], path: string): RootedPath[] {
  const around = binds.filter(({ target }) => path.startsWith(target) && path[target.length] === "/");
  return around.map(({ source, target }) => ({ root: "/", path: source + path.slice(target.length) }));
}

interface Bind {
  readonly source: string;
  readonly target: string;
}

/** Source and target of everything that is bound. */
function listBinds(profile: Profile, volumes: string | undefined): Bind[] {
  const same = [...profile.files.read, ...profile.files.write].map((path) => ({
    source: path,
    target: path,
  }));
  const kept = profile.volume.flatMap((volume) => {
    const source = volumeSource(volume, volumes);
    return source === undefined ? [] : [{ source, target: volume.target }];
  });
  return [...same, ...kept, ...profile.mount.filter((mount) => mount.type === "bind")];
}

function listPaths(profile: Profile, root: string | undefined, volumes: string | undefined): RootedPath[] {
  const binds = listBinds(profile, volumes);
  const { hide, protect, tmpfs } = profile.files;
  const targets = new Set([...hide, ...protect, ...tmpfs, ...generatedFiles]);
  for (const { target } of [...binds, ...profile.mount]) targets.add(target);
  const paths = new Map<string, RootedPath>();
  const add = (from: string, path: string) => paths.set(`${from}\0${path}`, { root: from, path });
  for (const { source } of binds) add("/", source);
  for (const mount of profile.mount) {
    if (mount.type === "file" && mount.source !== undefined) add("/", mount.source);
  }
  for (const mount of profile.mount) {
    if (mount.type !== "overlay") continue;
    for (const layer of [...mount.lower, mount.upper, mount.work]) if (layer !== undefined) add("/", layer);
  }
  if (root !== undefined && root !== "/") add("/", root);
  if (profile.network.mode === "host") add("/", "/etc/resolv.conf");
  for (const target of targets) {
    if (root !== undefined) add(root, target);
    // A target below a bind meets the links of the bind's source.
    for (const behind of listBehind(binds, target)) add(behind.root, behind.path);
  }
  return [...paths.keys()].sort().map((key) => paths.get(key) as RootedPath);
}
