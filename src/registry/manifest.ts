// What an image consists of. In: the bytes of a manifest or an index as a registry or a layout has them. Out: checked
// descriptors, and the one manifest of a platform. Specifications: OCI image 1.1 (manifest.md, image-index.md), Docker
// image manifest 2.2. Next: pull.ts.
import * as v from "valibot";
import {
  hostArchitecture,
  descriptorSchema as imageDescriptor,
  maxLayers,
  type platformSchema,
} from "../image/oci.ts";
import { quoteWord } from "../plan/escape.ts";
import { RegistryFailure } from "./failure.ts";
import { isDigest } from "./reference.ts";
import type { Descriptor } from "./sink.ts";

export const mediaTypes = {
  index: [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
  ],
  manifest: [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
  ],
  config: ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"],
  layer: [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
  ],
} as const;

/** As large as the distribution specification wants registries to take. */
export const maxManifestBytes = 4 * 1024 * 1024;
export const maxConfigBytes = 8 * 1024 * 1024;

/** A registry's has to have a type; what is wrong with a digest, checkDescriptor() says. */
const descriptorSchema = v.looseObject({
  ...imageDescriptor.entries,
  mediaType: v.string(),
  digest: v.string(),
});
const indexSchema = v.looseObject({
  schemaVersion: v.literal(2),
  manifests: v.array(descriptorSchema),
});
const manifestSchema = v.looseObject({
  schemaVersion: v.literal(2),
  config: descriptorSchema,
  layers: v.array(descriptorSchema),
});
const configSchema = v.looseObject({
  os: v.optional(v.string()),
  architecture: v.optional(v.string()),
  rootfs: v.looseObject({ type: v.literal("layers"), diff_ids: v.array(v.string()) }),
});

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}
export interface Manifest {
  readonly kind: "manifest";
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}
export interface Index {
  readonly kind: "index";
  readonly manifests: readonly (Descriptor & { readonly platform: Platform | undefined })[];
}

/** @param text "linux/arm64/v8"; undefined for this machine */
export function parsePlatform(text: string | undefined): Platform | undefined {
  const ours = `linux/${hostArchitecture()}`;
  const [, os, architecture, variant] = /^([\w.-]+)\/([\w.-]+)(?:\/([\w.-]+))?$/.exec(text ?? ours) ?? [];
  if (os === undefined || architecture === undefined) return undefined;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

export const formatPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, variant].filter((part) => part !== undefined && part !== "").join("/");

/** @param name what messages call it
 * @param contentType of the answer, for those that don't say themselves what they are
 * @throws RegistryFailure */
export function parseManifest(
  bytes: Uint8Array,
  contentType: string | undefined,
  name: string,
): Manifest | Index {
  const fail = (why: string) => new RegistryFailure(`${name} can't be used: ${why}.`);
  const data = parseObject(bytes);
  if (data === undefined) throw fail("its manifest is not a JSON object");
  const { mediaType = contentType?.replace(/\s*;.*$/s, ""), schemaVersion } = data;
  if (schemaVersion === 1)
    throw fail("its manifest is of Docker's first schema, which is no longer in use; it must be pushed anew");
  // One that is both could be two different images to two readers: CVE-2021-41190.
  if ("manifests" in data && ("layers" in data || "config" in data))
    throw fail("its manifest is an image and an index at once");
  const isIndex = "manifests" in data;
  const known: readonly unknown[] = isIndex ? mediaTypes.index : mediaTypes.manifest;
  if (mediaType !== undefined && !known.includes(mediaType) && mediaType !== "application/json")
    throw fail(`its manifest has the type ${JSON.stringify(mediaType)}, and not what such a type has`);
  const result = isIndex ? v.safeParse(indexSchema, data) : v.safeParse(manifestSchema, data);
  if (!result.success) throw fail(`${describePlace(result.issues[0])} of its manifest is missing or wrong`);
  return isIndex
    ? checkIndex(result.output as v.InferOutput<typeof indexSchema>, fail)
    : checkManifest(result.output as v.InferOutput<typeof manifestSchema>, fail);
}

type Fail = (why: string) => RegistryFailure;

function describePlace(issue: v.BaseIssue<unknown>): string {
  return v.getDotPath(issue) ?? "a part";
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const data: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof data === "object" && data !== null && !Array.isArray(data)
      ? (data as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function checkIndex({ manifests }: v.InferOutput<typeof indexSchema>, fail: Fail): Index {
  return {
    kind: "index",
    manifests: manifests.map(({ mediaType, digest, size, platform }) => ({
      ...checkDescriptor({ mediaType, digest, size }, fail),
      platform: platform ? toPlatform(platform) : undefined,
    })),
  };
}

function toPlatform({ os, architecture, variant }: v.InferOutput<typeof platformSchema>): Platform {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

function checkManifest({ config, layers }: v.InferOutput<typeof manifestSchema>, fail: Fail): Manifest {
  if (!(mediaTypes.config as readonly string[]).includes(config.mediaType))
    throw fail(`it is no image, but something of the type ${JSON.stringify(config.mediaType)}`);
  if (layers.length > maxLayers) throw fail(`it has ${layers.length} layers, and ${maxLayers} are the most`);
  if (config.size > maxConfigBytes) throw fail(`its configuration is larger than ${maxConfigBytes} bytes`);
  const strange = layers.find((layer) => !(mediaTypes.layer as readonly string[]).includes(layer.mediaType));
  if (strange !== undefined)
    throw fail(
      `it has a layer of the type ${JSON.stringify(strange.mediaType)}, which can't be unpacked here`,
    );
  const plain = ({ mediaType, digest, size }: Descriptor) =>
    checkDescriptor({ mediaType, digest, size }, fail);
  return { kind: "manifest", config: plain(config), layers: layers.map(plain) };
}

function checkDescriptor(descriptor: Descriptor, fail: Fail): Descriptor {
  if (isDigest(descriptor.digest)) return descriptor;
  throw fail(`it refers to ${JSON.stringify(descriptor.digest)}, which is no SHA-256 digest`);
}

/** The entry of an index for a platform; without a variant the first one that has that architecture.
 * @throws RegistryFailure that lists what there is */
export function selectPlatform(index: Index, wanted: Platform, name: string): Descriptor {
  const fitting = index.manifests.filter(
    ({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture,
  );
  const exact = fitting.filter(({ platform }) => platform?.variant === wanted.variant);
  const found = exact[0] ?? (wanted.variant === undefined ? fitting[0] : undefined);
  if (found !== undefined) return found;
  // Attestations are listed as unknown/unknown.
  const there = index.manifests.flatMap(({ platform }) =>
    platform === undefined || platform.os === "unknown" ? [] : [quoteWord(formatPlatform(platform))],
  );
  const list = [...new Set(there)].sort().join(", ");
  throw new RegistryFailure(`${name} is not there for ${formatPlatform(wanted)}.`, {
    detail: list === "" ? "It is there for no platform at all." : `It is there for ${list}.`,
    hint: "Another one can be had by --platform OS/ARCHITECTURE; its programs may not run here.",
  });
}

/** Checks what pulling has to know of a configuration.
 * @throws RegistryFailure */
export function checkConfig(bytes: Uint8Array, { layers }: Manifest, wanted: Platform, name: string): void {
  const fail = (why: string, hint?: string) =>
    new RegistryFailure(`${name} can't be used: ${why}.`, { hint });
  const result = v.safeParse(configSchema, parseObject(bytes));
  if (!result.success)
    throw fail(`${describePlace(result.issues[0])} of its configuration is missing or wrong`);
  const { os = wanted.os, architecture = wanted.architecture, rootfs } = result.output;
  if (os !== wanted.os || architecture !== wanted.architecture)
    throw fail(
      `it is for ${os}/${architecture}, and not for ${formatPlatform(wanted)}`,
      `To have it all the same: --platform ${os}/${architecture}`,
    );
  if (rootfs.diff_ids.length !== layers.length || !rootfs.diff_ids.every(isDigest))
    throw fail(`its configuration tells of ${rootfs.diff_ids.length} layers, and there are ${layers.length}`);
}
