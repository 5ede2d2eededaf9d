// In: a profile. Out: one intent for each path that a key claims, in no order that matters; paths are still as the
// profile writes them. intents.ts finds out which of them stand.
import { generatedFiles } from "../host/needs.ts";
import type { Mount, Profile } from "../profile/schema.ts";
import type { BindContent, Content, Intent, MountAttribute, TmpfsContent } from "./intent.ts";
import { nameOf } from "./path.ts";
import type { Request } from "./request.ts";
import { volumeContent } from "./volume.ts";

/** Lists what the profile wants, and the files that tsjail would like to generate. */
export function collectIntents(request: Request): Intent[] {
  const { profile, loaded } = request;
  const add = (path: string, key: string, content: Content): Intent => ({
    path,
    written: path,
    content,
    origin: loaded.origin(key),
  });
  const lists = ["read", "write", "hide", "protect", "tmpfs"] as const;
  return [
    ...lists.flatMap((list) =>
      profile.files[list].map((path, index) => add(path, `files.${list}[${index}]`, fileContent(list, path))),
    ),
    ...profile.mount.map((mount, index) => add(mount.target, `mount[${index}]`, mountContent(mount))),
    ...profile.volume.map((volume, index) => {
      const key = `volume[${index}]`;
      return add(volume.target, key, volumeContent(request, volume, key));
    }),
    ...generatedFiles.map((name) => ({
      ...add(name, "network", { kind: "generated", name }),
      origin: { ...loaded.origin(generatedKey(name)), layer: -1 },
    })),
  ];
}

/** The key that a generated file follows from. */
function generatedKey(name: string): string {
  if (name === "/etc/passwd") return "user.uid";
  if (name === "/etc/group") return "user.gid";
  return name === "/etc/hostname" ? "hostname" : "network";
}

function fileContent(list: keyof Profile["files"], path: string): Content {
  if (list === "hide" || list === "protect") return { kind: list };
  if (list === "tmpfs") return plainTmpfs(path);
  return {
    kind: "bind",
    source: path,
    attributes: list === "read" ? ["ro", "nosuid", "nodev"] : ["nosuid", "nodev"],
    optional: false,
    propagation: "private",
  } satisfies BindContent;
}

/** Directories named tmp, and /dev/shm, are everybody's (hier(7)). */
function plainTmpfs(path: string): TmpfsContent {
  const mode = nameOf(path) === "tmp" || path === "/dev/shm" ? "1777" : "0755";
  return { kind: "tmpfs", options: [`mode=${mode}`], attributes: ["nosuid", "nodev"] };
}

function mountContent(mount: Mount): Content {
  switch (mount.type) {
    case "bind": {
      const { source, optional, propagation } = mount;
      return { kind: "bind", source, attributes: listAttributes(mount), optional, propagation };
    }
    case "tmpfs":
      return { kind: "tmpfs", options: tmpfsOptions(mount), attributes: listAttributes(mount) };
    case "overlay": {
      const { lower, upper = "", work = "" } = mount;
      return { kind: "overlay", lower, upper, work, attributes: listAttributes(mount) };
    }
    case "file": {
      const { content, source, mode, optional } = mount;
      return {
        kind: "file",
        from: source === undefined ? { text: content ?? "" } : { source },
        mode,
        optional,
      };
    }
    case "symlink":
      return { kind: "symlink", text: mount.source };
    case "dev":
      return { kind: "dev", shm: limitOptions(mount) };
    default:
      return { kind: mount.type };
  }
}

function listAttributes(mount: Extract<Mount, { type: "bind" | "tmpfs" | "overlay" }>): MountAttribute[] {
  const wanted = { ro: mount.readonly, nosuid: mount.nosuid, nodev: mount.nodev, noexec: mount.noexec };
  return (["ro", "nosuid", "nodev", "noexec"] as const).filter((name) => wanted[name]);
}

function tmpfsOptions(mount: Extract<Mount, { type: "tmpfs" }>): string[] {
  return [`mode=${mount.mode.toString(8).padStart(4, "0")}`, ...limitOptions(mount)];
}

function limitOptions({
  size,
  inodes,
}: {
  size?: number | undefined;
  inodes?: number | undefined;
}): string[] {
  return [
    ...(size === undefined ? [] : [`size=${size}`]),
    ...(inodes === undefined ? [] : [`nr_inodes=${inodes}`]),
  ];
}
