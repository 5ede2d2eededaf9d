// Sizes, durations and modes: every form that is accepted beside one that is not.
import fc from "fast-check";
import {
  formatDuration,
  formatSize,
  parseDuration,
  parseMode,
  parseSignedDuration,
  parseSize,
} from "../../src/profile/units.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("units");

test("sizes are bytes, and letters are powers of 1024", () => {
  const sizes: [string | number, number][] = [
    [0, 0],
    [4096, 4096],
    ["4096", 4096],
    ["1B", 1],
    ["1K", 1024],
    ["512M", 512 * 2 ** 20],
    ["512MB", 512 * 2 ** 20],
    ["2GiB", 2 * 2 ** 30],
    ["1.5G", 1.5 * 2 ** 30],
    ["64 KiB", 65536],
    ["1t", 2 ** 40],
  ];
  for (const [written, bytes] of sizes) assert.is(parseSize(written), bytes, String(written));
});

test("what is no size is refused with an example of one", () => {
  for (const bad of ["", "M", "-1", "1X", "1 2", "1e3", "0x10", "50%", "٣", "1.M", ".5M", "1\n", "1KiBB"]) {
    assert.throws(() => parseSize(bad), /is not a size: .*write 4096, "512M"/s);
  }
  assert.throws(() => parseSize(-1), /must be 0 or more/);
  assert.throws(() => parseSize(Number.NaN), /must be 0 or more/);
  assert.throws(() => parseSize(Number.POSITIVE_INFINITY), /must be 0 or more/);
  assert.throws(() => parseSize(1.5), /is not a whole number of bytes/);
  assert.throws(() => parseSize("0.1K"), /is not a whole number of bytes/);
  assert.throws(() => parseSize("9999999T"), /is too large/);
});

test("durations are milliseconds, and units may follow each other from large to small", () => {
  const durations: [string, number][] = [
    ["0", 0],
    ["0s", 0],
    ["150ms", 150],
    ["250us", 0.25],
    ["1s", 1000],
    ["2.5s", 2500],
    ["1h", 3_600_000],
    ["1h30m", 5_400_000],
    ["1d2h3m4s5ms", 93_784_005],
  ];
  for (const [written, milliseconds] of durations) assert.is(parseDuration(written), milliseconds, written);
});

test("what is no duration is refused, and a missing unit is called that", () => {
  for (const bad of ["", "s", "1 h", "-1s", "1h-30m", "1w", "1S", "1.s", "1h30"]) {
    assert.throws(() => parseDuration(bad), /is not a duration/);
  }
  assert.throws(() => parseDuration("5"), /has no unit: "5" \(write "150ms"/);
  assert.throws(() => parseDuration("30m1h"), /has its units out of order/);
  assert.throws(() => parseDuration("1s1s"), /has its units out of order/);
  assert.throws(() => parseDuration("99999999999d"), /is too long/);
});

test("only a signed duration may be negative", () => {
  assert.is(parseSignedDuration("-1h"), -3_600_000);
  assert.is(parseSignedDuration("+1h"), 3_600_000);
  assert.is(parseSignedDuration("-0s"), 0);
  assert.throws(() => parseSignedDuration("--1h"), /is not a duration/);
});

test("modes are octal, up to four digits that count", () => {
  assert.is(parseMode("0755"), 0o755);
  assert.is(parseMode("1777"), 0o1777);
  assert.is(parseMode("01777"), 0o1777);
  assert.is(parseMode("0o644"), 0o644);
  assert.is(parseMode("0"), 0);
  for (const bad of ["", "8", "0799", "rwx", "77777", "-1", "0x1ff"]) {
    assert.throws(() => parseMode(bad), /is not an octal mode/);
  }
});

test("a formatted size or duration is read back as the same number", () => {
  fc.assert(
    fc.property(
      fc.nat(2 ** 31 - 1),
      fc.nat(4),
      (n, k) => parseSize(formatSize(n * 1024 ** (k % 3))) === n * 1024 ** (k % 3),
    ),
  );
  fc.assert(fc.property(fc.nat(2 ** 31 - 1), (n) => parseDuration(formatDuration(n)) === n));
  fc.assert(fc.property(fc.integer(), (n) => parseSignedDuration(formatDuration(n)) === n));
  assert.is(formatDuration(0), "0s");
  assert.is(formatDuration(-5_400_000), "-1h30m");
});

test("any text at all is either a number or a TsjailError", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.]{0,30}[KMGTBiusmhd]{0,3}$/)), (text) => {
      for (const parse of [parseSize, parseDuration, parseSignedDuration, parseMode]) {
        try {
          const value = parse(text);
          assert.ok(Number.isFinite(value), `${text} → ${value}`);
        } catch (error) {
          assert.is((error as Error).name, "TsjailError");
        }
      }
    }),
  );
});
