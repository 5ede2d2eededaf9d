// ./tsjail.toml is used only with the content that was trusted.
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { formatError } from "../../src/error.ts";
import { loadProfile, trustProfile } from "../../src/profile/load.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { catchError, makeDirectory } from "./directory.ts";

const test = suite("trust");

function makeProject(context: TestContext) {
  const directory = makeDirectory(context, {
    "work/tsjail.toml": 'extends = ["base", "./more.toml"]\nhostname = "own"',
    "work/more.toml": 'domainname = "more"',
  });
  const refuse = () => {
    const error = catchError(() => directory.load());
    assert.is(error.code, "profile_untrusted");
    return formatError(error);
  };
  return { directory, refuse, records: join(directory.path, "home/.local/share/tsjail/trusted") };
}

test("without ./tsjail.toml the shipped base is used, whatever the user's is called", (context) => {
  const directory = makeDirectory(context, { "home/.config/tsjail/base.toml": 'description = "own"' });
  const { profile, name } = directory.load();
  assert.is(name, "base");
  assert.is(profile.description, "shipped");
});

test("a ./tsjail.toml is refused until it is trusted", (context) => {
  const { directory, refuse, records } = makeProject(context);
  const message = refuse();
  assert.match(message, "./tsjail.toml has not been trusted.");
  assert.match(message, "tsjail trust ./tsjail.toml");
  assert.is(directory.load("./tsjail.toml").profile.hostname, "own", "a path needs no trust");
  const { record, files } = trustProfile(directory.request());
  assert.equal(
    files.map((file) => file.slice(directory.path.length)),
    ["/work/tsjail.toml", "/work/more.toml"],
  );
  assert.is(directory.load().profile.hostname, "own");
  assert.is(directory.load().name, "tsjail.toml");
  assert.match(record, /\/trusted\/[0-9a-f]{64}$/);
  assert.is(statSync(records).mode & 0o777, 0o700);
  assert.is(statSync(record).mode & 0o777, 0o600);
  assert.equal(readdirSync(records).length, 1, "nothing temporary is left");
});

test("any change of it or of what it extends asks again", (context) => {
  const { directory, refuse, records } = makeProject(context);
  trustProfile(directory.request());
  directory.write("work/tsjail.toml", 'extends = "./more.toml"\nhostname = "changed"');
  assert.match(refuse(), "./tsjail.toml has changed since it was trusted, or a file that it extends has.");
  trustProfile(directory.request());
  assert.is(directory.load().profile.hostname, "changed");
  directory.write("work/more.toml", "# changed");
  assert.match(refuse(), "has changed since it was trusted");
  trustProfile(directory.request());
  assert.ok(directory.load());
  assert.is(readdirSync(records).length, 1, "what is out of date is taken away");
  directory.write("shipped/base.toml", "# an update of tsjail");
  assert.ok(directory.load(), "shipped profiles don't count");
});

test("the same content elsewhere is not trusted with it", (context) => {
  const { directory } = makeProject(context);
  trustProfile(directory.request());
  directory.write("other/tsjail.toml", 'extends = ["base", "./more.toml"]\nhostname = "own"');
  directory.write("other/more.toml", 'domainname = "more"');
  const request = { ...directory.request(), cwd: join(directory.path, "other") };
  assert.is(catchError(() => loadProfile(request)).code, "profile_untrusted");
  trustProfile(request);
  assert.is(loadProfile(request).profile.hostname, "own");
});

test("trusting twice changes nothing", (context) => {
  const { directory, records } = makeProject(context);
  const first = trustProfile(directory.request());
  assert.equal(trustProfile(directory.request()), first);
  assert.is(readdirSync(records).length, 1);
});

test("records that others could write to count for nothing", (context) => {
  const { directory, refuse, records } = makeProject(context);
  const { record } = trustProfile(directory.request());
  for (const [path, open] of [
    [records, 0o777],
    [record, 0o666],
  ] as const) {
    const mode = statSync(path).mode & 0o777;
    chmodSync(path, open);
    assert.match(refuse(), "others could write to the record");
    chmodSync(path, mode);
    assert.ok(directory.load());
  }
  chmodSync(records, 0o777);
  assert.match(catchError(() => trustProfile(directory.request())).message, "is not yours alone");
});

test("a symbolic link in the place of a record counts for nothing", (context) => {
  const { directory, refuse } = makeProject(context);
  const { record } = trustProfile(directory.request());
  rmSync(record);
  writeFileSync(join(directory.path, "elsewhere"), "");
  symlinkSync(join(directory.path, "elsewhere"), record);
  assert.match(refuse(), "others could write to the record");
});

test.needs("root")("a record of another user counts for nothing", (context) => {
  const { directory, refuse } = makeProject(context);
  const { record } = trustProfile(directory.request());
  chownSync(record, 12345, 12345);
  assert.match(refuse(), "others could write to the record");
  chownSync(record, 0, 0);
  assert.ok(directory.load());
});

test("a file here that has the name of a shipped profile needs trust when asked for by name", (context) => {
  const directory = makeDirectory(context, { "shipped/dev.toml": "", "work/dev.toml": 'hostname = "trap"' });
  const error = catchError(() => directory.load("dev"));
  assert.is(error.code, "profile_untrusted");
  assert.match(formatError(error), "./dev.toml, which hides the profile dev, has not been trusted.");
  for (const explicit of ["dev.toml", "./dev.toml"])
    assert.is(directory.load(explicit).profile.hostname, "trap");
  trustProfile({ ...directory.request("./dev.toml") });
  assert.is(directory.load("dev").profile.hostname, "trap");
  directory.write("work/own.toml", 'hostname = "own"');
  assert.is(directory.load("own").profile.hostname, "own", "a name that means nothing else needs none");
});

test("what lies there as tsjail.toml is never passed over", (context) => {
  const directory = makeDirectory(context);
  symlinkSync("nowhere", join(directory.path, "work/tsjail.toml"));
  assert.is(catchError(() => directory.load()).code, "profile_unreadable");
  rmSync(join(directory.path, "work/tsjail.toml"));
  mkdirSync(join(directory.path, "work/tsjail.toml"));
  assert.is(catchError(() => directory.load()).code, "profile_unreadable");
});

test("a profile with an error can't be trusted, and one that is missing is called that", (context) => {
  const directory = makeDirectory(context, { "work/tsjail.toml": 'extends = "./none.toml"' });
  assert.is(catchError(() => trustProfile(directory.request())).code, "profile_not_found");
  rmSync(join(directory.path, "work/tsjail.toml"));
  assert.is(catchError(() => trustProfile(directory.request())).code, "profile_not_found");
});

test.needs("user")(
  "where the records can't be looked at, nothing is trusted, and the message says why",
  (context) => {
    const { directory, refuse } = makeProject(context);
    assert.match(refuse(), "has not been trusted");
    const home = join(directory.path, "home");
    chmodSync(home, 0);
    context.cleanup(() => chmodSync(home, 0o755));
    for (const message of [refuse(), formatError(catchError(() => trustProfile(directory.request())))]) {
      assert.match(message, /home\/\.local\/share\/tsjail\/trusted: permission denied/);
      assert.match(message, `hint: HOME is ${home}, where you may not look`);
    }
  },
);
