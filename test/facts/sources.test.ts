// Every variable that is read on the way to a plan is noted, and no file there looks at the machine by itself. In: an
// environment that watches; the imports of src/. Out: names that nobody has noted. Paths: complete.test.ts.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { preparePlan } from "../../src/launch/prepare.ts";
import { readJailRequest } from "../../src/options.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { lines, makeBox } from "./everything.ts";

const test = suite("facts: sources");
const root = join(import.meta.dirname, "../..");

/** An environment that notes which of its variables are read, and by what else it is looked at. */
function watchEnvironment(values: Readonly<Record<string, string>>) {
  const names = new Set<string>();
  const wholes: string[] = [];
  const environment = new Proxy(values, {
    get(target, name) {
      if (typeof name === "string") names.add(name);
      return Reflect.get(target, name);
    },
    getOwnPropertyDescriptor(target, name) {
      if (typeof name === "string") names.add(name);
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
    has(target, name) {
      if (typeof name === "string") names.add(name);
      return Reflect.has(target, name);
    },
    ownKeys(target) {
      wholes.push(new Error("all of the environment was looked at").stack ?? "");
      return Reflect.ownKeys(target);
    },
  });
  return { environment, names, wholes };
}

/** Read and not noted. */
const unnoted: readonly string[] = [];

test("every variable that is read is noted", (context) => {
  const world = makeBox(context);
  const values = {
    HOME: world.at("home"),
    BASE: world.path,
    USER: "u",
    ONE: "",
    XDG_DATA_HOME: world.at("data"),
  };
  for (const change of [{}, { XDG_CONFIG_HOME: world.at("config") }, { LISTEN_PID: "1" }, { SHELL: "" }]) {
    for (const [place, words] of lines.filter(([one]) => one !== "trusted")) {
      const { environment, names, wholes } = watchEnvironment({ ...values, ...change });
      const cwd = world.at(place);
      const given = words.flatMap((word, index) => {
        if (!word.startsWith("-")) return [];
        const value = words[index + 1] ?? "";
        return [{ name: word === "-p" ? "profile" : word.slice(2), value, text: `${word} ${value}` }];
      });
      if (words.includes("mine") && !("XDG_CONFIG_HOME" in change)) continue;
      const around = { packageDirectory: root, environment, cwd, self: ["/node"], executor: "/executor" };
      const { looks } = preparePlan(readJailRequest(given, cwd), [], around);
      const noted = new Set(looks.flatMap((look) => (look.type === "variable" ? look.name : [])));
      const missing = [...names].filter((name) => !noted.has(name) && !unnoted.includes(name));
      assert.equal(missing, [], `${words.join(" ")} ${JSON.stringify(change)}`);
      assert.equal(wholes, []);
      assert.ok(noted.has("HOME"));
    }
  }
});

/** What may be imported by whom, and why that is no look past src/facts/look.ts. */
const imports: Readonly<Record<string, readonly string[]>> = {
  // What was opened is noted (lookAtOpened), what could not be read too; entries come with a note of their directory;
  // realpath and readlink only ask again whether a file was opened where it was found, and else nothing is kept.
  "src/host/file.ts": ["closeSync", "constants", "openSync", "readdirSync", "readlinkSync", "realpathSync"],
  // What they have opened.
  "src/bytes.ts": ["readSync"],
  // The name service: noteUnrepeatable.
  "src/host/identity.ts": ["userInfo"],
  "src/profile/load.ts": ["userInfo"],
  // The kernel's, which fact_machine names.
  // Makes directories, and says whose one is: what can't be made then is noteUnrepeatable.
  "src/directory.ts": ["mkdirSync", "statSync"],
  // Opened files are noted. The real path names a record of trust.
  "src/profile/parse.ts": ["closeSync", "constants", "openSync", "realpathSync"],
  // The names of errnos.
  "src/profile/syscall.ts": ["constants"],
  // Names, for suggestions in an error.
  "src/profile/find.ts": ["readdirSync"],
  // EACCES is an error; otherwise what is looked at is looked at again by those who ask. Owners, for hints.
  "src/profile/reach.ts": ["lstatSync", "statSync"],
  // Writing records; reading other records, to say "has changed" instead of "is unknown", both of which refuse.
  "src/profile/trust.ts": ["linkSync", "readdirSync", "readFileSync", "unlinkSync", "writeFileSync"],
};

test("nothing on the way to a plan looks at the machine but through src/facts/look.ts", () => {
  const found: Record<string, string[]> = {};
  const directories = ["src/profile", "src/host", "src/compile", "src/plan"];
  const names = directories.flatMap((directory) =>
    readdirSync(join(root, directory)).map((name) => join(directory, name)),
  );
  for (const name of [
    ...names,
    "src/bytes.ts",
    "src/directory.ts",
    "src/launch/own.ts",
    "src/launch/prepare.ts",
    "src/options.ts",
    "src/values.ts",
  ]) {
    const text = readFileSync(join(root, name), "utf8");
    const pattern = /^import \{([^}]*)\} from "node:(?:fs|os|child_process|fs\/promises)";/gm;
    const imported = [...text.matchAll(pattern)].flatMap(([, list = ""]) => list.split(","));
    const values = imported.map((one) => one.trim()).filter((one) => one !== "" && !one.startsWith("type "));
    if (values.length > 0) found[name] = values.sort();
    const others = [...text.matchAll(/(?:require|import)\(\s*"node:(fs|os|child_process)/g)];
    assert.is(others.length, 0, `${name} imports late`);
    const [other] =
      /\bprocess\.(env|cwd|argv|exec\w+|getgroups|getegid|ppid|version\w*|config)\b/.exec(text) ?? [];
    assert.is(other, undefined, `${name} reads ${other}`);
  }
  const wanted = Object.fromEntries(Object.entries(imports).map(([name, list]) => [name, [...list].sort()]));
  assert.equal(found, wanted);
});
