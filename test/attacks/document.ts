// docs/attacks.md out of runs of the attacks. In: directories that TSJAIL_ATTACKS named, one for each run (as an
// ordinary user, as root). Out: the page. table.ts makes its rows; every run compares its own with the page.
//
//   TSJAIL_ATTACKS=DIR npm test -- attacks/     # once as an ordinary user, once as root, a directory each
//   npm run attacks -- DIR…
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fixed } from "./layers.ts";
import type { Result } from "./results.ts";
import { formatRow, mergeResults, pagePath } from "./table.ts";

const introduction = `<!-- Made by test/attacks/document.ts from runs of test/attacks. Do not edit. -->
# Attacks

Each of these is a program, or a few lines, in \`test/attacks/\`. The tests show that it succeeds without a jail, and in
which profiles it is held; "as" says who it was run as. The last column is what stops it. Of layers in plain type each has
been switched off: each holds with the others and the filter of system calls (\`seccomp\`) taken out of the plan, and where
all of them can be taken out, the attack succeeds again inside. *Those in italics* can't be taken out; that they hold
alone is tested where there are others. Where \`seccomp\` is among the layers, the filter holds the attack with no jail
around it; where it isn't, it was seen to let it through. (Filters that take no_new_privs could not be told apart from it.)
What is open is so by design ([security.md](security.md), "What is not promised"), or is said in its row.

Three of them by hand:

\`\`\`console
$ tsjail -p untrusted -- sh -c 'ls /proc/1/root/ 2>&1 | grep -c "Permission denied"; unshare -U true 2>&1 | grep -c -i "not permitted\\|no space"; cat /proc/1/environ 2>&1 | grep -c "Permission denied"'
1
1
1
\`\`\`
`;

function readResults(directories: readonly string[]): Result[] {
  const rows = directories.flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => name.endsWith(".json"))
      .sort()
      .flatMap((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as Result[]),
  );
  return mergeResults(rows);
}

function formatPage(results: readonly Result[]): string {
  const titles = [...new Set(results.map(({ title }) => title))];
  const sections = titles.map((title) => {
    const rows = results.filter((each) => each.title === title).map(formatRow);
    const head = "| attack | as | held in | open in | stopped by |\n| --- | --- | --- | --- | --- |\n";
    return `## ${title[0]?.toUpperCase()}${title.slice(1)}\n\n${head}${rows.join("\n")}\n`;
  });
  const layers = Object.entries(fixed).map(([name, words]) => `- **${name}**: ${words}`);
  const rest = `## Layers that can't be taken out\n\nThey are how the executor or the kernel works.\n\n${layers.join("\n")}\n`;
  return [introduction, ...sections, rest].join("\n");
}

writeFileSync(pagePath, formatPage(readResults(process.argv.slice(2))));
