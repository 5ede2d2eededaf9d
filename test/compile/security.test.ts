import type { TsjailError } from "../../src/error.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { compileToml, debian, pick, quiet } from "./fixture.ts";

const test = suite("compile/security");

const keep = (toml: string, host = debian) => pick(compileToml(quiet + toml, host), "capabilities")[0]?.keep;

test("no capability is kept by default, and no privilege can be gained", () => {
  assert.is(keep(""), 0n);
  assert.is(pick(compileToml(quiet), "no_new_privs").length, 1);
  assert.is(
    pick(compileToml(`${quiet}security = { no_new_privs = false, seccomp = "off" }`), "no_new_privs").length,
    0,
  );
});

test("capabilities become a mask of their numbers", () => {
  assert.is(
    keep('security.capabilities = ["chown", "CAP_NET_BIND_SERVICE", "checkpoint_restore"]'),
    1n | (1n << 10n) | (1n << 40n),
  );
});

test("one that the kernel does not know is an error", () => {
  const toml = 'security.capabilities = ["chown", "bpf"]';
  assert.is(keep(toml, { ...debian, lastCapability: 39 }), 1n | (1n << 39n));
  assert.throws(
    () => keep(toml, { ...debian, lastCapability: 37 }),
    (error) => {
      const { code, message, origin } = error as TsjailError;
      assert.is(code, "host_unsupported");
      assert.match(message, "CAP_BPF");
      assert.is(origin?.key, "security.capabilities[1]");
      return true;
    },
  );
});
