// Why the C compiler failed, for people who only wanted to install. In: what it printed; out: one
// problem that names the packages to install, or the compiler's own words when the code is wrong.
import { BuildProblem } from "./problem.ts";

const packages = `Install a C compiler and the kernel's headers:
  Debian, Ubuntu   apt-get install gcc linux-libc-dev
  Fedora           dnf install gcc kernel-headers
  Alpine           apk add gcc linux-headers
The environment variable CC names another compiler.`;

const sanitizers = `Install the compiler's sanitizer libraries:
  Debian, Ubuntu   apt-get install gcc libc6-dev
  Fedora           dnf install gcc glibc-devel libasan libubsan
On Alpine, musl has none.`;

export function explainMissingCompiler(command: string): BuildProblem {
  return new BuildProblem(`the executor can't be built: there is no C compiler "${command}".\n${packages}`);
}

export function explainCompiler(printed: string, { hosted }: { hosted: boolean }): BuildProblem {
  const header = /fatal error: ['"]?((?:linux|asm|asm-generic)\/[\w/.-]+)/.exec(printed)?.[1];
  if (header !== undefined) {
    return new BuildProblem(
      `the executor can't be built: the kernel header <${header}> is missing or too old.\n${packages}`,
    );
  }
  const library = /cannot find (-l?\S*(?:san|crt)\S*|\S*crt\S*\.o)|unable to find library (\S*san\S*)/.exec(
    printed,
  );
  if (hosted && (library !== null || /fatal error: .*\.h/.test(printed))) {
    return new BuildProblem(`the sanitized executor can't be built: ${firstError(printed)}\n${sanitizers}`);
  }
  const linker =
    /(cannot find -l\w+|cannot find 'ld'|unrecognized .*static-pie|collect2: fatal error.*|ld: .*not found)/;
  const reason = linker.exec(printed)?.[1];
  if (reason !== undefined) {
    return new BuildProblem(
      `the executor can't be built: this compiler can't link a static program (${reason}).\n${packages}`,
    );
  }
  return new BuildProblem(`native/ does not compile:\n${printed.trim()}`);
}

function firstError(printed: string): string {
  const line = printed.split("\n").find((one) => /error|cannot find/.test(one));
  return (line ?? printed).trim();
}
