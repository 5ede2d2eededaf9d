// A thousand read-only binds. In: a Bench. Out: entries.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, measureTimes, peerSide } from "../bench.ts";
import { jailSides, judged, measureWarm, shipped } from "../jail.ts";
import { peers } from "../peers.ts";
import type { Row } from "../row.ts";

const count = 1000;

function listBinds(bench: Bench): { source: string; target: string }[] {
  return Array.from({ length: count }, (_, number) => {
    const source = join(bench.scratch.directory, "sources", String(number));
    mkdirSync(source, { recursive: true });
    return { source, target: `/mnt/${number}` };
  });
}

function writeProfile(bench: Bench): string {
  const path = join(bench.scratch.directory, "binds.toml");
  const mounts = listBinds(bench).map(
    ({ source, target }) =>
      `\n[[mount]]\ntype = "bind"\nsource = ${JSON.stringify(source)}\ntarget = "${target}"\n`,
  );
  writeFileSync(path, readFileSync(shipped("many"), "utf8") + mounts.join(""));
  return path;
}

export const binds: Row = {
  name: "binds",
  title: "1,000 read-only binds, start to exit of /bin/true",
  unit: "time",
  peer: "bubblewrap",
  targets: [{ sides: judged, peer: "bubblewrap", atMost: 0.03 }],
  measure: (bench) => {
    const profile = writeProfile(bench);
    const words = [
      ...["--unshare-all", "--die-with-parent", "--ro-bind", "/", "/"],
      ...["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/mnt"],
      ...listBinds(bench).flatMap(({ source, target }) => ["--ro-bind", source, target]),
      "/bin/true",
    ];
    const sides = [...jailSides(bench, profile, ["/bin/true"]), peerSide(bench, peers.bubblewrap, words)];
    return measureWarm(bench, sides, (candidates) => measureTimes(bench, candidates));
  },
};
