// The stacked picture of docs/performance.md, and the same as a table. In: µs by step for each side. Out: SVG, Markdown.
import { type Step, stepNames, steps } from "./steps.ts";
import { type Shares, total } from "./timeline.ts";

export interface Bar {
  readonly name: string;
  readonly shares: Shares;
}

const colors: Readonly<Record<Step, string>> = {
  spawn: "#9aa5b1",
  shell: "#c9b458",
  prepare: "#e0a458",
  namespaces: "#c8553d",
  ids: "#a44a3f",
  mounts: "#2d6a8f",
  files: "#5fa8d3",
  settings: "#62b6a5",
  rights: "#6a994e",
  launch: "#8f6bb1",
  command: "#4a4e69",
  end: "#7d8597",
  waiting: "#dee2e6",
};

const size = { width: 960, left: 150, bar: 44, gap: 20, top: 34, line: 20 };
const scale = (bars: readonly Bar[]) =>
  (size.width - size.left - 70) / Math.max(1, ...bars.map(({ shares }) => total(shares)));
const round = (value: number): string => value.toFixed(1);
const escapeText = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function drawBar({ name, shares }: Bar, index: number, perMicrosecond: number): string {
  const y = size.top + index * (size.bar + size.gap);
  const middle = y + size.bar / 2 + 5;
  let x = size.left;
  const parts = stepNames.map((step) => {
    const width = shares[step] * perMicrosecond;
    const tip = `${steps[step]}: ${Math.round(shares[step])} µs`;
    const label =
      width < 30
        ? ""
        : `<text x="${round(x + width / 2)}" y="${middle}" text-anchor="middle" fill="${step === "waiting" ? "#333" : "#fff"}">${Math.round(shares[step])}</text>`;
    const box = `<rect x="${round(x)}" y="${y}" width="${round(width)}" height="${size.bar}" fill="${colors[step]}"><title>${escapeText(tip)}</title></rect>`;
    x += width;
    return `${box}${label}`;
  });
  return [
    `<text x="${size.left - 10}" y="${middle}" text-anchor="end">${escapeText(name)}</text>`,
    ...parts,
    `<text x="${round(x + 8)}" y="${middle}">${(total(shares) / 1000).toFixed(2)} ms</text>`,
  ].join("\n");
}

function drawLegend(y: number): string {
  return stepNames
    .map((step, index) => {
      const [column, line] = [index % 3, Math.floor(index / 3)];
      const [x, top] = [20 + column * 315, y + line * size.line];
      return `<rect x="${x}" y="${top}" width="12" height="12" fill="${colors[step]}"/><text x="${x + 18}" y="${top + 11}">${escapeText(steps[step])}</text>`;
    })
    .join("\n");
}

export function drawPicture(title: string, bars: readonly Bar[]): string {
  const bottom = size.top + bars.length * (size.bar + size.gap);
  const height = bottom + Math.ceil(stepNames.length / 3) * size.line + 10;
  const perMicrosecond = scale(bars);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" font-family="sans-serif" font-size="13">
<title>${escapeText(title)}</title>
<rect width="${size.width}" height="${height}" fill="#fff"/>
<text x="20" y="20" font-size="14">${escapeText(title)}</text>
${bars.map((bar, index) => drawBar(bar, index, perMicrosecond)).join("\n")}
${drawLegend(bottom)}
</svg>
`;
}

export function formatSteps(bars: readonly Bar[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const used = stepNames.filter((step) => bars.some(({ shares }) => shares[step] >= 0.5));
  return [
    row(["µs", ...bars.map(({ name }) => name)]),
    row(["---", ...bars.map(() => "--:")]),
    ...used.map((step) => row([steps[step], ...bars.map(({ shares }) => String(Math.round(shares[step])))])),
    row(["**all**", ...bars.map(({ shares }) => `**${Math.round(total(shares))}**`)]),
  ].join("\n");
}
