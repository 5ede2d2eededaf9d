// The profiles that come with tsjail: each loads everywhere, and says what its name promises.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type LoadedProfile, loadProfile } from "../../src/profile/load.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("shipped");

const shippedDirectory = join(import.meta.dirname, "../../profiles");
const names = [
  ...["base", "ci", "dev", "offline", "untrusted"],
  ...["alpine", "busybox", "debian", "env", "image", "secrets"],
].sort();

function load(name: string, home = "/home/alice", cwd = `${home}/project`): LoadedProfile {
  // From a directory that does not exist, so that nothing of this one plays a part.
  const environment = { HOME: home, USER: "alice", SHELL: "/bin/zsh", XDG_CONFIG_HOME: "/nonexistent" };
  return loadProfile({ profile: name, overrides: [], environment, cwd, shippedDirectory });
}

/** Path → what the last layer that names it makes of it; a contradiction within a layer is an error. */
function collectIntents({ profile, origin }: LoadedProfile): Map<string, string> {
  const found = new Map<string, { intent: string; layer: number }>();
  const add = (path: string, intent: string, key: string) => {
    const { layer } = origin(key);
    const other = found.get(path);
    if (other?.layer === layer) assert.is(other.intent, intent, `two intents for ${path} in one layer`);
    if (other === undefined || other.layer <= layer) found.set(path, { intent, layer });
  };
  for (const kind of ["read", "write", "hide", "protect", "tmpfs"] as const) {
    for (const [index, path] of profile.files[kind].entries()) add(path, kind, `files.${kind}[${index}]`);
  }
  profile.mount.forEach((mount, index) => {
    const kind = mount.type === "bind" ? (mount.readonly ? "read" : "write") : mount.type;
    add(mount.target, kind, `mount[${index}]`);
  });
  return new Map([...found].map(([path, { intent }]) => [path, intent]));
}

test("they are all there, and each explains itself before it begins", () => {
  assert.equal(
    readdirSync(shippedDirectory).sort(),
    names.map((name) => `${name}.toml`),
  );
  for (const name of names) {
    const text = readFileSync(join(shippedDirectory, `${name}.toml`), "utf8");
    assert.ok(text.startsWith(`# ${name}: `), name);
    assert.ok(load(name).profile.description, name);
  }
});

test("no path has two intents in one layer, wherever the home and the project are", () => {
  const homes = [
    "/home/alice",
    "/root",
    "/var/home/alice",
    "/home",
    "/srv/alice",
    "/nonexistent",
    "/var/lib/jenkins",
  ];
  for (const home of homes) {
    for (const cwd of [`${home}/project`, home, "/srv/project", "/tmp/x", "/mnt/c/x", "/opt/x"]) {
      // by path: a name is looked for in the current directory first, and /root is not everybody's to look into
      for (const name of names) {
        const path = join(shippedDirectory, `${name}.toml`);
        assert.ok(collectIntents(load(path, home, cwd)), `${name} ${home} ${cwd}`);
      }
    }
  }
});

test("base shows tools and hides homes, has no network and passes no secrets", () => {
  const { profile } = load("base");
  const intents = collectIntents(load("base"));
  assert.is(profile.root.type, "host");
  assert.is(profile.network.mode, "none");
  for (const path of ["/home", "/root", "/home/alice", "/tmp", "/var/tmp", "/run"])
    assert.is(intents.get(path), "tmpfs", path);
  for (const path of ["proc", "dev", "sys"]) assert.is(intents.get(`/${path}`), path);
  assert.is(intents.get("/etc/shadow"), "hide");
  assert.ok(![...intents.values()].includes("write"));
  assert.is(profile.env.clear, true);
  assert.ok(profile.env.pass.includes("PATH") && !profile.env.pass.includes("*"));
});

test("dev can write the project and caches only, and nothing in the home that is run outside later", () => {
  const loaded = load("dev");
  const intents = collectIntents(loaded);
  const writable = [...intents].filter(([, intent]) => intent === "write").map(([path]) => path);
  assert.ok(writable.includes("/home/alice/project"));
  for (const path of writable) {
    assert.match(
      path,
      /^\/home\/alice\/(project$|\.npm$|\.cache\/|\.cargo\/(registry|git)$|go\/pkg\/mod$|\.gradle\/caches$|\.m2\/|\.local\/share\/pnpm\/store$)/,
    );
  }
  assert.is(intents.get("/home/alice"), "tmpfs");
  assert.is(intents.get("/home/alice/.ssh"), "hide");
  assert.is(intents.get("/home/alice/.gitconfig"), "read");
  assert.is(loaded.profile.network.mode, "host");
  assert.equal(loaded.profile.command, ["/bin/zsh"]);
  assert.is(loaded.profile.env.set.PS1, "(tsjail) $ ");
  for (const mount of loaded.profile.mount)
    if (mount.type === "bind") assert.ok(mount.optional, mount.source);
});

test("dev in the home itself hides the keys all the same", () => {
  const intents = collectIntents(load("dev", "/home/alice", "/home/alice"));
  assert.is(intents.get("/home/alice"), "write");
  assert.is(intents.get("/home/alice/.ssh"), "hide");
  assert.is(intents.get("/home/alice/.gnupg"), "hide");
});

test("offline is dev without a network, and nothing else", () => {
  const { description: _, network, ...offline } = load("offline").profile;
  const { description: __, network: devNetwork, ...dev } = load("dev").profile;
  assert.equal(offline, dev);
  assert.is(network.mode, "none");
  assert.is(devNetwork.mode, "host");
});

test("ci has the same surroundings for everybody", () => {
  const { profile } = load("ci");
  const { profile: other } = load("ci", "/root", "/home/alice/project");
  assert.equal(profile.env.set, other.env.set);
  const { PATH, HOME, TZ, LANG } = profile.env.set;
  assert.equal(
    [PATH, HOME, TZ, LANG],
    ["/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "/home/ci", "UTC", "C.UTF-8"],
  );
  assert.is(profile.process.umask, 0o022);
  assert.is(profile.network.mode, "none");
  assert.is(profile.workdir, "/home/alice/project");
  const left = profile.env.pass.filter(
    (name) => !(name in profile.env.set) && !profile.env.unset.includes(name),
  );
  assert.equal(left, ["SOURCE_DATE_EPOCH", "CI"]);
});

test("untrusted shows nothing of the host but programs and libraries, and is ended in time", () => {
  const { profile } = load("untrusted");
  assert.is(profile.root.type, "empty");
  assert.is(profile.network.mode, "none");
  assert.equal(profile.files, { read: ["/usr"], write: [], hide: [], protect: [], tmpfs: [] });
  const sources = profile.mount.flatMap((mount) => (mount.type === "bind" ? [mount.source] : []));
  for (const source of sources)
    assert.match(source, /^\/(s?bin|lib[x0-9]*|etc\/(alternatives|ld\.so\.cache|ld-musl-[a-z0-9_]+\.path))$/);
  for (const mount of profile.mount) if (mount.type === "bind") assert.ok(mount.readonly && mount.optional);
  assert.ok(profile.process.timeout);
  assert.equal(profile.rlimits.core, { soft: 0, hard: 0 });
  assert.ok(!profile.env.pass.includes("PATH"));
});
