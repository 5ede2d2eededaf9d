// The rows, in the order in which they are run: the crowd last, which keeps the kernel busy for a while. Next: each one's
// file.
import type { Row } from "../row.ts";
import { binds } from "./binds.ts";
import { cold } from "./cold.ts";
import { crowd, memory } from "./crowd.ts";
import { git, storm, untar } from "./files.ts";
import { image } from "./image.ts";
import { importMemory, importTime } from "./import.ts";
import { layers } from "./layers.ts";
import { bare, warm } from "./start.ts";
import { pipe, pty } from "./streams.ts";

export const rows: readonly Row[] = [
  warm,
  bare,
  cold,
  binds,
  image,
  layers,
  importTime,
  importMemory,
  untar,
  git,
  storm,
  memory,
  pipe,
  pty,
  crowd,
];
