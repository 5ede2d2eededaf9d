// In: plans and a made-up host. Out: where paths of the jail come from, as followPath tells.
import { hostFacts } from "../../src/build/sample.ts";
import { followPath, type Sight } from "../../src/explain/view.ts";
import type { Operation } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("explain/view");

const bind = (source: string, target = source, flags: string[] = ["recursive"]): Operation =>
  ({
    op: "bind",
    origin: `bind ${target}`,
    source,
    target,
    flags,
    set: [],
    propagation: "none",
  }) as unknown as Operation;
const root: Operation = { op: "root_tmpfs", origin: "root", options: [] };
const tmpfs = (target: string): Operation => ({
  ...{ op: "mount", origin: `tmpfs ${target}`, fstype: "tmpfs", target, options: [], flags: [], set: [] },
});
const hide = (target: string): Operation => ({ op: "hide", origin: `hide ${target}`, target, flags: [] });

const see = (path: string, ...plan: Operation[]): Sight =>
  followPath([root, ...plan], path, hostFacts.probeFile);
const tell = (sight: Sight): string =>
  sight.seen ? `${sight.path} from ${sight.hostPath ?? "the jail"}` : `${sight.because} at ${sight.path}`;

test("a bind shows the host's file, below its target and nowhere else", () => {
  assert.is(tell(see("/usr/bin/bash", bind("/usr"))), "/usr/bin/bash from /usr/bin/bash");
  assert.is(
    tell(see("/data/bin/tool", bind("/opt/tool", "/data"))),
    "/data/bin/tool from /opt/tool/bin/tool",
  );
  assert.is(tell(see("/opt/tool", bind("/usr"))), "covered at /opt");
  assert.is(tell(see("/usr/nothing", bind("/usr"))), "missing at /usr/nothing");
  assert.is(tell(see("/usrx", bind("/usr"))), "covered at /usrx");
});

test("symbolic links are followed inside the jail, the host's and the plan's own", () => {
  const link: Operation = { op: "symlink", origin: "", target: "/bin", text: "usr/bin" };
  assert.is(tell(see("/bin/bash", bind("/usr"), link)), "/usr/bin/bash from /usr/bin/bash");
  assert.is(tell(see("/bin/bash", bind("/usr"))), "covered at /bin");
  assert.is(tell(see("/bin/bash", bind("/"), hide("/usr/bin"))), "hidden at /usr/bin");
  const loop: Operation = { op: "symlink", origin: "", target: "/a", text: "/a" };
  assert.is(tell(see("/a/b", loop)), "loop at /a");
});

test("the last mount wins, whatever is below it", () => {
  assert.is(tell(see("/home/ada/work", bind("/home"), tmpfs("/home"))), "covered at /home/ada");
  assert.is(
    tell(see("/home/ada/work", tmpfs("/home"), bind("/home/ada"))),
    "/home/ada/work from /home/ada/work",
  );
  const hidden = see("/home/ada/.ssh/id", bind("/home"), hide("/home/ada/.ssh"));
  assert.is(tell(hidden), "hidden at /home/ada/.ssh");
  assert.is(hidden.by?.origin, "hide /home/ada/.ssh");
  assert.is(
    tell(see("/home/ada/work", bind("/home"), hide("/home/ada/.ssh"))),
    "/home/ada/work from /home/ada/work",
  );
});

test("an optional bind without a source is as if it weren't there", () => {
  assert.is(
    tell(see("/home/ada", bind("/"), bind("/nowhere", "/home/ada", ["optional"]))),
    "/home/ada from /home/ada",
  );
  assert.is(tell(see("/home/ada", bind("/"), bind("/nowhere", "/home/ada", []))), "/home/ada from the jail");
});

test("what only the jail has is seen without a path on the host", () => {
  const directory: Operation = { op: "directory", origin: "", target: "/run/user/1000", mode: 0o700 };
  assert.is(tell(see("/run/user", directory)), "/run/user from the jail");
  assert.is(tell(see("/run/other", directory)), "covered at /run/other");
  const file: Operation = {
    ...{
      op: "file",
      origin: "",
      target: "/etc/hosts",
      content: new Uint8Array(),
      mode: 0o444,
      flags: [],
      set: [],
    },
  };
  const sight = see("/etc/hosts", file);
  assert.is(sight.seen && sight.file.kind, "file");
  assert.is(tell(see("/etc", file)), "/etc from the jail");
});
