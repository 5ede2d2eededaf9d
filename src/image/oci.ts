// The documents of an image, as the OCI image specification has them (and Docker, whose form is the same but for media
// types). In: JSON of anybody's. Out: checked values. Keys that are not known are left as they are.
import * as v from "valibot";
import { invalid } from "./failure.ts";

export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
} as const;

/** Where an index names its images. */
export const refName = "org.opencontainers.image.ref.name";
/** The whole name, as containerd, docker and podman write it. */
export const imageName = "io.containerd.image.name";

/** Far more than any image has; of entries of an index, too. */
export const maxLayers = 1000;

export const digestSchema = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));
const strings = v.nullish(v.array(v.string()));
const setOf = v.nullish(v.record(v.string(), v.unknown()));

export const platformSchema = v.looseObject({
  architecture: v.string(),
  os: v.string(),
  variant: v.optional(v.string()),
});

export const descriptorSchema = v.looseObject({
  mediaType: v.optional(v.string(), ""),
  digest: digestSchema,
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  annotations: v.nullish(v.record(v.string(), v.string())),
  platform: v.nullish(platformSchema),
});
export type Descriptor = v.InferOutput<typeof descriptorSchema>;

export const indexSchema = v.looseObject({
  manifests: v.pipe(v.array(descriptorSchema), v.maxLength(maxLayers)),
});
export type OciIndex = v.InferOutput<typeof indexSchema>;

export const manifestSchema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  config: descriptorSchema,
  layers: v.pipe(v.array(descriptorSchema), v.maxLength(maxLayers)),
});
export type OciManifest = v.InferOutput<typeof manifestSchema>;

export const configSchema = v.looseObject({
  architecture: v.optional(v.string(), ""),
  os: v.optional(v.string(), "linux"),
  created: v.nullish(v.string()),
  author: v.nullish(v.string()),
  config: v.nullish(
    v.looseObject({
      User: v.nullish(v.string()),
      Env: strings,
      Entrypoint: strings,
      Cmd: strings,
      WorkingDir: v.nullish(v.string()),
      Volumes: setOf,
      ExposedPorts: setOf,
      Labels: v.nullish(v.record(v.string(), v.string())),
    }),
  ),
  rootfs: v.looseObject({ diff_ids: v.array(digestSchema) }),
  history: v.nullish(v.array(v.looseObject({ empty_layer: v.nullish(v.boolean()) }))),
});
export type OciConfig = v.InferOutput<typeof configSchema>;

/** Docker's manifest.json at the top of what `docker save` writes. */
export const savedSchema = v.array(
  v.looseObject({ Config: v.string(), RepoTags: strings, Layers: v.array(v.string()) }),
);

/** @param subject what it is to a person, as the beginning of a sentence
 * @throws TsjailError `image_invalid` */
export function parseDocument<S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
  subject: string,
): v.InferOutput<S> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid(subject, "is not JSON");
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = issue === undefined ? undefined : v.getDotPath(issue);
  throw invalid(subject, `is not what it has to be${place ? ` at ${place}` : ""}: ${issue?.message ?? ""}`);
}

/** What uname(2) calls these machines, in Go's words. */
export function hostArchitecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}
