import type { BigIntStats } from "node:fs";
import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { missingError } from "../../../base/errors.ts";
import { pathProblem } from "../../../base/safe-path.ts";
import { ToolFailure } from "../tool-failure.ts";
import { touching } from "./file-failure.ts";

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;

/**
 * A folder held by its descriptor. What is named by `at` is in this very folder, whatever its path leads to by now:
 * no check comes before a use that could be a use of something else.
 *
 * Linux finds it by `/proc/self/fd/N`, macOS by `/.vol/DEVICE/INODE` (written from its documentation, not tried).
 */
export class OpenedFolder implements Disposable {
  readonly #descriptor: number;
  readonly #place: string;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    this.#place = process.platform === "darwin" ? `/.vol/${dev}/${ino}` : `/proc/self/fd/${descriptor}`;
  }

  /**
   * The workspace itself. Its own path is trusted; it may be reached through links.
   *
   * @throws `tools/no-safe-paths` where a folder can't be found by its descriptor.
   */
  static root(path: string): OpenedFolder {
    const folder = new OpenedFolder(openSync(path, FOLDER));
    const here = fstatSync(folder.#descriptor, { bigint: true });
    if (isSame(here, statOf(folder.#place))) return folder;
    folder[Symbol.dispose]();
    throw missingError(
      "tools/no-safe-paths",
      "Files can't be opened safely here: /proc must be mounted, so that a folder can be found by its descriptor.",
    );
  }

  /** The path of an entry, for a call that does not follow it should it be a link. */
  at(name: string): string {
    return `${this.#place}/${name}`;
  }

  /** The path of the folder itself. */
  get place(): string {
    return this.#place;
  }

  /** The folder `name` in this one, never one behind a link. */
  folder(name: string): OpenedFolder {
    return new OpenedFolder(openSync(this.at(name), FOLDER | constants.O_NOFOLLOW));
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

/** The parts of a path that a model wrote, checked; none for the workspace itself, where that is `allowed`. */
export function partsOf(path: string, options: { readonly root?: "allowed" } = {}): readonly string[] {
  if (options.root === "allowed" && (path === "." || path === "")) return [];
  const problem = pathProblem(path);
  if (problem === undefined) return path.split("/");
  const shown = JSON.stringify(path.slice(0, 120));
  throw new ToolFailure(`${shown} can't be used: ${problem}. Write it relative to the workspace, like src/name.ts.`);
}

/** Opens the folder `parts` below `root`, one part after the other, and makes those that are missing if told to. */
export function openFolder(
  root: string,
  parts: readonly string[],
  options: { readonly make?: boolean } = {},
): OpenedFolder {
  let folder = OpenedFolder.root(root);
  for (const [index, name] of parts.entries()) {
    using parent = folder;
    folder = touching(parts.slice(0, index + 1).join("/"), () => step(parent, name, options.make === true));
  }
  return folder;
}

/** What an entry is, or undefined when it is not there. */
export function entryOf(folder: OpenedFolder, name: string): BigIntStats | undefined {
  return lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false });
}

function step(parent: OpenedFolder, name: string, make: boolean): OpenedFolder {
  try {
    return parent.folder(name);
  } catch (error) {
    const entry = entryOf(parent, name);
    // Linux says of a link that it is no folder.
    if (entry?.isSymbolicLink() === true) throw Object.assign(new Error("a link"), { code: "ELOOP" });
    if (!make || entry !== undefined) throw error;
  }
  try {
    mkdirSync(parent.at(name));
  } catch (error) {
    // Somebody else made it; what it is now, opening it tells.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  return parent.folder(name);
}

function isSame(one: BigIntStats, other: BigIntStats | undefined): boolean {
  return one.dev === other?.dev && one.ino === other.ino;
}

function statOf(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}
