import { chmodSync, closeSync, constants, existsSync, openSync, readdirSync } from "node:fs";

/** Linux: opens an entry without reading it, which needs no permission on it. */
const O_PATH = 0o10000000;
const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Here a descriptor has a path of its own. Elsewhere links swapped in while ATOS works are only looked for. */
const HAS_DESCRIPTOR_PATHS = process.platform === "linux" && existsSync("/proc/self/fd");

/**
 * A folder of a workspace, by its path for looking and, once needed, by a descriptor for everything else.
 *
 * Each descriptor is opened from its parent's, never through a link: whatever is swapped in on the way, what is read,
 * written or removed by {@link held} is in the workspace.
 */
export class WorkspacePlace implements Disposable {
  readonly #parent: WorkspacePlace | undefined;
  readonly #name: string;
  readonly #path: string;
  #descriptor: number | undefined;

  private constructor(parent: WorkspacePlace | undefined, name: string) {
    this.#parent = parent;
    this.#name = name;
    this.#path = parent === undefined ? `${name}/` : `${parent.#path}${name}/`;
  }

  static root(directory: string): WorkspacePlace {
    return new WorkspacePlace(undefined, Buffer.from(directory).toString("latin1"));
  }

  enter(name: string): WorkspacePlace {
    return new WorkspacePlace(this, name);
  }

  /** A path that is quick to use and may lead astray: for looking at things only. */
  seen(name = ""): string | Buffer {
    return bytesOf(this.#path + name);
  }

  /** A path that leads to the entry of this very folder, until it is disposed. */
  held(name = ""): string | Buffer {
    if (!HAS_DESCRIPTOR_PATHS) return this.seen(name);
    this.#descriptor ??= openSync(this.#parent?.held(this.#name) ?? bytesOf(this.#name), OPEN_FOLDER);
    return bytesOf(`/proc/self/fd/${this.#descriptor}/${name}`);
  }

  /** Sets the mode of a file or folder; a link is not followed. */
  setMode(name: string, mode: number): void {
    if (!HAS_DESCRIPTOR_PATHS) return chmodSync(this.seen(name), mode);
    const entry = openSync(this.held(name), O_PATH | constants.O_NOFOLLOW);
    try {
      chmodSync(`/proc/self/fd/${entry}`, mode);
    } finally {
      closeSync(entry);
    }
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** The names in a folder, as bytes. */
export function namesIn(folder: string | Buffer): string[] {
  return readdirSync(folder, { encoding: "latin1" });
}

/** Bytes as a person reads them. */
export function textOf(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

function bytesOf(path: string): string | Buffer {
  return /[\u0080-\u00ff]/.test(path) ? Buffer.from(path, "latin1") : path;
}
