// A volume, taken away. In: its directory, nobody having it (lock.ts). Out: nothing of it, whatever a jail has left there.
// It is put aside first, so that nobody starts with half of one; what an interrupted removal leaves, the next maker or
// remover of a volume takes.
import { basename, dirname, join } from "node:path";
import { moveAside } from "../image/store.ts";
import { useScratch } from "./make.ts";

/** @throws an errno */
export function removeVolume(directory: string): void {
  useScratch(dirname(directory), (place) => moveAside(directory, join(place, basename(directory))));
}
