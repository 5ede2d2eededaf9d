import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, hosts, pick, quiet } from "./fixture.ts";

const test = suite("compile/workdir");

const workdir = (toml: string, host = debian) => pick(compileToml(quiet + toml, host), "workdir")[0]?.path;
const elsewhere = { ...debian, cwd: "/srv/data", root: { kind: "absent" }, links: {} } as const;

test("the profile's choice is taken as it is", () => {
  assert.is(workdir('workdir = "/no/such"'), "/no/such");
});

test("the caller's directory is kept where the jail shows it", () => {
  assert.is(workdir(""), "/home/ann/project");
  assert.is(workdir('files.tmpfs = ["/home/ann"]\nfiles.write = ["/home/ann/project"]'), "/home/ann/project");
  assert.is(workdir('files.write = ["/var/home/ann/project"]', hosts.silverblue), "/var/home/ann/project");
  assert.is(workdir('root.type = "empty"\nfiles.read = ["/srv"]', elsewhere), "/srv/data");
});

test("where something else is in its place the command starts at home", () => {
  assert.is(workdir('files.tmpfs = ["/home/ann"]'), "/home/ann");
  assert.is(workdir('files.hide = ["/home/ann/project"]'), "/home/ann");
  const other = '[[mount]]\ntype = "bind"\nsource = "/srv/other"\ntarget = "/home/ann/project"\n';
  assert.is(workdir(other), "/home/ann");
});

test("without a home either it is /", () => {
  assert.is(workdir('root.type = "empty"\nfiles.read = ["/usr"]', elsewhere), "/");
  assert.is(workdir('files.tmpfs = ["/home"]'), "/");
});

test("the host's /proc and /dev are not shown, so nobody starts there", () => {
  assert.is(workdir("", { ...debian, cwd: "/dev/shm" }), "/home/ann");
});
