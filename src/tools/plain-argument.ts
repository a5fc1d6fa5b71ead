/**
 * A path as a model may write it, in the form that tools take: `/workspace/src/a.ts`, `./src/a.ts` and `src/a.ts/` are
 * `src/a.ts`; the workspace itself is `.`. Nothing is made of a path that it was not: what leads elsewhere still does.
 * Pure.
 */
export function plainArgument(path: string): string {
  // Where commands see the workspace.
  const plain = path.replace(/^\/workspace(?:\/|$)/, "./").replace(/^(?:\.\/)+/, "");
  let end = plain.length;
  while (end > 1 && plain[end - 1] === "/") end--;
  return plain === "" && path !== "" ? "." : plain.slice(0, end);
}
