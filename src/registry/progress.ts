// How far a transfer has come, for a person. In: blobs that start, grow and finish. Out: bars that are drawn anew on a
// terminal, or one line for each finished blob elsewhere. Used by pull.ts and push.ts.

export interface Task {
  /** So many bytes are there from an earlier try. */
  begin(bytes: number): void;
  /** So many bytes are there now. */
  reach(bytes: number): void;
  /** @param note what became of it: "taken" */
  finish(note: string): void;
}

export interface Progress {
  /** @param size bytes */
  start(digest: string, size: number): Task;
  /** Leaves the terminal as it should be, whatever happened. */
  end(): void;
}

export interface ProgressOutput {
  /** Whole lines that stay. */
  readonly line: (text: string) => void;
  /** Text and control sequences for a terminal, where there is one. */
  readonly draw?: ((text: string) => void) | undefined;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** Milliseconds between two drawings. */
const interval = 100;
const width = 24;

interface Bar {
  readonly digest: string;
  readonly size: number;
  readonly since: number;
  done: number;
  /** Of those, what had been there before. */
  had: number;
}

export function createProgress(output: ProgressOutput): Progress {
  return output.draw === undefined ? createLines(output) : createBars(output.draw, output);
}

const finished = (bar: Pick<Bar, "digest" | "size">, note: string) =>
  `${shortDigest(bar.digest)}  ${formatBytes(bar.size).padStart(10)}  ${note}`;

function createLines({ line }: ProgressOutput): Progress {
  return {
    start: (digest, size) => ({
      begin() {},
      reach() {},
      finish: (note) => line(finished({ digest, size }, note)),
    }),
    end() {},
  };
}

function createBars(draw: (text: string) => void, { now = Date.now, line }: ProgressOutput): Progress {
  const bars = new Set<Bar>();
  let drawn = 0;
  let last = 0;
  // Up to the first bar, and everything from there on is erased (console_codes(4)).
  const erase = () => (drawn === 0 ? "" : `\u001B[${drawn}A\u001B[J`);
  const redraw = () => {
    const time = now();
    // Without line wrap (DECAWM) a narrow terminal cuts a line off, and the count of lines is right all the same.
    const lines = [...bars].map((bar) => `${formatBar(bar, time)}\n`).join("");
    draw(`\u001B[?7l${erase()}${lines}\u001B[?7h`);
    drawn = bars.size;
    last = time;
  };
  return {
    start(digest, size) {
      const bar: Bar = { digest, size, since: now(), done: 0, had: 0 };
      bars.add(bar);
      redraw();
      return {
        begin(bytes) {
          bar.done = bytes;
          bar.had = bytes;
        },
        reach(bytes) {
          bar.done = bytes;
          if (now() - last >= interval) redraw();
        },
        finish(note) {
          bars.delete(bar);
          draw(erase());
          drawn = 0;
          line(finished(bar, note));
          redraw();
        },
      };
    },
    end() {
      draw(erase());
      drawn = 0;
      bars.clear();
    },
  };
}

function formatBar({ digest, size, done, had, since }: Bar, time: number): string {
  const share = size === 0 ? 1 : Math.min(1, done / size);
  const full = Math.round(share * width);
  const seconds = (time - since) / 1000;
  const rate = seconds < 0.5 ? "" : `  ${formatBytes((done - had) / seconds)}/s`;
  const bar = `${"█".repeat(full)}${"░".repeat(width - full)}`;
  return `${shortDigest(digest)}  ${bar}  ${formatBytes(done)} of ${formatBytes(size)}${rate}`;
}

/** Twelve digits, as everybody shows them. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, 12);

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** "12.3 MiB" */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
