import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { TsjailError } from "../../src/error.ts";
import { findExecutor, locateExecutor, type Package } from "../../src/launch/find.ts";
import { planVersion } from "../../src/plan/operations.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("find");
const version = "1.2.3";
const handshake = `tsjail-executor ${version} plan ${planVersion}`;

/** A directory that looks like an installed package, `node_modules/tsjail`, with these executors around it. */
function install({ cleanup }: TestContext, files: Record<string, string>): Package {
  const top = mkdtempSync(join(tmpdir(), "tsjail-find-"));
  cleanup(() => rmSync(top, { recursive: true }));
  const packageDirectory = join(top, "node_modules/tsjail");
  mkdirSync(packageDirectory, { recursive: true });
  for (const [name, says] of Object.entries(files)) {
    const path = join(packageDirectory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\necho '${says}'\n`);
    chmodSync(path, 0o755);
  }
  return { packageDirectory, version, environment: {}, front: undefined };
}

const fails = (code: string, message: RegExp, more: RegExp) => (error: Error) => {
  if (!(error instanceof TsjailError)) return false;
  assert.is(error.code, code);
  assert.match(error.message, message);
  assert.match(`${error.detail ?? ""}\n${error.hint ?? ""}`, more);
  return true;
};

for (const place of [
  "dist/linux-x64/tsjail",
  "node_modules/@tsjail/linux-x64/tsjail",
  "../@tsjail/linux-x64/tsjail",
]) {
  test(`finds the executor at ${place}`, (context) => {
    const from = install(context, { [place]: handshake });
    assert.is(locateExecutor(from, "x64"), join(from.packageDirectory, place));
  });
}

test("a checkout's own executor comes before an installed one", (context) => {
  const from = install(context, { "dist/linux-x64/tsjail": "", "../@tsjail/linux-x64/tsjail": "" });
  assert.match(locateExecutor(from, "x64"), /dist\/linux-x64\/tsjail$/);
});

test("TSJAIL_EXECUTOR comes before all of them", async (context) => {
  const from = install(context, { "dist/linux-x64/tsjail": "", "../mine": handshake });
  const mine = join(from.packageDirectory, "../mine");
  assert.is(await findExecutor({ ...from, environment: { TSJAIL_EXECUTOR: mine } }, "x64"), mine);
});

test("a TSJAIL_EXECUTOR that is no executable file is an error, not passed over", (context) => {
  const from = install(context, { "dist/linux-x64/tsjail": handshake });
  for (const chosen of ["/nowhere", "/etc/passwd", "/"]) {
    const environment = { TSJAIL_EXECUTOR: chosen };
    assert.throws(
      () => locateExecutor({ ...from, environment }, "x64"),
      fails("executor_missing", /TSJAIL_EXECUTOR names \//, /Unset TSJAIL_EXECUTOR/),
    );
  }
});

test("a checkout without an executor says how to build it", (context) => {
  const from = install(context, { "native/main.c": "" });
  assert.throws(
    () => locateExecutor(from, "x64"),
    fails("executor_missing", /This checkout has no executor for linux-x64/, /npm run build/),
  );
});

test("a package for another platform is named, and what that means", (context) => {
  const from = install(context, { "../@tsjail/linux-arm64/tsjail": handshake });
  assert.is(locateExecutor(from, "arm64").endsWith("@tsjail/linux-arm64/tsjail"), true);
  assert.throws(
    () => locateExecutor(from, "x64"),
    fails(
      "executor_missing",
      /@tsjail\/linux-x64 is not installed/,
      /Installed: @tsjail\/linux-arm64\. .*copied/,
    ),
  );
});

test("where nothing is installed, the message names the options that leave it out", (context) => {
  assert.throws(
    () => locateExecutor(install(context, {}), "x64"),
    fails(
      "executor_missing",
      /@tsjail\/linux-x64 is not installed/,
      /--omit=optional.*npm install tsjail@1\.2\.3/s,
    ),
  );
});

test("a processor that there is no executor for is told so", (context) => {
  assert.throws(
    () => locateExecutor(install(context, {}), "ia32"),
    fails("executor_missing", /no executor for this processor \(linux-ia32\)/, /linux-x64 and linux-arm64/),
  );
});

test("the version in TSJAIL_FRONT is believed without asking", async (context) => {
  const from = install(context, { "dist/linux-x64/tsjail": "would say something else" });
  const front = `version=${version} nofile=1024:4096 ignored=0x0`;
  assert.match(await findExecutor({ ...from, front }, "x64"), /dist\/linux-x64\/tsjail$/);
  await assert.rejects(
    findExecutor({ ...from, front: "version=1.2.2 nofile=1024:4096 ignored=0x0" }, "x64"),
    fails(
      "executor_mismatch",
      /is version 1\.2\.2, and tsjail is version 1\.2\.3/,
      /npm install tsjail@1\.2\.3/,
    ),
  );
});

test("without TSJAIL_FRONT the executor is asked", async (context) => {
  const good = install(context, { "dist/linux-x64/tsjail": handshake });
  assert.match(await findExecutor(good, "x64"), /tsjail$/);
  const old = install(context, { "dist/linux-x64/tsjail": "tsjail-executor 1.0.0 plan 1", "native/x": "" });
  await assert.rejects(
    findExecutor(old, "x64"),
    fails("executor_mismatch", /is version 1\.0\.0/, /npm run build/),
  );
});

test("an executor of another plan version, or that says nothing, is refused", async (context) => {
  const other = install(context, { "dist/linux-x64/tsjail": `tsjail-executor ${version} plan 99` });
  await assert.rejects(
    findExecutor(other, "x64"),
    fails("executor_mismatch", /is version 1\.2\.3 with plan version 99/, /The executor is .*tsjail/),
  );
  const mute = install(context, { "dist/linux-x64/tsjail": "hello" });
  await assert.rejects(
    findExecutor(mute, "x64"),
    fails("executor_mismatch", /does not say a version/, /executor/),
  );
});

test("an executor that can't be started is an error with the reason", async (context) => {
  const from = install(context, { "dist/linux-x64/tsjail": "" });
  const broken = join(from.packageDirectory, "broken");
  writeFileSync(broken, "#!/no/such/interpreter\n", { mode: 0o755 });
  await assert.rejects(
    findExecutor({ ...from, environment: { TSJAIL_EXECUTOR: broken } }, "x64"),
    fails("executor_missing", /can't be started/, /program for this processor/),
  );
});
