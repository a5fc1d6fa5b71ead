import { AtosError } from "../base/errors.ts";
import { nameProblem } from "./workspace-name.ts";
import { textOf } from "./workspace-place.ts";

/** One entry of a git tree. The name is bytes, one character for each (`latin1`). */
export type TreeLine = { readonly name: string; readonly mode: string; readonly hash: string };

export const MODE = {
  folder: "40000",
  file: "100644",
  executable: "100755",
  link: "120000",
  submodule: "160000",
} as const;

/** Git knows it without having it. */
export const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** A git tree object's bytes. */
export function encodeTree(lines: readonly TreeLine[]): Buffer {
  // Git compares a folder's name as if it ended with a slash.
  const sorted = lines
    .map((line) => ({ line, key: line.mode === MODE.folder ? `${line.name}/` : line.name }))
    .toSorted((one, other) => (one.key < other.key ? -1 : 1));
  return Buffer.concat(
    sorted.flatMap(({ line }) => [Buffer.from(`${line.mode} ${line.name}\0`, "latin1"), Buffer.from(line.hash, "hex")]),
  );
}

/**
 * The lines of a git tree object, in its order. Pure.
 *
 * @throws `journal/bad-repository` where the tree holds what no folder can: such a tree, made by hand, would lead a
 * checkout out of its folder.
 */
export function parseTree(bytes: Buffer): TreeLine[] {
  const lines: TreeLine[] = [];
  const names = new Set<string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const end = bytes.indexOf(0, space);
    if (space < 0 || end < 0 || end + 21 > bytes.length) throw repositoryError("holds a tree that ends too early");
    const name = bytes.toString("latin1", space + 1, end);
    const mode = plainMode(bytes.toString("latin1", at, space));
    const problem = mode === undefined ? "is of a kind that no folder holds" : treeNameProblem(name, mode);
    if (mode === undefined || problem !== undefined)
      throw repositoryError(`holds ${JSON.stringify(textOf(name))}, which ${problem}`);
    if (names.has(name)) throw repositoryError(`holds ${JSON.stringify(textOf(name))} twice in one folder`);
    names.add(name);
    lines.push({ name, mode, hash: bytes.toString("hex", end + 1, end + 21) });
    at = end + 21;
  }
  return lines;
}

export function repositoryError(what: string): AtosError {
  return new AtosError(
    "journal/bad-repository",
    `The repository ${what}. ATOS can't work with that: take it out first.`,
  );
}

/** `path` is text. */
export function submoduleError(path: string): AtosError {
  return repositoryError(`holds ${JSON.stringify(path)}, a submodule, whose files are in another repository`);
}

/** The mode as git writes it today; older ones have other bits and zeros in front. */
function plainMode(mode: string): string | undefined {
  if (!/^[0-7]{5,6}$/.test(mode)) return undefined;
  const bits = Number.parseInt(mode, 8);
  switch (bits & 0o170000) {
    case 0o040000:
      return MODE.folder;
    case 0o100000:
      return (bits & 0o100) === 0 ? MODE.file : MODE.executable;
    case 0o120000:
      return MODE.link;
    case 0o160000:
      return MODE.submodule;
    default:
      return undefined;
  }
}

function treeNameProblem(name: string, mode: string): string | undefined {
  if (name === "" || name === "." || name === ".." || name.includes("/")) return "is no name";
  // What git takes for something special has a dot or a wave in it.
  if (!/[.~]/.test(name)) return undefined;
  if (mode === MODE.link) return nameProblem(textOf(name), "link");
  return nameProblem(textOf(name), mode === MODE.folder ? "folder" : "file");
}
