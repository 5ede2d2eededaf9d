// How long /bin/true takes in a jail, from the start of the program to its end, against every peer that can do the same
// or nearly. In: a Bench. Out: entries.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, type Candidate, measureTimes, peerSide, type Side } from "../bench.ts";
import { jailSides, judged, measureWarm, shipped } from "../jail.ts";
import { peers } from "../peers.ts";
import type { Row } from "../row.ts";
import { listBundleSides } from "./bundle.ts";

export const bubblewrapWords = [
  "--unshare-all",
  "--die-with-parent",
  ...["--ro-bind", "/", "/"],
  ...["--proc", "/proc"],
  ...["--dev", "/dev"],
];

const native: (bench: Bench) => Side = (bench) => ({
  side: "no sandbox",
  argv: ["/bin/true"],
  env: bench.scratch.env,
});

const floor: (bench: Bench) => Side = (bench) => ({
  side: "bare C program",
  argv: [bench.scratch.floor, "/bin/true"],
  env: bench.scratch.env,
  note: "bench/native/floor.c: the same sandbox in straight-line code",
});

/** An image's directory, with the host's /usr put in: charliecloud needs one, and can't take / itself. */
function charliecloudSide(bench: Bench): Candidate {
  const image = join(bench.scratch.directory, "image");
  for (const name of ["dev", "etc", "home", "mnt", "proc", "sys", "tmp", "usr", "var"])
    mkdirSync(join(image, name), { recursive: true });
  for (const name of ["bin", "lib", "lib64", "sbin"]) symlinkSync(`usr/${name}`, join(image, name));
  for (const name of ["passwd", "group", "hosts", "resolv.conf"]) writeFileSync(join(image, "etc", name), "");
  const note = "user and mount namespaces only, the host's /proc and /dev";
  return peerSide(bench, peers.charliecloud, ["-b", "/usr:/usr", image, "--", "/bin/true"], note);
}

export function listPeerSides(bench: Bench): Candidate[] {
  return [
    peerSide(bench, peers.bubblewrap, [...bubblewrapWords, "/bin/true"]),
    peerSide(
      bench,
      peers.firejail,
      ["--quiet", "--noprofile", "--net=none", "--private-dev", "--read-only=/", "/bin/true"],
      "setuid root; no user namespace",
    ),
    ...listBundleSides(bench),
    charliecloudSide(bench),
    peerSide(
      bench,
      peers.rootlesskit,
      ["--pidns", "--utsns", "--ipcns", "--cgroupns", "/bin/true"],
      "the host's network and tree",
    ),
    peerSide(
      bench,
      peers.systemd,
      [
        ...["--user", "--wait", "--quiet", "--collect", "--pipe"],
        ...["PrivateUsers=yes", "ProtectSystem=strict", "PrivateDevices=yes", "PrivateNetwork=yes"].flatMap(
          (setting) => ["-p", setting],
        ),
        "/bin/true",
      ],
      "no pid namespace",
    ),
    peerSide(bench, peers.sandboxRuntime, ["/bin/true"], "its default settings; bubblewrap and a proxy"),
  ];
}

export const warm: Row = {
  name: "warm",
  title: "Warm start to exit of /bin/true: all namespaces, fresh /proc and /dev, read-only root",
  unit: "time",
  peer: "bubblewrap",
  targets: [
    { sides: judged, peer: "bubblewrap", atMost: 0.6 },
    { sides: judged, peer: "sandbox-runtime", atMost: 0.01 },
  ],
  measure: (bench) =>
    measureWarm(
      bench,
      [
        native(bench),
        floor(bench),
        ...jailSides(bench, shipped("warm"), ["/bin/true"]),
        ...listPeerSides(bench),
      ],
      (sides) => measureTimes(bench, sides),
    ),
};

export const bare: Row = {
  name: "bare",
  title: "The same with a bare minimum profile, against unshare",
  unit: "time",
  peer: "unshare",
  targets: [{ sides: judged, peer: "unshare", atMost: 1.1 }],
  measure: (bench) =>
    measureWarm(
      bench,
      [
        ...jailSides(bench, shipped("bare"), ["/bin/true"]),
        peerSide(bench, peers.unshare, ["-Urmpfuin", "--mount-proc", "/bin/true"]),
      ],
      (sides) => measureTimes(bench, sides),
    ),
};
