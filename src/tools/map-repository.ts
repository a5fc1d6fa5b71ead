import { declarationsOf, nameOf } from "./declarations.ts";

export type MappedFile = { readonly path: string; readonly content: string };

/**
 * A map of a repository for a prompt: each path, under it the file's top-level declarations. At most `maxChars` long:
 * where it does not fit, signatures give way to names, names to paths, and then the deepest folders to the number of
 * their files; what still has no room is counted. Files come in the order of their paths. Pure.
 */
export function mapRepository(files: readonly MappedFile[], maxChars: number): string {
  const sorted = files.toSorted((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
  const declared = sorted.map(({ path, content }) => ({ path, declarations: declarationsOf(path, content) }));
  const paths = sorted.map(({ path }) => path);
  const depth = paths.reduce((most, path) => Math.max(most, path.split("/").length - 1), 0);
  const forms: readonly (() => readonly string[])[] = [
    () => declared.flatMap(({ path, declarations }) => [path, ...declarations.map((one) => `  ${one}`)]),
    () =>
      declared.map(({ path, declarations }) => [path, declarations.map(nameOf).join(", ")].filter(Boolean).join(": ")),
    () => paths,
    ...Array.from({ length: depth }, (_, index) => () => collapsed(paths, depth - index)),
  ];
  for (const form of forms) {
    const text = form().join("\n");
    if (text.length <= maxChars) return text;
  }
  return cut(forms.at(-1)?.() ?? [], maxChars);
}

/** The paths, but what lies `depth` folders deep only as the folder with the number of its files. */
function collapsed(paths: readonly string[], depth: number): readonly string[] {
  const groups = Map.groupBy(paths, (path) => {
    const folders = path.split("/").slice(0, -1);
    return folders.length < depth ? path : `${folders.slice(0, depth).join("/")}/`;
  });
  return [...groups].map(([name, { length }]) =>
    name.endsWith("/") ? `${name} (${length} ${length === 1 ? "file" : "files"})` : name,
  );
}

/** As many lines as fit with the number of the others; nothing when not even that has room. */
function cut(lines: readonly string[], maxChars: number): string {
  let best: { readonly kept: number; readonly rest: string } | undefined;
  // Of the lines kept so far, each with its line end.
  let length = 0;
  for (const [kept, line] of lines.entries()) {
    if (length > maxChars) break;
    const rest = `and ${lines.length - kept} more`;
    if (length + rest.length <= maxChars) best = { kept, rest };
    length += line.length + 1;
  }
  return best === undefined ? "" : [...lines.slice(0, best.kept), best.rest].join("\n");
}
