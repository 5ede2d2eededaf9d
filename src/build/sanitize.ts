// `npm run test:sanitize [-- part of a file's name …]`: the test suite with an executor that is
// compiled with AddressSanitizer and UndefinedBehaviorSanitizer. What one of them finds ends the
// executor with status 86, which no test expects.
import { join } from "node:path";
import { build } from "./build.ts";
import { root, runScript } from "./problem.ts";

await runScript(async () => {
  await build({ sanitize: true, quiet: true });
  const { execa } = await import("execa");
  const argv = ["--import", "tsx", join(root, "test/run.ts"), "--no-build", ...process.argv.slice(2)];
  const result = await execa(process.execPath, argv, {
    cwd: root,
    stdio: "inherit",
    reject: false,
    env: {
      TSJAIL_EXECUTOR: join(root, "dist/sanitize/tsjail"),
      // The leak check needs ptrace, which a jail's init has no right to; the executor only ever
      // execs or exits, so nothing is freed anyway.
      ASAN_OPTIONS: "detect_leaks=0:exitcode=86:log_to_syslog=0",
      UBSAN_OPTIONS: "print_stacktrace=1:exitcode=86",
    },
  });
  process.exitCode = result.exitCode ?? 1;
});
