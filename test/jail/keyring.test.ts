// The kernel's keyrings: what the caller keeps in its session keyring is not there for a jail. In: a key of this
// process's, made with add_key(2), which only a system call can do.
import { createRequire } from "node:module";
import koffi from "koffi";
import * as assert from "../support/assert.ts";
import { hostTree, shout } from "../support/jail.ts";
import { suite } from "../support/suite.ts";

const test = suite("jail: keyring");
/** add_key and keyctl, by the tables of x86-64 and arm64. */
const [addKey, keyctl] = process.arch === "x64" ? [248, 250] : [217, 219];
const sessionKeyring = -3;
const unlink = 9;
const search = 10;

const libc = koffi.load(null);
const syscall = libc.func("long syscall(long, ...)");
const name = `tsjail-test-${process.pid}`;

function makeKey(): number {
  const payload = "secret";
  const strings = ["const char *", "user", "const char *", name, "const char *", payload];
  return Number(syscall(addKey, ...strings, "size_t", payload.length, "long", sessionKeyring));
}

const hasKeyrings = () => {
  const key = makeKey();
  return key > 0 ? undefined : `add_key(2) failed with errno ${koffi.errno()}`;
};

/** What keyctl(KEYCTL_SEARCH) finds: the key's number or -1. */
const find = `const koffi = require(process.argv[1]);
  const syscall = koffi.load(null).func("long syscall(long, ...)");
  console.log(Number(syscall(${keyctl}, "long", ${search}, "long", ${sessionKeyring},
    "const char *", "user", "const char *", process.argv[2], "long", 0)));`;

test.needs(hasKeyrings)("the caller's session keyring is not the jail's", async ({ cleanup }) => {
  const key = makeKey();
  cleanup(() => syscall(keyctl, "long", unlink, "long", key, "long", sessionKeyring));
  const found = syscall(
    ...[keyctl, "long", search, "long", sessionKeyring],
    ...["const char *", "user", "const char *", name, "long", 0],
  );
  assert.is(Number(found), key);
  const module = createRequire(import.meta.url).resolve("koffi");
  const command = [process.execPath, "-e", find, module, name];
  assert.is(await shout({ toml: hostTree, command }), "-1\n");
});
