// Paths as text: absolute, normalized as the profile's schema leaves them. Nothing here looks at a file system.

/** The number of names in a path; 0 for "/". */
export function depthOf(path: string): number {
  return path === "/" ? 0 : path.split("/").length - 1;
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** The directories above a path, the shallowest first, without "/". */
export function listAncestors(path: string): string[] {
  const names = path.split("/").slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Whether a path lies below another, and is not the same. */
export function isBelow(path: string, ancestor: string): boolean {
  return ancestor === "/" ? path !== "/" : path.startsWith(`${ancestor}/`);
}

/** Whether a path lies below another, or is the same. */
export function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || isBelow(path, ancestor);
}

/** The same place, seen from another directory: /a/b from /a in /x is /x/b. */
export function moveBelow(path: string, from: string, to: string): string {
  return joinPath(to, path.slice(from === "/" ? 0 : from.length));
}

/** "/" and "/a" are "/a". */
export function joinPath(directory: string, rest: string): string {
  const head = directory === "/" ? "" : directory;
  const tail = rest === "" || rest.startsWith("/") ? rest : `/${rest}`;
  return head + tail || "/";
}

/** Shallow before deep, then by name: what lies below something comes after it. */
export function comparePaths(a: string, b: string): number {
  return depthOf(a) - depthOf(b) || (a < b ? -1 : a > b ? 1 : 0);
}
